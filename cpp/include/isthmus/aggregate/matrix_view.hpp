#pragma once
// Borrowed matrices and row subsets, in any memory order.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace isthmus::aggregate {

/// A borrowed rows x columns matrix; strides count elements.
template <class T>
struct MatrixView {
  const T* data;
  std::size_t rows;
  std::size_t columns;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;

  T at(std::size_t row, std::size_t column) const noexcept {
    return data[static_cast<std::ptrdiff_t>(row) * row_stride +
                static_cast<std::ptrdiff_t>(column) * column_stride];
  }
};

/// One column of a sparse matrix: values[i] lies in row rows[i].
struct SparseColumn {
  std::span<const std::int64_t> rows;
  std::span<const std::int64_t> values;

  std::size_t size() const noexcept { return rows.size(); }
};

/// A borrowed sparse matrix by columns: column f holds values[i] in row rows[i] for column_starts[f] <= i <
/// column_starts[f + 1]. The starts are a copy: what was checked must be what addresses the rest, whatever
/// the caller's other threads do to its arrays.
struct SparseView {
  std::size_t row_count;
  std::vector<std::int64_t> column_starts;
  std::span<const std::int64_t> rows;
  std::span<const std::int64_t> values;

  std::size_t columns() const noexcept { return column_starts.size() - 1; }
  SparseColumn column(std::size_t f) const noexcept {
    const auto begin = static_cast<std::size_t>(column_starts[f]);
    const std::size_t size = static_cast<std::size_t>(column_starts[f + 1]) - begin;
    return {rows.subspan(begin, size), values.subspan(begin, size)};
  }
};

/// Throws    InvalidArgument unless the column starts rise from 0 to the number of values and the row numbers
///           of each column ascend, strictly, below row_count; with the position of a row number at fault.
void require_well_formed(const SparseView& matrix);

/// The rows that take part, in any order and as often as they are listed; nothing means all, once.
using RowSubset = std::optional<std::span<const std::int64_t>>;

/// The row numbers of `subset`.
/// Throws    InvalidArgument, with the position in the subset, for a number outside [0, row_count); also when
///           row_count does not fit in 32 bits.
std::vector<std::uint32_t> checked_rows(std::size_t row_count, const RowSubset& subset);

}  // namespace isthmus::aggregate
