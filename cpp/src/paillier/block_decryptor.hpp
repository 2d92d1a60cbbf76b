#pragma once
// Decryption of a batch of ciphertexts, without a branch or an address that depends on a secret (tests/ct
// runs it on poisoned keys); PrivateKey::decrypt acts on the outcome of its checks.

#include <vector>

#include "isthmus/paillier/ciphertext_array.hpp"
#include "private_key_parts.hpp"

namespace isthmus::paillier {

/// What one half of a batch has worked out, a row a ciphertext.
struct HalfResult {
  AlignedLimbs powers;      // z modulo (p*t)^2, as limbs
  AlignedLimbs plaintexts;  // m mod p, as limbs
  std::vector<Limb> valid;  // all ones where checks 1 and 2 hold
};

/// Fresh n-th residues b^(2^j), one for each batch of a decryption, from one random b.
class BlindingBases {
 public:
  /// Throws Rng.
  BlindingBases(const PrivateKeyParts& parts, std::size_t batches);
  const Limb* base(std::size_t batch) const { return bases_.data() + batch * stride_; }

 private:
  std::size_t stride_;
  AlignedLimbs bases_;
};

class BlockDecryptor {
 public:
  static constexpr std::size_t kBlock = 64;  // ciphertexts of a batch; at most this many

  explicit BlockDecryptor(const PrivateKeyParts& parts);

  /// Writes the plaintexts of in[first, first + count), n_bytes() each; returns a mask per ciphertext, all
  /// ones where every check holds. Requires  count <= kBlock.
  std::vector<Limb> run(const CiphertextArray& in, std::size_t first, std::size_t count, const Limb* blinding,
                        MutableByteSpan out);

 private:
  void blind(const CiphertextArray& in, std::size_t first, const Limb* blinding);
  HalfResult half(const PrimeHalf& h) const;
  AlignedLimbs join(const HalfResult& p, const HalfResult& q) const;
  std::vector<Limb> agree(const PrimeHalf& h, const HalfResult& r, LimbSpan plaintexts) const;

  const PrivateKeyParts& parts_;
  const bigint::SquareModulus& n_squared_;
  std::size_t count_ = 0;
  AlignedLimbs blinded_;                // ciphertexts as limbs, times n-th residues
  SecretVector<std::uint64_t> guards_;  // what the exponentiations are checked against
};

}  // namespace isthmus::paillier
