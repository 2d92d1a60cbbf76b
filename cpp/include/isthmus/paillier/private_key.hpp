#pragma once
// The private key: owner encryption and decryption by CRT, in pair form modulo p^2 and q^2.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "isthmus/core/secret.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

/// p and q, and everything derived from them. Zeroised on destruction, locked in memory where the system allows.
class PrivateKey final : public ResidueSource {
 public:
  /// A fresh key of `key_bits` bits.
  /// Throws    KeyRejected below kMinKeyBits, above kMaxKeyBits or for a number not divisible by 128; Rng.
  static std::shared_ptr<const PrivateKey> generate(std::size_t key_bits);
  /// A standard key: any distinct primes with gcd(n, (p-1)(q-1)) = 1.
  /// Throws    KeyRejected, naming the rule; Rng.
  static std::shared_ptr<const PrivateKey> from_primes(const Natural& p, const Natural& q);
  /// The inverse of serialize(), with a self-test.
  /// Throws    KeyCorrupt.
  static std::shared_ptr<const PrivateKey> deserialize(ByteSpan bytes);
  /// Secret. For encrypted storage only.
  SecretVector<std::uint8_t> serialize() const;

  ~PrivateKey() override;

  PublicKeyPtr public_key() const override;
  /// By CRT: the residue is made modulo p^2 and q^2 and recombined, at less than half the cost.
  void random_residues(Limb* out, std::size_t count) const override;

  /// Plaintexts in [0, n): size * n_bytes() big-endian bytes.
  /// Security  Decrypts what it is given: never hand the result of a peer-chosen ciphertext back to that peer.
  /// Timing    Constant in key and plaintext; every base is blinded by a fresh residue.
  /// Throws    KeyMismatch before anything is decrypted; FaultDetected with the row when the result fails its
  ///           check, and then nothing is returned.
  SecretVector<std::uint8_t> decrypt(const CiphertextArray& ciphertexts) const;

 private:
  struct Parts;
  explicit PrivateKey(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Low 64 bits of (slot_s >> shift) for each of `slots` slots of slot_bits bits of each plaintext in [0, n).
/// Shapes    returns size * slots words, row-major.
/// Throws    as decrypt; InvalidArgument when slots * slot_bits exceeds n's bytes or shift the slot.
std::vector<std::uint64_t> decrypt_words(const PrivateKey& key, const CiphertextArray& ciphertexts,
                                         std::size_t slot_bits, std::size_t slots, std::size_t shift);

}  // namespace isthmus::paillier
