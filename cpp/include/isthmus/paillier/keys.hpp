#pragma once
// Paillier keys: n = p*q; Enc(m) = (1 + m*n) * rho mod n^2 with a random n-th residue rho.
//
// Keys made here follow Damgard, Jurik and Nielsen: p = q = 3 mod 4, gcd(p-1, q-1) = 2, h = -x^2 mod n,
// hs = h^n mod n^2, rho = hs^r with r uniform in [0, 2^(key_bits/2)). Imported standard keys have no hs;
// their rho is r^n with r uniform in Z_n^*.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/core/bytes.hpp"

namespace isthmus::paillier {

using bigint::Limb;
using bigint::Natural;

inline constexpr std::size_t kMinKeyBits = 2048;
inline constexpr std::size_t kMaxKeyBits = 4096;
using Fingerprint = std::array<std::uint8_t, 32>;

class PublicKey;
using PublicKeyPtr = std::shared_ptr<const PublicKey>;

/// Something that can draw the randomness of ciphertexts under one public key.
class ResidueSource {
 public:
  virtual ~ResidueSource() = default;
  virtual PublicKeyPtr public_key() const = 0;
  /// Builds, with all threads, the tables that the first random_residues() would otherwise build.
  virtual void prepare() const = 0;
  /// out = `count` fresh random n-th residues, as elements of n_squared().
  /// Threads   Safe; runs on the calling thread.
  /// Throws    Rng; out is then unspecified.
  virtual void random_residues(Limb* out, std::size_t count) const = 0;
};

/// A public key. Immutable, shared by the ciphertexts under it; make it with one of the static functions.
class PublicKey final : public ResidueSource, public std::enable_shared_from_this<PublicKey> {
 public:
  /// For keys this library generated or already validated; hs is absent for standard keys.
  static PublicKeyPtr create(const Natural& n, const std::optional<Natural>& hs);
  /// Parses and validates a peer's key.
  /// Throws    Decode for malformed bytes; KeyRejected, naming the rule, for a key that breaks one: size,
  /// odd,
  ///           no factor below 2^20, not a perfect square, not prime, hs in range and a unit.
  static PublicKeyPtr from_bytes(ByteSpan bytes);
  std::vector<std::uint8_t> to_bytes() const;

  PublicKey(const Natural& n, const std::optional<Natural>& hs);
  PublicKey(const PublicKey&) = delete;
  PublicKey& operator=(const PublicKey&) = delete;

  const Natural& n() const noexcept { return n_; }
  const std::optional<Natural>& hs() const noexcept { return hs_; }
  std::size_t key_bits() const noexcept { return key_bits_; }
  std::size_t n_bytes() const noexcept { return (key_bits_ + 7) / 8; }
  /// Bytes of one serialised ciphertext.
  std::size_t ciphertext_bytes() const noexcept { return 2 * n_bytes(); }
  /// Every |m| < 2^max_plaintext_bits() lies in the centred range (-n/2, n/2).
  std::size_t max_plaintext_bits() const noexcept { return key_bits_ - 2; }
  /// SHA-256 of n || hs.
  const Fingerprint& fingerprint() const noexcept { return fingerprint_; }
  const bigint::SquareModulus& n_squared() const noexcept { return n_squared_; }

  PublicKeyPtr public_key() const override { return shared_from_this(); }
  void prepare() const override;
  void random_residues(Limb* out, std::size_t count) const override;

 private:
  const bigint::FixedBaseTable& table() const;

  Natural n_;
  std::optional<Natural> hs_;
  std::size_t key_bits_;
  bigint::SquareModulus n_squared_;
  Fingerprint fingerprint_;
  mutable std::once_flag table_once_;
  mutable std::unique_ptr<const bigint::FixedBaseTable> table_;
};

}  // namespace isthmus::paillier
