#pragma once

#include <cstddef>

#include "private_key_parts.hpp"

namespace isthmus::paillier {

/// The randomness of ciphertexts made modulo p^2 and q^2, and its check (docs/adr/0011-decryption-checks.md).
class OwnerResidues {
 public:
  /// Residues made at a time: with that of the check they fill the lanes of every backend.
  static constexpr std::size_t kBlock = 255;

  explicit OwnerResidues(const PrivateKeyParts& parts) : parts_(parts) {}

  /// out = `count` residues, as elements of n_squared(). Returns all ones, or zero when the check failed; out
  /// then is worse than useless. Timing    Constant in everything but the lengths. Throws    Rng.
  Limb draw(Limb* out, std::size_t count) const;

 private:
  /// Rows of both halves, that of the check last.
  struct Halves {
    AlignedLimbs p, q;
  };

  Limb powers_of_hs(Halves& rows, std::size_t count) const;
  Limb powers_of_units(const PrimeHalf& half, AlignedLimbs& rows, std::size_t count) const;
  AlignedLimbs join(const Halves& rows, std::size_t count) const;

  const PrivateKeyParts& parts_;
};

}  // namespace isthmus::paillier
