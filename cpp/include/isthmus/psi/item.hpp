#pragma once
// Identifiers as canonical item bytes: what two parties must agree on, byte for byte, for equal identifiers
// to match.
//
// item   = field | field | ...            one field per key column, in column order
// field  = tag (1 byte) | length (4 bytes, big-endian) | content
//   tag 1  an integer of any width: content is its decimal form, '-' first when negative, no leading zeros
//   tag 2  text or binary: content is the UTF-8 text or the bytes themselves
//
// The lengths make the encoding injective, so ("ab", "c") and ("a", "bc") differ; the tags keep the number 7
// and the text "7" apart, so that a difference in column types shows up as such and not as a few missing
// matches. The run that an item is hashed for goes into the hash's domain separation tag: item_dst().

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/hash_to_curve/suite.hpp"
#include "isthmus/psi/arrow.hpp"

namespace isthmus {

/// Longest content of one field. A longer one is a wrong column, not an identifier.
inline constexpr std::size_t kMaxFieldBytes = 65535;

/// The key columns of a table, each in one or more chunks.
class ItemColumns {
 public:
  using Column = std::vector<ArrowChunk>;

  /// Throws    InvalidArgument unless there is at least one column and all are equally long.
  explicit ItemColumns(std::vector<Column> columns);

  std::size_t size() const noexcept { return size_; }

  /// Replaces `out` by the canonical bytes of this row's item.
  /// Throws    IdEncoding with the row for a null, an item with nothing in it, a field longer than
  /// kMaxFieldBytes, and
  ///           for text that is not valid UTF-8, holds control characters or a byte order mark, or has white
  ///           space at its ends. Such text would silently fail to match.
  void encode(std::size_t row, SecretVector<std::uint8_t>& out) const;

  /// Encodes and discards every row.
  /// Threads   parallel_for.
  /// Throws    as encode(), for the first bad row.
  void check() const;

 private:
  struct Located {
    Column chunks;
    std::vector<std::size_t> starts;  // first row of each chunk
  };
  std::vector<Located> columns_;
  std::size_t size_;
};

/// The domain separation tag under which items are hashed to a group: protocol, version, suite and the
/// caller's `domain`, which must be fresh for each run, so that no two runs' points can be compared. Throws
/// InvalidArgument for an empty domain.
std::vector<std::uint8_t> item_dst(const Suite& suite, ByteSpan domain);

/// Bytes of an item's digest: SHA-256 of its canonical bytes, which stands for the item from then on.
inline constexpr std::size_t kItemDigestBytes = 32;

/// out[i] = scalar * hash_to_group(digests[i]).
/// Shapes    digests[n * kItemDigestBytes], out[n * group.element_bytes()].
/// Timing    Constant in the scalar and the digests.
/// Threads   parallel_for; bit-identical for any thread count.
/// Throws    InvalidArgument.
void mask_digests(ByteSpan digests, ByteSpan domain, const Scalar& scalar, MutableByteSpan out);

}  // namespace isthmus
