#include "isthmus/psi/record.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <vector>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/hash/sha2.hpp"

namespace isthmus {
namespace {

constexpr std::size_t kRowsPerBlock = 1024;
constexpr std::size_t kBucketRecords = 1024;  // a bucket is sorted within the first-level cache

ItemRecord item_record(ByteSpan digest, const SipKey& order, std::uint64_t row) {
  ItemRecord record;
  record[0] = siphash24(order, digest);
  std::memcpy(&record[1], digest.data(), digest.size());
  record[5] = row;
  return record;
}

std::uint64_t print_of(const SipKey& print, const ItemRecord& record) {
  std::array<std::uint8_t, 16> bytes;
  store_le64(bytes.data(), record[0]);
  store_le64(bytes.data() + 8, record[5]);
  return siphash24(print, bytes);
}

// Fills `out`, with make(row, scratch) for each record, and returns the sum of their prints.
template <class Make>
std::uint64_t fill_item_records(std::span<ItemRecord> out, const SipKey& print, const Make& make) {
  std::atomic<std::uint64_t> sum{0};
  parallel_for((out.size() + kRowsPerBlock - 1) / kRowsPerBlock, [&](std::size_t block) {
    SecretVector<std::uint8_t> scratch;
    std::uint64_t part = 0;
    const std::size_t end = std::min(out.size(), (block + 1) * kRowsPerBlock);
    for (std::size_t row = block * kRowsPerBlock; row < end; ++row) {
      out[row] = make(row, scratch);
      part += print_of(print, out[row]);
    }
    sum += part;
  });
  return sum;
}

// Records by the top `bits` bits of how far their first words are above the least one.
template <std::size_t Words>
std::vector<std::size_t> scatter(std::span<const Record<Words>> in, int bits, std::span<Record<Words>> out) {
  std::uint64_t least = ~std::uint64_t{0}, greatest = 0;
  for (const Record<Words>& record : in) {
    least = std::min(least, record[0]);
    greatest = std::max(greatest, record[0]);
  }
  const int shift = in.empty() ? 0 : std::max(0, static_cast<int>(std::bit_width(greatest - least)) - bits);
  const auto bucket = [=](const Record<Words>& record) {
    return bits == 0 ? std::size_t{0} : static_cast<std::size_t>((record[0] - least) >> shift);
  };
  std::vector<std::size_t> starts((std::size_t{1} << bits) + 1, 0);
  for (const Record<Words>& record : in) ++starts[bucket(record) + 1];
  for (std::size_t b = 1; b < starts.size(); ++b) starts[b] += starts[b - 1];
  std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
  for (const Record<Words>& record : in) out[next[bucket(record)]++] = record;
  return starts;
}

// Sorts one tag by all bytes, and compares by the first few.
class Prefix {
 public:
  explicit Prefix(std::size_t bytes)
      : high_(bytes >= 8 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> (8 * bytes))),
        low_(bytes <= 8    ? 0
             : bytes >= 16 ? ~std::uint64_t{0}
                           : ~(~std::uint64_t{0} >> (8 * (bytes - 8)))) {}
  std::strong_ordering operator()(const TagRecord& a, const TagRecord& b) const noexcept {
    const auto high = (a[0] & high_) <=> (b[0] & high_);
    return high != 0 ? high : (a[1] & low_) <=> (b[1] & low_);
  }

 private:
  std::uint64_t high_, low_;
};

bool has_equal_neighbours(std::span<const TagRecord> sorted) noexcept {
  return std::adjacent_find(sorted.begin(), sorted.end(), [](const TagRecord& a, const TagRecord& b) {
           return a[0] == b[0] && a[1] == b[1];
         }) != sorted.end();
}

}  // namespace

std::uint64_t make_item_records(const ItemColumns& columns, const SipKey& order, const SipKey& print,
                                std::uint64_t first_row, std::span<ItemRecord> out) {
  require(out.size() == columns.size(), "out must hold one record per row");
  require(first_row <= kRepeated - out.size(), "a row number is too large");
  return fill_item_records(out, print, [&](std::size_t row, SecretVector<std::uint8_t>& scratch) {
    columns.encode(row, scratch);
    return item_record(sha256(scratch), order, first_row + row);
  });
}

std::uint64_t reorder_item_records(ByteSpan digests, std::span<const std::uint64_t> rows, const SipKey& order,
                                   const SipKey& print, std::span<ItemRecord> out) {
  require(digests.size() == kItemDigestBytes * out.size() && rows.size() == out.size(),
          "out must hold one record per row");
  return fill_item_records(out, print, [&](std::size_t i, SecretVector<std::uint8_t>&) {
    return item_record(digests.subspan(kItemDigestBytes * i, kItemDigestBytes), order, rows[i]);
  });
}

void make_tag_records(ByteSpan rows, std::size_t stride, std::size_t offset, std::size_t width,
                      std::uint64_t first_position, std::span<TagRecord> out) {
  require(rows.size() == out.size() * stride, "out must hold one record per tag");
  require(width >= 1 && width <= kTagBytes && offset + width <= stride, "a tag must lie within its row");
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::array<std::uint8_t, kTagBytes> bytes{};
    std::memcpy(bytes.data(), rows.data() + i * stride + offset, width);
    out[i] = {load_be64(bytes.data()), load_be64(bytes.data() + 8), first_position + i};
  }
}

template <std::size_t Words>
void partition_records(std::span<const Record<Words>> in, std::span<Record<Words>> out,
                       std::span<std::uint64_t, kPartitions + 1> starts) {
  require(out.size() == in.size(), "out must be as long as the records");
  std::fill(starts.begin(), starts.end(), 0);
  for (const Record<Words>& record : in) ++starts[(record[0] >> 56) + 1];
  for (std::size_t p = 0; p < kPartitions; ++p) starts[p + 1] += starts[p];
  std::array<std::uint64_t, kPartitions> next;
  std::copy_n(starts.begin(), kPartitions, next.begin());
  for (const Record<Words>& record : in) out[next[record[0] >> 56]++] = record;
}

template <std::size_t Words>
void sort_records(std::span<const Record<Words>> in, std::span<Record<Words>> out) {
  require(out.size() == in.size(), "out must be as long as the records");
  const int bits = std::min(16, static_cast<int>(std::bit_width(in.size() / kBucketRecords)));
  const std::vector<std::size_t> starts = scatter<Words>(in, bits, out);
  parallel_for(
      starts.size() - 1,
      [&](std::size_t b) {
        std::sort(out.begin() + static_cast<std::ptrdiff_t>(starts[b]),
                  out.begin() + static_cast<std::ptrdiff_t>(starts[b + 1]));
      },
      4);
}

std::size_t split_items(std::span<const ItemRecord> sorted, MutableByteSpan digests,
                        std::span<std::uint64_t> rows) {
  require(rows.size() == sorted.size() && digests.size() == sorted.size() * kItemDigestBytes,
          "digests and rows must have room for every record");
  std::size_t items = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const bool repeated = i > 0 && std::equal(&sorted[i][0], &sorted[i][5], &sorted[i - 1][0]);
    rows[i] = sorted[i][5] | (repeated ? kRepeated : 0);
    if (!repeated) std::memcpy(digests.data() + kItemDigestBytes * items++, &sorted[i][1], kItemDigestBytes);
  }
  return items;
}

TagMatch match_tags(std::span<const TagRecord> own, std::span<const TagRecord> peer, std::size_t tag_bytes,
                    std::span<std::uint64_t> positions) {
  require(positions.size() == own.size(), "positions must have room for every tag");
  require(tag_bytes >= 1 && tag_bytes <= kTagBytes, "a tag has 1 to 16 bytes");
  const Prefix compare(tag_bytes);
  TagMatch found;
  found.peer_repeats = has_equal_neighbours(peer);
  std::size_t last = own.size();
  for (std::size_t i = 0, j = 0; i < own.size() && j < peer.size();) {
    const auto order = compare(own[i], peer[j]);
    if (order > 0) {
      ++j;
    } else {
      if (order == 0) {
        found.own_repeats = found.own_repeats || (last < i && compare(own[last], own[i]) == 0);
        last = i;
        positions[found.count++] = own[i][2];
      }
      ++i;
    }
  }
  return found;
}

template void partition_records<3>(std::span<const Record<3>>, std::span<Record<3>>,
                                   std::span<std::uint64_t, kPartitions + 1>);
template void partition_records<4>(std::span<const Record<4>>, std::span<Record<4>>,
                                   std::span<std::uint64_t, kPartitions + 1>);
template void partition_records<5>(std::span<const Record<5>>, std::span<Record<5>>,
                                   std::span<std::uint64_t, kPartitions + 1>);
template void partition_records<6>(std::span<const Record<6>>, std::span<Record<6>>,
                                   std::span<std::uint64_t, kPartitions + 1>);
template void sort_records<3>(std::span<const Record<3>>, std::span<Record<3>>);
template void sort_records<4>(std::span<const Record<4>>, std::span<Record<4>>);
template void sort_records<5>(std::span<const Record<5>>, std::span<Record<5>>);
template void sort_records<6>(std::span<const Record<6>>, std::span<Record<6>>);

}  // namespace isthmus
