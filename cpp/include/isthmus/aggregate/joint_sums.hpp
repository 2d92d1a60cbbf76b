#pragma once
// Sums over the values of several columns at once: the joint-bin method.
//
// k columns with b values each are accumulated together into their b^k joint cells, one product per row
// instead of k, and the cells are then summed out column by column, halving the group each time. Only cells
// that occur cost anything, so correlated columns are cheaper still.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "isthmus/aggregate/runs.hpp"

namespace isthmus::aggregate {

/// Consecutive columns that are accumulated together.
struct ColumnGroup {
  std::size_t first;
  std::size_t count;
};

/// How many groups to form, and the products that is expected to cost.
struct GroupingPlan {
  std::size_t groups = 1;
  double products = 0;
};

/// Expected products to sum `rows` rows jointly over `columns` columns of `radix` values that occur
/// uniformly.
double joint_products(std::size_t rows, std::size_t columns, std::size_t radix);

/// The cheapest number of equal groups for `columns` columns.
/// The table of one group stays below `max_cells` cells and is not larger than a small multiple of `rows`.
GroupingPlan plan_groups(std::size_t rows, std::size_t columns, std::size_t radix, std::size_t max_cells);

/// Columns 0..columns-1 cut into `groups` groups whose sizes differ by at most one.
std::vector<ColumnGroup> equal_groups(std::size_t columns, std::size_t groups);

/// The rows of one group: operands[i] is the element, keys[i] = sum_j value_j * radix^j its values.
struct KeyedRows {
  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> operands;
};

/// What to sum.
struct JointColumns {
  std::size_t radix;                                  // every column's values lie in [0, radix)
  std::optional<std::uint32_t> ignored;               // a value whose sum nobody needs, in any column
  std::function<KeyedRows(const ColumnGroup&)> rows;  // called from several threads, once per group
};

/// Where the sums go: the sum of column c at value v is element c * radix + v of `sums`.
/// Places of values that no row has, and of the ignored value, are left as they were.
struct JointOutput {
  Limb* sums;
  std::uint8_t* occupied;  // set to 1 for each place that was written
};

/// Sums `source` over the values of every column of `groups`; columns are numbered from groups.front().first.
/// Memory    One element for each joint cell that occurs in any group.
/// Threads   Parallel; the result does not depend on the grouping or the number of threads.
void joint_sums(const SquareModulus& modulus, const Limb* source, std::span<const ColumnGroup> groups,
                const JointColumns& columns, const JointOutput& out);

/// Bytes of tables and rows that one call of joint_sums should hold.
inline constexpr std::size_t kTableBytes = std::size_t{256} << 20;

/// The end of the groups from `begin` on that one call should take to stay within kTableBytes: at least one.
std::size_t groups_that_fit(std::span<const ColumnGroup> groups, std::size_t begin, std::size_t rows,
                            std::size_t radix, std::size_t element_bytes);

}  // namespace isthmus::aggregate
