#include "isthmus/aggregate/joint_sums.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "isthmus/core/error.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

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

// The sums of one group of columns, or of a part of it: the sums over keys[s] are elements s * planes and on.
struct Table {
  std::span<const std::uint32_t> columns;
  Segments segments;
  Limb* values;  // null when the sums go straight to the output
};

// A table to be made from elements of `source`.
struct Request {
  std::span<const std::uint32_t> columns;
  const Limb* source;
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
      tables[i] = {request.columns, group_by_key(std::move(row_keys), std::move(operands), keys), nullptr};
    });
    place_values(tables, memory);
    std::vector<Run> runs;
    for (std::size_t i = 0; i < requests.size(); ++i) append_runs(requests[i].source, tables[i], runs);
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
      Request low{low_columns, table.values, {}};
      Request high{table.columns.subspan(low_columns.size()), table.values, {}};
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
  void place_values(std::vector<Table>& tables, Scratch<Limb>& memory) const {
    const auto cells = [](const Table& table) {
      return table.columns.size() > 1 ? table.segments.size() : 0;
    };
    const std::size_t cell_words = planes_ * modulus_.stride();
    std::size_t total = 0;
    for (const Table& table : tables) total += cells(table);
    Limb* next = memory.reserve(total * cell_words);
    for (Table& table : tables) {
      if (cells(table) > 0) table.values = next;
      next += cells(table) * cell_words;
    }
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

  void append_runs(const Limb* source, Table& table, std::vector<Run>& runs) const {
    const Segments& segments = table.segments;
    const std::size_t stride = modulus_.stride();
    for (std::size_t s = 0; s < segments.size(); ++s) {
      std::size_t index = 0;
      const bool is_last = table.columns.size() == 1;
      if (is_last) {
        index = out_.place(table.columns.front(), segments.keys[s]);
        out_.occupied[index] = 1;
      }
      for (std::size_t p = 0; p < planes_; ++p) {
        Limb* place = is_last ? out_.sums + (p * out_.plane_size + index) * stride
                              : table.values + (s * planes_ + p) * stride;
        runs.push_back({{source + p * stride, planes_ * stride},
                        segments.operands.data() + segments.starts[s],
                        segments.length(s),
                        place});
      }
    }
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
  do {
    const ColumnGroup& group = groups[end];
    // A table's halves are smaller than it.
    if (group.size() > 1) bytes += 2 * std::min(key_count(group, columns), columns.rows()) * cell_bytes;
    bytes += columns.rows() * kRowBytes;
    ++end;
  } while (end < groups.size() && bytes <= kTableBytes);
  return end;
}

void joint_sums(const SquareModulus& modulus, const JointSource& source, std::span<const ColumnGroup> groups,
                const LabelColumns& columns, const JointOutput& out) {
  const Summation summation(modulus, source.planes, columns, out);
  const std::size_t cell_bytes = modulus.stride() * source.planes * sizeof(Limb);
  Scratch<Limb> memory, deeper;  // of the tables at hand, and of their halves
  for (std::size_t begin = 0; begin < groups.size();) {
    const std::size_t end = groups_that_fit(groups, begin, columns, cell_bytes);
    std::vector<Request> requests(end - begin);
    parallel_for(requests.size(), [&](std::size_t g) {
      requests[g] = {groups[begin + g], source.source, columns.keyed_rows(groups[begin + g])};
    });
    std::vector<Table> tables = summation.make(requests, memory);
    for (requests = summation.halves(tables); !requests.empty(); requests = summation.halves(tables)) {
      std::vector<Table> next = summation.make(requests, deeper);
      tables = std::move(next);  // only now: the requests read the tables they were cut from
      std::swap(memory, deeper);
    }
    begin = end;
  }
}

}  // namespace isthmus::aggregate
