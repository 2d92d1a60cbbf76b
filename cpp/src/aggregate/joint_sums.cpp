#include "isthmus/aggregate/joint_sums.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "isthmus/core/error.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

// Tables that one thread fills at a time: small enough for the last level of cache, where the halves then
// find their cells, large enough to outweigh starting the threads.
constexpr std::size_t kThreadTableBytes = std::size_t{32} << 20;

// Joint labels of some columns, saturating.
std::size_t key_count(std::span<const std::uint32_t> columns, const LabelColumns& labels) {
  std::size_t count = 1;
  for (const std::uint32_t c : columns) {
    if (count > std::numeric_limits<std::uint32_t>::max()) return std::numeric_limits<std::size_t>::max();
    count *= labels.radices[c];
  }
  return count;
}

// The labels were checked before, but they are read from the caller's memory, which another thread may write
// to.
void require_keys(const std::vector<std::uint32_t>& keys, std::size_t count) {
  const bool unchanged = std::all_of(keys.begin(), keys.end(), [&](std::uint32_t k) { return k < count; });
  require(unchanged, "the matrix changed during the call");
}

// The sums of one group of columns, or of a part of it: those over keys[s] lie at cells[s], plane after
// plane.
struct Table {
  std::span<const std::uint32_t> columns;
  Segments segments;
  std::vector<const Limb*> cells;  // none when the sums go straight to the output
};

// A table to be made from rows of the source, or from the cells of another table.
struct Request {
  std::span<const std::uint32_t> columns;
  Elements source{nullptr, 0};  // of plane 0
  KeyedRows rows;
};

class Summation {
 public:
  Summation(const SquareModulus& modulus, std::size_t planes, const LabelColumns& labels,
            const JointOutput& out)
      : modulus_(modulus), planes_(planes), labels_(labels), out_(out) {}

  // Drops rows that nobody needs, sorts each request's rows and forms all products together, in `memory`.
  std::vector<Table> make(std::vector<Request>& requests, Scratch<Limb>& memory) const {
    std::vector<Table> tables(requests.size());
    parallel_for(requests.size(), [&](std::size_t i) {
      Request& request = requests[i];
      drop_ignored(request);
      const std::size_t keys = key_count(request.columns, labels_);
      require_keys(request.rows.keys, keys);
      auto& [row_keys, operands] = request.rows;
      tables[i] = {request.columns, group_by_key(std::move(row_keys), std::move(operands), keys), {}};
    });
    std::size_t sums = 0;
    for (const Table& table : tables) sums += sums_of(table);
    Limb* next = memory.reserve(sums * planes_ * modulus_.stride());
    std::vector<Run> runs;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].columns.size() == 1) {
        append_last(requests[i].source, tables[i], runs);
      } else {
        next = append_cells(requests[i].source, tables[i], next, runs);
      }
    }
    multiply_runs(modulus_, std::move(runs));
    return tables;
  }

  // The two halves of every table that still joins columns.
  std::vector<Request> halves(const std::vector<Table>& tables) const {
    std::vector<Request> requests;
    for (const Table& table : tables) {
      if (table.columns.size() == 1) continue;
      const auto low_columns = table.columns.first(table.columns.size() - table.columns.size() / 2);
      const auto split = static_cast<std::uint32_t>(key_count(low_columns, labels_));
      const Elements cells{nullptr, 0, table.cells.data()};
      Request low{low_columns, cells, {}};
      Request high{table.columns.subspan(low_columns.size()), cells, {}};
      for (std::size_t s = 0; s < table.segments.size(); ++s) {
        low.rows.keys.push_back(table.segments.keys[s] % split);
        high.rows.keys.push_back(table.segments.keys[s] / split);
        low.rows.operands.push_back(static_cast<std::uint32_t>(s));
      }
      high.rows.operands = low.rows.operands;
      requests.push_back(std::move(low));
      requests.push_back(std::move(high));
    }
    return requests;
  }

 private:
  // The cells of a table that need memory: one that a single row occupies is that row's element.
  static std::size_t sums_of(const Table& table) {
    std::size_t sums = 0;
    if (table.columns.size() == 1) return sums;
    for (std::size_t s = 0; s < table.segments.size(); ++s) sums += table.segments.length(s) > 1 ? 1 : 0;
    return sums;
  }

  // The key of a cell that is part of no sum, because every label of it is ignored.
  std::optional<std::uint32_t> ignored_key(std::span<const std::uint32_t> columns) const {
    std::uint32_t key = 0;
    for (std::size_t j = columns.size(); j-- > 0;) {
      const std::uint32_t ignored = labels_.ignored[columns[j]];
      if (ignored == kNoLabel) return std::nullopt;
      key = key * labels_.radices[columns[j]] + ignored;
    }
    return key;
  }

  void drop_ignored(Request& request) const {
    const std::optional<std::uint32_t> ignored = ignored_key(request.columns);
    if (!ignored) return;
    auto& [keys, operands] = request.rows;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == *ignored) continue;
      keys[kept] = keys[i];
      operands[kept++] = operands[i];
    }
    keys.resize(kept);
    operands.resize(kept);
  }

  // The elements of plane p, given those of plane 0.
  Elements plane(Elements source, std::size_t p) const {
    const std::size_t offset = p * modulus_.stride();
    if (source.list != nullptr) {
      source.pitch += offset;
    } else {
      source.first += offset;
    }
    return source;
  }

  void append_run(const Elements& source, const Segments& segments, std::size_t s, std::size_t p, Limb* out,
                  std::vector<Run>& runs) const {
    runs.push_back(
        {plane(source, p), segments.operands.data() + segments.starts[s], segments.length(s), out});
  }

  // Sums of single columns, which go to the output.
  void append_last(const Elements& source, const Table& table, std::vector<Run>& runs) const {
    for (std::size_t s = 0; s < table.segments.size(); ++s) {
      const std::size_t index = out_.place(table.columns.front(), table.segments.keys[s]);
      out_.occupied[index] = 1;
      for (std::size_t p = 0; p < planes_; ++p) {
        Limb* const place = out_.sums + (p * out_.plane_size + index) * modulus_.stride();
        append_run(source, table.segments, s, p, place, runs);
      }
    }
  }

  // Sums of joint cells, which take memory from `next` on; returns what is left of it.
  Limb* append_cells(const Elements& source, Table& table, Limb* next, std::vector<Run>& runs) const {
    const Segments& segments = table.segments;
    for (std::size_t s = 0; s < segments.size(); ++s) {
      const bool is_single = segments.length(s) == 1;
      table.cells.push_back(is_single ? source[segments.operands[segments.starts[s]]] : next);
      for (std::size_t p = 0; !is_single && p < planes_; ++p, next += modulus_.stride()) {
        append_run(source, segments, s, p, next, runs);
      }
    }
    return next;
  }

  const SquareModulus& modulus_;
  std::size_t planes_;
  const LabelColumns& labels_;
  const JointOutput& out_;
};

}  // namespace

std::size_t max_table_cells(std::size_t element_words, std::size_t planes) {
  return std::max<std::size_t>(1, kTableBytes / (element_words * planes * sizeof(Limb)));
}

std::size_t groups_that_fit(std::span<const ColumnGroup> groups, std::size_t begin,
                            const LabelColumns& columns, std::size_t cell_bytes) {
  constexpr std::size_t kRowBytes = 4 * sizeof(std::uint32_t);  // key and operand, sorted and not
  std::size_t end = begin;
  std::size_t bytes = 0;
  const std::size_t most =
      std::min(kTableBytes, kThreadTableBytes * static_cast<std::size_t>(thread_count()));
  do {
    const ColumnGroup& group = groups[end];
    // A table's halves are smaller than it.
    if (group.size() > 1) bytes += 2 * std::min(key_count(group, columns), columns.rows()) * cell_bytes;
    bytes += columns.rows() * kRowBytes;
    ++end;
  } while (end < groups.size() && bytes <= most);
  return end;
}

void joint_sums(const SquareModulus& modulus, const JointSource& source, std::span<const ColumnGroup> groups,
                const LabelColumns& columns, const JointOutput& out) {
  const Summation summation(modulus, source.planes, columns, out);
  const std::size_t cell_bytes = modulus.stride() * source.planes * sizeof(Limb);
  const Elements rows{source.source, source.planes * modulus.stride()};
  std::vector<Scratch<Limb>> memory(std::bit_width(columns.columns()) + 1);  // a table's halves use its cells
  for (std::size_t begin = 0; begin < groups.size();) {
    const std::size_t end = groups_that_fit(groups, begin, columns, cell_bytes);
    std::vector<Request> requests(end - begin);
    parallel_for(requests.size(), [&](std::size_t g) {
      requests[g] = {groups[begin + g], rows, columns.keyed_rows(groups[begin + g])};
    });
    std::vector<std::vector<Table>> levels;
    while (!requests.empty()) {
      levels.push_back(summation.make(requests, memory[levels.size()]));
      requests = summation.halves(levels.back());
    }
    begin = end;
  }
}

}  // namespace isthmus::aggregate
