#pragma once
// Fixed-size records of items and tags: made, partitioned, sorted, deduplicated and matched.
//
// A record is a row of 64-bit words, ordered as the row is. The first word is spread evenly, so its top byte
// splits any number of records into kPartitions even parts, which can be sorted and matched one after the
// other while the rest lies elsewhere.
//
//   item   order | digest (4 words) | row       order = siphash24(secret key, digest): equal items become
//                                               neighbours, and the order tells nothing without the key
//   tag    high | low | position                the tag's bytes as a big-endian number
//
// Records of four and five words, whose contents are their owner's business, are partitioned and sorted too.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "isthmus/core/bytes.hpp"
#include "isthmus/hash/siphash.hpp"
#include "isthmus/psi/item.hpp"

namespace isthmus {

template <std::size_t Words>
using Record = std::array<std::uint64_t, Words>;
using ItemRecord = Record<6>;
using TagRecord = Record<3>;

inline constexpr std::size_t kPartitions = 256;

/// Bytes of a tag record's tag; shorter tags are followed by zeros.
inline constexpr std::size_t kTagBytes = 16;

/// out[i] = the record of row i, whose row number is first_row + i.
/// Returns the sum modulo 2^64 of siphash24(print, order | row) over the rows: equal for equal tables,
/// whatever batches they come in. Shapes    out[columns.size()]. Threads   parallel_for; the same result for
/// any thread count. Throws    IdEncoding as ItemColumns::encode(), for the first bad row, counted within the
/// columns.
std::uint64_t make_item_records(const ItemColumns& columns, const SipKey& order, const SipKey& print,
                                std::uint64_t first_row, std::span<ItemRecord> out);

/// The same for rows whose items are known by their digests: the records and the sum that make_item_records()
/// has for them, under other keys.
/// Shapes    digests[kItemDigestBytes * out.size()], rows[out.size()].
/// Threads   parallel_for; the same result for any thread count.
std::uint64_t reorder_item_records(ByteSpan digests, std::span<const std::uint64_t> rows, const SipKey& order,
                                   const SipKey& print, std::span<ItemRecord> out);

/// out[i] = the record of tag i: the first `width` of the kTagBytes bytes that start at `offset` of row i.
/// Shapes    rows[out.size() * stride].
/// Throws    InvalidArgument unless the tag lies within its row.
void make_tag_records(ByteSpan rows, std::size_t stride, std::size_t offset, std::size_t width,
                      std::uint64_t first_position, std::span<TagRecord> out);

/// Copies records to `out` by the top byte of their first word, in their old order within a partition;
/// partition p is out[starts[p]] to out[starts[p + 1]].
template <std::size_t Words>
void partition_records(std::span<const Record<Words>> in, std::span<Record<Words>> out,
                       std::span<std::uint64_t, kPartitions + 1> starts);

/// Copies the records of neighbouring partitions to `out` in ascending order.
/// Threads   parallel_for; the same result for any thread count.
template <std::size_t Words>
void sort_records(std::span<const Record<Words>> in, std::span<Record<Words>> out);

/// Set in a row number whose item is that of the row before.
inline constexpr std::uint64_t kRepeated = std::uint64_t{1} << 63;

/// Splits sorted item records into the digest of each item and the rows that hold it, the first row first;
/// the others carry kRepeated. Returns the number of different items. Shapes    digests[kItemDigestBytes *
/// sorted.size()], of which the items' part is written; rows[sorted.size()].
std::size_t split_items(std::span<const ItemRecord> sorted, MutableByteSpan digests,
                        std::span<std::uint64_t> rows);

/// What matching found.
struct TagMatch {
  std::size_t count = 0;      ///< tags of `own` that `peer` has too
  bool own_repeats = false;   ///< two records of `own` with one tag matched
  bool peer_repeats = false;  ///< two records of `peer` are the same in all kTagBytes bytes
};

/// positions[k] = position of the k-th record of `own` whose first tag_bytes bytes `peer` has too, in the
/// order of the tags. Both are sorted. Shapes    positions[own.size()], of which the first `count` are
/// written.
TagMatch match_tags(std::span<const TagRecord> own, std::span<const TagRecord> peer, std::size_t tag_bytes,
                    std::span<std::uint64_t> positions);

extern template void partition_records<3>(std::span<const Record<3>>, std::span<Record<3>>,
                                          std::span<std::uint64_t, kPartitions + 1>);
extern template void partition_records<4>(std::span<const Record<4>>, std::span<Record<4>>,
                                          std::span<std::uint64_t, kPartitions + 1>);
extern template void partition_records<5>(std::span<const Record<5>>, std::span<Record<5>>,
                                          std::span<std::uint64_t, kPartitions + 1>);
extern template void partition_records<6>(std::span<const Record<6>>, std::span<Record<6>>,
                                          std::span<std::uint64_t, kPartitions + 1>);
extern template void sort_records<3>(std::span<const Record<3>>, std::span<Record<3>>);
extern template void sort_records<4>(std::span<const Record<4>>, std::span<Record<4>>);
extern template void sort_records<5>(std::span<const Record<5>>, std::span<Record<5>>);
extern template void sort_records<6>(std::span<const Record<6>>, std::span<Record<6>>);

}  // namespace isthmus
