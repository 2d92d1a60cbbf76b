#pragma once
// Paillier keys: n = p*q; Enc(m) = (1 + m*n) * rho mod n^2 with a random n-th residue rho.
//
// Keys made here have p = q = 3 mod 4 and gcd(p-1, q-1) = 2; their rho is hs^r for a public hs = h^n mod n^2:
//   djn       h = -x^2 mod n for a random x, r uniform in [0, 2^(key_bits/2));
//   fast      p = 2*p'*k + 1 and q = 2*q'*l + 1 with primes p', q', h = -y^(2*k*l) mod n for a random y,
//   whose
//             order divides 2*p'*q', and r uniform in [0, 2^exponent_bits), exponent_bits = |p'*q'|.
// Imported standard keys have no hs; their rho is r^n with r uniform in Z_n^*.
// Ref       Damgard, Jurik and Nielsen, "A generalization of Paillier's public-key system with applications
// to
//           electronic voting", IJIS 9 (2010), section 4.2 (djn); Ma, Han and Lei, "Optimized Paillier's
//           cryptosystem with fast encryption and decryption", ACSAC 2021 (fast).

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// How a key randomizes; the values are those of the byte form.
enum class KeyKind : std::uint8_t { standard = 0, djn = 1, fast = 2 };

/// Least exponent bits of a fast key: twice its two subgroup orders, each of at least twice as many bits as
/// the strength of n, since whoever knows hs factors n in about 2^(bits of p' / 2) steps.
/// Ref       Coron, Joux, Mandal, Naccache and Tibouchi, "Cryptanalysis of the RSA subgroup assumption from
/// TCC
///           2005", PKC 2011; the pairs (2048, 448) and (3072, 512) are those of Ma, Han and Lei.
constexpr std::size_t fast_exponent_bits(std::size_t key_bits) noexcept {
  if (key_bits <= 2048) return 448;     // strength 112
  return key_bits <= 3072 ? 512 : 640;  // strength 128; up to 4096 bits at most 160
}

/// The public base of randomizers, and the length of its exponents.
struct RandomizerBase {
  KeyKind kind;
  Natural hs;
  std::size_t exponent_bits;
};

class PublicKey;
using PublicKeyPtr = std::shared_ptr<const PublicKey>;

/// Something that can draw the randomness of ciphertexts under one public key.
class ResidueSource {
 public:
  virtual ~ResidueSource() = default;
  virtual PublicKeyPtr public_key() const = 0;
  /// Announces that about `count` residues are wanted, and builds with all threads the tables that pay for
  /// it.
  virtual void prepare(std::size_t count) const = 0;
  /// out = `count` fresh random n-th residues, as elements of n_squared().
  /// Threads   Safe; runs on the calling thread.
  /// Throws    Rng; out is then unspecified.
  virtual void random_residues(Limb* out, std::size_t count) const = 0;
};

/// A public key. Immutable, shared by the ciphertexts under it; make it with one of the static functions.
class PublicKey final : public ResidueSource, public std::enable_shared_from_this<PublicKey> {
 public:
  /// For keys this library generated or already validated; standard keys have no base. Equal keys of a
  /// process are one object, with one table.
  static PublicKeyPtr create(const Natural& n, const std::optional<RandomizerBase>& base);
  /// Parses and validates a peer's key.
  /// Throws    Decode for malformed bytes; KeyRejected, naming the rule, for a key that breaks one: size,
  ///           odd, no factor below 2^20, not a perfect square, not prime, hs in range and a unit, exponents
  ///           of a fast key from fast_exponent_bits() to half the bits of n.
  static PublicKeyPtr from_bytes(ByteSpan bytes);
  std::vector<std::uint8_t> to_bytes() const;

  PublicKey(const Natural& n, const std::optional<RandomizerBase>& base);
  ~PublicKey() override;
  PublicKey(const PublicKey&) = delete;
  PublicKey& operator=(const PublicKey&) = delete;

  const Natural& n() const noexcept { return n_; }
  /// Absent for standard keys.
  const std::optional<RandomizerBase>& base() const noexcept { return base_; }
  KeyKind kind() const noexcept { return base_ ? base_->kind : KeyKind::standard; }
  std::size_t key_bits() const noexcept { return key_bits_; }
  std::size_t n_bytes() const noexcept { return (key_bits_ + 7) / 8; }
  /// Bytes of one serialised ciphertext.
  std::size_t ciphertext_bytes() const noexcept { return 2 * n_bytes(); }
  /// Every |m| < 2^max_plaintext_bits() lies in the centred range (-n/2, n/2).
  std::size_t max_plaintext_bits() const noexcept { return key_bits_ - 2; }
  /// SHA-256 of n || hs, of a fast key also || exponent_bits in two bytes.
  const Fingerprint& fingerprint() const noexcept { return fingerprint_; }
  const bigint::SquareModulus& n_squared() const noexcept { return n_squared_; }

  PublicKeyPtr public_key() const override { return shared_from_this(); }
  void prepare(std::size_t count) const override;
  void random_residues(Limb* out, std::size_t count) const override;

 private:
  Natural n_;
  std::optional<RandomizerBase> base_;
  std::size_t key_bits_;
  bigint::SquareModulus n_squared_;
  Fingerprint fingerprint_;
  struct Powers;
  std::unique_ptr<Powers> powers_;  // of hs
};

}  // namespace isthmus::paillier
