#pragma once
// Which columns to sum together: a cost model in products of ciphertexts.

#include <cstddef>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"

namespace isthmus::aggregate {

/// Groups of columns, and the products that summing them is expected to cost.
struct GroupingPlan {
  std::vector<ColumnGroup> groups;
  double products = 0;
};

/// Expected products to sum `rows` rows jointly over `columns` columns of `radix` labels that occur
/// uniformly.
double joint_products(std::size_t rows, std::size_t columns, std::size_t radix);

/// Expected products for `columns` such columns in the best groups of equal size.
double uniform_products(std::size_t rows, std::size_t columns, std::size_t radix, std::size_t max_cells);

/// Chooses groups for the columns: the cheapest of several even ways to deal them out, judged as if columns
/// were independent; and, where a sample is affordable, of groups grown around correlated and skewed columns,
/// which occupy fewer joint cells, judged by the cells that the sample shows.
/// A group's table stays below max_cells cells.
/// Ref  Charikar, Chaudhuri, Motwani, Narasayya, "Towards estimation error guarantees for distinct values",
///      PODS 2000.
GroupingPlan plan_groups(const LabelColumns& columns, std::size_t max_cells);

/// Expected products that a group saves by leaving out rows whose labels are all ignored.
std::vector<double> ignored_savings(const LabelColumns& columns, const std::vector<ColumnGroup>& groups);

}  // namespace isthmus::aggregate
