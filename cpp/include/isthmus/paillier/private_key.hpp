#pragma once
// The private key: encryption for its owner and decryption, by CRT over p^2 and q^2.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "isthmus/core/secret.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

struct PrivateKeyParts;

/// p and q, and everything derived from them. Immutable; zeroised on destruction; what is kept of
/// p and q, tables excepted, is locked in memory where the system allows.
class PrivateKey final : public ResidueSource {
 public:
  /// A fresh key whose n has exactly `key_bits` bits, of kind djn or fast.
  /// Throws    KeyRejected unless key_bits is a multiple of 64 in kMinKeyBits..kMaxKeyBits; Rng.
  static std::shared_ptr<const PrivateKey> generate(std::size_t key_bits, bool fast = false);

  /// A standard key: primes with gcd(n, (p-1)(q-1)) = 1, of lengths that differ by at most kMaxPrimeImbalance
  /// bits, and |p - q| above 2^(bits of p - 100). Its randomizers are r^n. Throws    KeyRejected, naming the
  /// rule; Rng.
  static std::shared_ptr<const PrivateKey> from_primes(const Natural& p, const Natural& q);
  static constexpr std::size_t kMaxPrimeImbalance = 32;

  /// The inverse of serialize(), which it tests: sizes, primality, hs, and a decryption.
  /// Throws    KeyCorrupt.
  static std::shared_ptr<const PrivateKey> deserialize(ByteSpan bytes);
  /// Everything, in clear. Encrypt before storing.
  SecretVector<std::uint8_t> serialize() const;

  explicit PrivateKey(std::shared_ptr<const PrivateKeyParts> parts);
  ~PrivateKey() override;

  PublicKeyPtr public_key() const override;
  void prepare(std::size_t count) const override;
  /// Made modulo p^2 and q^2 and recombined at about half the public key's cost, a quarter under a fast key.
  /// The distribution is the public key's; under a fast key it is uniform on the subgroup that hs generates.
  /// What was made is checked before it is released, by one more power for each call (docs/security.md).
  /// Throws    Rng; FaultDetected, and then out holds nothing.
  void random_residues(Limb* out, std::size_t count) const override;

  /// Plaintexts in [0, n), size * n_bytes() bytes, big-endian.
  /// Every result is checked before it is released: the exponentiations by Shamir's trick with a 22-bit
  /// prime, the rest by recomputation from the final plaintext (docs/security.md); about 3 % of the time.
  /// Security  Decrypts what it is given: never hand a plaintext of a peer's choosing back to that peer.
  /// Timing    Constant in key and plaintext; every ciphertext is blinded first.
  /// Threads   parallel_for.
  /// Throws    KeyMismatch before anything is decrypted; FaultDetected with the row, and then nothing is
  /// returned.
  SecretVector<std::uint8_t> decrypt(const CiphertextArray& ciphertexts) const;

 private:
  std::shared_ptr<const PrivateKeyParts> parts_;  // one for all objects of the same key
};

/// Plaintexts as centred 64-bit integers, or nothing when one does not fit. `plaintexts` as from decrypt().
std::optional<std::vector<std::int64_t>> to_int64(const PublicKey& key, ByteSpan plaintexts);
/// Plaintexts as centred integers divided by 2^scale_bits, rounded to nearest even.
std::vector<double> to_double(const PublicKey& key, ByteSpan plaintexts, std::size_t scale_bits);
/// Throws    PlaintextOverflow with the first row whose plaintext in [0, n) has more than `bits` bits.
void require_at_most_bits(const PublicKey& key, ByteSpan plaintexts, std::size_t bits);
/// The low 64 bits of (slot s >> shift) of every plaintext in [0, n), for slots of slot_bits bits.
/// Shapes    returns size * slots words, row-major.
/// Throws    InvalidArgument when the slots reach beyond n or shift is not below slot_bits.
std::vector<std::uint64_t> to_words(const PublicKey& key, ByteSpan plaintexts, std::size_t slot_bits,
                                    std::size_t slots, std::size_t shift);

}  // namespace isthmus::paillier
