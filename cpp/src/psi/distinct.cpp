#include "isthmus/psi/distinct.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/hash/siphash.hpp"

namespace isthmus {
namespace {

constexpr std::size_t kRowsPerBlock = 1024;
constexpr std::size_t kRowsPerPartition = 16384;  // a partition's table stays in the second-level cache

using Digests = std::vector<std::uint64_t>;

Digests digest_rows(const ItemColumns& columns) {
  const SipKey key = {random_u64(), random_u64()};
  Digests digests(columns.size());
  parallel_for((digests.size() + kRowsPerBlock - 1) / kRowsPerBlock, [&](std::size_t block) {
    SecretVector<std::uint8_t> scratch;
    const std::size_t end = std::min(digests.size(), (block + 1) * kRowsPerBlock);
    for (std::size_t row = block * kRowsPerBlock; row < end; ++row) {
      columns.encode(row, scratch);
      digests[row] = siphash24(key, scratch);
    }
  });
  return digests;
}

// Rows grouped by the top bits of their digests, ascending within each group.
struct Partitions {
  std::vector<std::size_t> starts;  // of each group in `rows`, and the end of the last
  std::vector<std::int64_t> rows;
};

Partitions partition(const Digests& digests) {
  const std::size_t count = std::bit_ceil(digests.size() / kRowsPerPartition + 1);
  const int shift = 64 - std::countr_zero(count);
  const auto group = [shift](std::uint64_t digest) {
    return shift == 64 ? std::size_t{0} : static_cast<std::size_t>(digest >> shift);
  };
  Partitions result{std::vector<std::size_t>(count + 1, 0), std::vector<std::int64_t>(digests.size())};
  for (const std::uint64_t digest : digests) ++result.starts[group(digest) + 1];
  for (std::size_t g = 0; g < count; ++g) result.starts[g + 1] += result.starts[g];
  std::vector<std::size_t> next(result.starts.begin(), result.starts.end() - 1);
  for (std::size_t row = 0; row < digests.size(); ++row) {
    result.rows[next[group(digests[row])]++] = static_cast<std::int64_t>(row);
  }
  return result;
}

// Equal digests prove nothing by themselves: the items are compared.
class RowEquality {
 public:
  explicit RowEquality(const ItemColumns& columns) : columns_(columns) {}
  bool operator()(std::int64_t a, std::int64_t b) {
    columns_.encode(static_cast<std::size_t>(a), a_);
    columns_.encode(static_cast<std::size_t>(b), b_);
    return a_ == b_;
  }

 private:
  const ItemColumns& columns_;
  SecretVector<std::uint8_t> a_, b_;
};

// Finds first occurrences within one group by an open-addressing table of rows.
void scan_group(const ItemColumns& columns, const Digests& digests, std::span<const std::int64_t> rows,
                std::span<std::int64_t> first) {
  constexpr std::int64_t kEmpty = -1;
  std::vector<std::int64_t> table(std::bit_ceil(2 * rows.size() + 1), kEmpty);
  const std::size_t mask = table.size() - 1;
  RowEquality equal(columns);
  for (const std::int64_t row : rows) {
    const std::uint64_t digest = digests[static_cast<std::size_t>(row)];
    std::size_t slot = static_cast<std::size_t>(digest) & mask;
    while (table[slot] != kEmpty &&
           !(digests[static_cast<std::size_t>(table[slot])] == digest && equal(table[slot], row))) {
      slot = (slot + 1) & mask;
    }
    if (table[slot] == kEmpty) table[slot] = row;
    first[static_cast<std::size_t>(row)] = table[slot];
  }
}

}  // namespace

void first_occurrences(const ItemColumns& columns, std::span<std::int64_t> first) {
  require(first.size() == columns.size(), "first must hold one row number per row");
  const Digests digests = digest_rows(columns);
  const Partitions groups = partition(digests);
  parallel_for(groups.starts.size() - 1, [&](std::size_t g) {
    const std::size_t begin = groups.starts[g];
    scan_group(columns, digests, {groups.rows.data() + begin, groups.starts[g + 1] - begin}, first);
  });
}

}  // namespace isthmus
