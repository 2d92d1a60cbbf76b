#pragma once
// Decryption of a few ciphertexts, without a branch or an address that depends on a secret (tests/ct runs it
// on poisoned keys); PrivateKey::decrypt acts on the outcome of its checks.

#include <vector>

#include "isthmus/paillier/ciphertext_array.hpp"
#include "private_key_parts.hpp"

namespace isthmus::paillier {

/// What one half of a block has worked out.
struct HalfResult {
  AlignedLimbs powers;      // z modulo (p*t)^2, as limbs, one row a ciphertext
  AlignedLimbs plaintexts;  // m mod p, as limbs
  std::vector<Limb> valid;  // all ones where checks 1 and 2 hold
};

class BlockDecryptor {
 public:
  static constexpr std::size_t kBlock = 16;  // ciphertexts that share one fresh blinding factor

  explicit BlockDecryptor(const PrivateKeyParts& parts);

  /// Writes the plaintexts of in[first, first + count), n_bytes() each; returns a mask per ciphertext, all
  /// ones where every check holds. Requires  count <= kBlock.
  std::vector<Limb> run(const CiphertextArray& in, std::size_t first, std::size_t count, MutableByteSpan out);

 private:
  void blind(const CiphertextArray& in, std::size_t first, std::size_t count);
  MutableLimbSpan blinded(std::size_t i) { return MutableLimbSpan(blinded_).subspan(i * c_limbs_, c_limbs_); }
  HalfResult half(const PrimeHalf& h, std::size_t count);
  AlignedLimbs join(const HalfResult& p, const HalfResult& q, std::size_t i) const;
  Limb agrees(const PrimeHalf& h, const HalfResult& r, std::size_t i, LimbSpan m) const;

  const PrivateKeyParts& parts_;
  const bigint::SquareModulus& n_squared_;
  std::size_t c_limbs_;
  AlignedLimbs blinded_;
  SecretVector<std::uint64_t> guards_;  // what the exponentiations are checked against
};

}  // namespace isthmus::paillier
