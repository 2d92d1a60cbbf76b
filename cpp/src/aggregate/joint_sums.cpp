#include "isthmus/aggregate/joint_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

// radix^count, saturating.
std::size_t power(std::size_t radix, std::size_t count) {
  std::size_t result = 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (result > std::numeric_limits<std::uint32_t>::max()) return std::numeric_limits<std::size_t>::max();
    result *= radix;
  }
  return result;
}

// Cells that `rows` uniform rows are expected to occupy.
double occupied_cells(std::size_t rows, std::size_t columns, std::size_t radix) {
  const double cells = std::pow(static_cast<double>(radix), static_cast<double>(columns));
  return -cells * std::expm1(-static_cast<double>(rows) / cells);
}

// Products that sum the cells of `columns` columns out into their single columns.
double marginal_products(std::size_t rows, std::size_t columns, std::size_t radix) {
  if (columns == 1) return 0;
  const std::size_t upper = columns / 2;
  const std::size_t lower = columns - upper;
  return 2 * occupied_cells(rows, columns, radix) - occupied_cells(rows, upper, radix) -
         occupied_cells(rows, lower, radix) + marginal_products(rows, upper, radix) +
         marginal_products(rows, lower, radix);
}

// The values were checked before, but they are read from the caller's memory, which another thread may write
// to.
void require_keys(const std::vector<std::uint32_t>& keys, std::size_t key_count) {
  const bool unchanged =
      std::all_of(keys.begin(), keys.end(), [&](std::uint32_t k) { return k < key_count; });
  require(unchanged, "the matrix changed during the call");
}

// The sums of one group of columns, or of a part of it: element s of `values` is the sum over keys()[s].
struct Table {
  ColumnGroup columns;
  Segments segments;
  bigint::AlignedLimbs values;  // empty when the sums go straight to the output
};

// A table to be made from elements of `source`.
struct Request {
  ColumnGroup columns;
  const Limb* source;
  KeyedRows rows;
};

class Summation {
 public:
  Summation(const SquareModulus& modulus, std::size_t first_column, const JointColumns& columns,
            const JointOutput& out)
      : modulus_(modulus), first_column_(first_column), columns_(columns), out_(out) {}

  // Drops rows that nobody needs, sorts each request's rows and forms all products together.
  std::vector<Table> make(std::vector<Request>& requests) const {
    std::vector<Table> tables(requests.size());
    parallel_for(requests.size(), [&](std::size_t i) {
      Request& request = requests[i];
      drop_ignored(request);
      const std::size_t key_count = power(columns_.radix, request.columns.count);
      require_keys(request.rows.keys, key_count);
      tables[i] = {request.columns, group_by_key(request.rows.keys, request.rows.operands, key_count), {}};
      request.rows = {};
      if (request.columns.count > 1) tables[i].values.resize(tables[i].segments.size() * modulus_.stride());
    });
    std::vector<Run> runs;
    for (std::size_t i = 0; i < requests.size(); ++i) append_runs(requests[i].source, tables[i], runs);
    multiply_runs(modulus_, std::move(runs));
    return tables;
  }

  // The two halves of every table that still joins columns.
  std::vector<Request> halves(const std::vector<Table>& tables) const {
    std::vector<Request> requests;
    for (const Table& table : tables) {
      if (table.columns.count == 1) continue;
      const std::size_t upper = table.columns.count / 2;
      const std::size_t lower = table.columns.count - upper;
      const auto split = static_cast<std::uint32_t>(power(columns_.radix, lower));
      Request low{{table.columns.first, lower}, table.values.data(), {}};
      Request high{{table.columns.first + lower, upper}, table.values.data(), {}};
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
  // A cell whose every value is the ignored one is part of no sum.
  void drop_ignored(Request& request) const {
    if (!columns_.ignored) return;
    std::uint32_t ignored_key = 0;
    for (std::size_t j = 0; j < request.columns.count; ++j) {
      ignored_key = ignored_key * static_cast<std::uint32_t>(columns_.radix) + *columns_.ignored;
    }
    auto& [keys, operands] = request.rows;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == ignored_key) continue;
      keys[kept] = keys[i];
      operands[kept++] = operands[i];
    }
    keys.resize(kept);
    operands.resize(kept);
  }

  void append_runs(const Limb* source, Table& table, std::vector<Run>& runs) const {
    const Segments& segments = table.segments;
    for (std::size_t s = 0; s < segments.size(); ++s) {
      Limb* place = table.values.data() + s * modulus_.stride();
      if (table.columns.count == 1) {
        const std::size_t index = (table.columns.first - first_column_) * columns_.radix + segments.keys[s];
        place = out_.sums + index * modulus_.stride();
        out_.occupied[index] = 1;
      }
      runs.push_back({source, segments.operands.data() + segments.starts[s], segments.length(s), place});
    }
  }

  const SquareModulus& modulus_;
  std::size_t first_column_;
  const JointColumns& columns_;
  const JointOutput& out_;
};

}  // namespace

double joint_products(std::size_t rows, std::size_t columns, std::size_t radix) {
  return static_cast<double>(rows) - occupied_cells(rows, columns, radix) +
         marginal_products(rows, columns, radix);
}

GroupingPlan plan_groups(std::size_t rows, std::size_t columns, std::size_t radix, std::size_t max_cells) {
  // A sparser table would cost more to clear and to sort into than its products save.
  const std::size_t cell_limit = std::min(max_cells, 4 * rows + 1024);
  GroupingPlan best;
  for (std::size_t largest = 1; largest <= columns; ++largest) {
    if (largest > 1 && power(radix, largest) > cell_limit) break;
    const std::size_t groups = (columns + largest - 1) / largest;
    const std::size_t small = columns / groups;
    const auto large_groups = static_cast<double>(columns % groups);
    const double products =
        (static_cast<double>(groups) - large_groups) * joint_products(rows, small, radix) +
        large_groups * joint_products(rows, small + 1, radix);
    if (largest == 1 || products < best.products) best = {groups, products};
  }
  return best;
}

std::vector<ColumnGroup> equal_groups(std::size_t columns, std::size_t groups) {
  std::vector<ColumnGroup> result;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = g * columns / groups;
    result.push_back({first, (g + 1) * columns / groups - first});
  }
  return result;
}

std::size_t groups_that_fit(std::span<const ColumnGroup> groups, std::size_t begin, std::size_t rows,
                            std::size_t radix, std::size_t element_bytes) {
  constexpr std::size_t kRowBytes = 3 * sizeof(std::uint32_t);  // key, operand, sorted operand
  std::size_t end = begin;
  std::size_t bytes = 0;
  do {
    const std::size_t joint = groups[end].count > 1 ? std::min(power(radix, groups[end].count), rows) : 0;
    const std::size_t cells = 2 * joint + groups[end].count * radix;  // a table's halves are smaller than it
    bytes += cells * element_bytes + rows * kRowBytes;
    ++end;
  } while (end < groups.size() && bytes <= kTableBytes);
  return end;
}

void joint_sums(const SquareModulus& modulus, const Limb* source, std::span<const ColumnGroup> groups,
                const JointColumns& columns, const JointOutput& out) {
  const Summation summation(modulus, groups.front().first, columns, out);
  std::vector<Request> requests(groups.size());
  parallel_for(groups.size(),
               [&](std::size_t g) { requests[g] = {groups[g], source, columns.rows(groups[g])}; });
  std::vector<Table> tables = summation.make(requests);
  for (requests = summation.halves(tables); !requests.empty(); requests = summation.halves(tables)) {
    std::vector<Table> next = summation.make(requests);
    tables = std::move(next);  // only now: the requests read the tables they were cut from
  }
}

}  // namespace isthmus::aggregate
