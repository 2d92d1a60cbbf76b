#pragma once
// Proofs that one key stands behind a public key and a whole batch of multiplications (DLEQ).

#include <string>

#include "isthmus/oprf/transcript.hpp"

namespace isthmus::oprf {

/// Elements that one proof covers at most: their positions are hashed as two bytes.
inline constexpr std::size_t kMaxProofBatch = 65535;

/// Proves that log(public_key) = log_C[i](D[i]) for all i, without showing the logarithm: one proof of two
/// scalars for the whole batch.
/// Ref       RFC 9497, section 2.2; the batching is by random weights.
class EqualityProof {
 public:
  /// `context` separates applications: equal batches under different contexts have unrelated proofs.
  /// Throws    InvalidArgument for a group without addition.
  EqualityProof(const Group& group, std::string context);

  const Group& group() const noexcept { return hash_.group(); }
  const ScalarHash& hash() const noexcept { return hash_; }
  std::size_t proof_bytes() const noexcept { return 2 * group().scalar_bytes(); }

  /// Throws    PointEncoding or PointInvalid unless these bytes encode an element that can be a public key.
  void check_public_key(ByteSpan public_key) const;

  /// out[proof_bytes] = challenge | response.
  /// Shapes    public_key[element_bytes], points and multiples[n * element_bytes], 0 < n <= kMaxProofBatch.
  /// Security  `nonce` must be fresh and used once. The points and their multiples are taken as public.
  /// Timing    Constant in the key and the nonce.
  /// Threads   parallel_for; bit-identical for any thread count.
  /// Throws    InvalidArgument for other shapes; PointEncoding and PointInvalid as Group::mult().
  void prove(const Scalar& key, const Scalar& nonce, ByteSpan public_key, ByteSpan points, ByteSpan multiples,
             MutableByteSpan out) const;

  /// Throws    ProofInvalid when the proof does not hold, Decode when it does not parse, and as prove().
  void verify_vartime(ByteSpan public_key, ByteSpan points, ByteSpan multiples, ByteSpan proof) const;

 private:
  using Bytes = std::vector<std::uint8_t>;
  Bytes weights(ByteSpan public_key, ByteSpan points, ByteSpan multiples) const;
  void challenge(ByteSpan public_key, ByteSpan point, ByteSpan multiple, ByteSpan key_commitment,
                 ByteSpan commitment, MutableByteSpan out) const;
  void require_batch(ByteSpan public_key, ByteSpan points, ByteSpan multiples) const;

  ScalarHash hash_;
  std::string seed_dst_;
  std::string scalar_dst_;
};

}  // namespace isthmus::oprf
