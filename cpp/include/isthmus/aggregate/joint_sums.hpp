#pragma once
// Sums over the labels of several columns at once: the joint-bin method.
//
// k columns with b labels each are accumulated together into their b^k joint cells, one product per row
// instead of k, and the cells are then summed out column by column, halving the group each time. Only cells
// that occur cost anything, so correlated columns are cheaper still.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"
#include "isthmus/aggregate/runs.hpp"

namespace isthmus::aggregate {

/// What to sum: `planes` arrays of elements, element i of plane p at source + (i * planes + p) * stride.
struct JointSource {
  const Limb* source;
  std::size_t planes;
};

/// Where the sums go: the sum of column c at label l is element place(c, l) of each plane of `sums`, and
/// plane p starts at element p * plane_size. Places of labels that no row has, and of the ignored label, are
/// left as they were.
struct JointOutput {
  Limb* sums;
  std::size_t plane_size;
  std::uint8_t* occupied;  // of the places of one plane: set to 1 for each that was written
  std::function<std::size_t(std::uint32_t column, std::uint32_t label)> place;
};

/// Sums the source over the labels of every column of `groups`, some groups at a time, so that tables and
/// sorted rows stay within kTableBytes if one group does.
/// Memory    One element for each joint cell that occurs in any group.
/// Threads   Parallel; the result does not depend on the grouping or the number of threads.
void joint_sums(const SquareModulus& modulus, const JointSource& source, std::span<const ColumnGroup> groups,
                const LabelColumns& columns, const JointOutput& out);

/// Bytes of tables and rows that aggregates hold at a time.
inline constexpr std::size_t kTableBytes = std::size_t{256} << 20;

/// The cells that one group's table may have for elements of `element_words` words in `planes` planes.
std::size_t max_table_cells(std::size_t element_words, std::size_t planes);

/// The end of the groups from `begin` on that are summed together to stay within kTableBytes: at least one.
std::size_t groups_that_fit(std::span<const ColumnGroup> groups, std::size_t begin,
                            const LabelColumns& columns, std::size_t cell_bytes);

}  // namespace isthmus::aggregate
