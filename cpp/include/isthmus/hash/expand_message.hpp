#pragma once
// expand_message_xmd: uniform bytes of any length from a message and a domain separation tag.

#include <cstdint>
#include <span>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/hash/sha2.hpp"
#include "isthmus/hash/sm3.hpp"

namespace isthmus {

/// Stretches messages under one domain separation tag (DST), prepared once for many messages.
class Expander {
 public:
  virtual ~Expander() = default;

  /// Fills `out` with bytes that are uniform when the hash is a random oracle.
  /// Timing    Depends on the lengths only.
  /// Threads   Safe to call from several threads.
  /// Throws    HashToCurve when out is empty, longer than 255 digests, or longer than 65535 bytes.
  virtual void expand(ByteSpan message, MutableByteSpan out) const = 0;

  /// The same for many messages, `length` bytes each, one after the other; faster where the hash has lanes.
  /// Shapes    out[messages.size() * length].
  virtual void expand_many(std::span<const ByteSpan> messages, std::size_t length, std::uint8_t* out) const;
};

/// expand_message_xmd over a Merkle-Damgard hash.
/// b0 = H(zero block | message | length | 0 | DST'), b1 = H(b0 | 1 | DST'), bi = H((b0 xor b(i-1)) | i |
/// DST'). Throws    HashToCurve for an empty DST. One longer than 255 bytes is hashed first, as section 5.3.3
/// says. Ref       RFC 9380, section 5.3.1.
template <class Hash>
class XmdExpander final : public Expander {
 public:
  explicit XmdExpander(ByteSpan dst);
  void expand(ByteSpan message, MutableByteSpan out) const override;
  void expand_many(std::span<const ByteSpan> messages, std::size_t length, std::uint8_t* out) const override;

 private:
  std::vector<std::uint8_t> dst_prime_;
  Hash after_zero_block_;
};

extern template class XmdExpander<Sha256>;
extern template class XmdExpander<Sha512>;
extern template class XmdExpander<Sm3>;

}  // namespace isthmus
