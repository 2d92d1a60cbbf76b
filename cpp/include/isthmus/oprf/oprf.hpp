#pragma once
// Oblivious pseudorandom functions (RFC 9497): a client learns F(key, input), the key's holder learns
// nothing.
//
//   client                            server
//   B = r HashToGroup(x)   -- B -->   E = key B, and in verifiable mode a proof
//   F = Hash(x, E / r)     <-- E --

#include <string>
#include <string_view>
#include <vector>

#include "isthmus/hash_to_curve/suite.hpp"
#include "isthmus/oprf/equality_proof.hpp"

namespace isthmus::oprf {

/// Longest input: its length is hashed as two bytes.
inline constexpr std::size_t kMaxInputBytes = 65535;

enum class Mode : std::uint8_t { oprf = 0, voprf = 1 };

/// One ciphersuite of RFC 9497 in one mode.
class Oprf {
 public:
  /// Throws    InvalidArgument naming the suites that exist.
  Oprf(std::string_view identifier, Mode mode);

  const std::string& identifier() const noexcept { return identifier_; }
  Mode mode() const noexcept { return mode_; }
  const Group& group() const noexcept { return proof_.group(); }
  const EqualityProof& proof() const noexcept { return proof_; }
  std::size_t output_bytes() const noexcept { return proof_.hash().digest_bytes(); }

  /// The key that follows from 32 secret bytes and public `info` (section 3.2.1).
  /// Throws    InvalidArgument for another length of the seed, or too long an info.
  Scalar derive_key(ByteSpan seed, ByteSpan info) const;

  /// out[i] = blinds[i] * HashToGroup(inputs[i]).
  /// Shapes    out[inputs.size() * element_bytes].
  /// Security  With fresh blinds the result is uniform, whatever the input.
  /// Timing    Constant in the inputs, but for their lengths, and the blinds.
  /// Threads   parallel_for, here and below; bit-identical for any thread count.
  /// Throws    InvalidArgument for an input longer than kMaxInputBytes, PointInvalid for one that hashes to
  /// the
  ///           identity, which nobody can find; with the row.
  void blind(const MessageBatch& inputs, const Scalars& blinds, MutableByteSpan out) const;

  /// out[i] = Hash(inputs[i], evaluated[i] / blinds[i]).
  /// Shapes    evaluated[inputs.size() * element_bytes], out[inputs.size() * output_bytes].
  /// Throws    as blind(), and PointEncoding and PointInvalid for evaluated elements.
  void finalize(const MessageBatch& inputs, const Scalars& blinds, ByteSpan evaluated,
                MutableByteSpan out) const;

  /// out[i] = Hash(inputs[i], key * HashToGroup(inputs[i])), what finalize() gives for the same key.
  void evaluate_directly(const MessageBatch& inputs, const Scalar& key, MutableByteSpan out) const;

 private:
  void hash_outputs(const MessageBatch& inputs, ByteSpan elements, MutableByteSpan out) const;
  ByteSpan group_dst() const noexcept;

  std::string identifier_;
  Mode mode_;
  std::string context_;
  std::string group_dst_;
  EqualityProof proof_;
};

/// Names of all ciphersuites.
std::vector<std::string_view> suite_identifiers();

}  // namespace isthmus::oprf
