#include "isthmus/aggregate/matrix_view.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "isthmus/core/error.hpp"

namespace isthmus::aggregate {

void require_well_formed(const SparseView& matrix) {
  const auto& starts = matrix.column_starts;
  require(matrix.rows.size() == matrix.values.size(), "a sparse matrix needs one row number per value");
  require(!starts.empty() && starts.front() == 0 && std::is_sorted(starts.begin(), starts.end()) &&
              static_cast<std::size_t>(starts.back()) == matrix.values.size(),
          "the column starts of a sparse matrix must rise from 0 to the number of values");
  for (std::size_t f = 0; f < matrix.columns(); ++f) {
    std::int64_t next = 0;  // the least row number that may follow
    for (auto i = static_cast<std::size_t>(starts[f]); i < static_cast<std::size_t>(starts[f + 1]); ++i) {
      if (matrix.rows[i] < next || static_cast<std::uint64_t>(matrix.rows[i]) >= matrix.row_count) {
        throw Error(ErrorCode::InvalidArgument,
                    "the row numbers of a sparse column must ascend within the matrix", i);
      }
      next = matrix.rows[i] + 1;
    }
  }
}

std::vector<std::uint32_t> checked_rows(std::size_t row_count, const RowSubset& subset) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  require(row_count <= kMost && (!subset || subset->size() <= kMost), "at most 2^32 - 1 rows at a time");
  std::vector<std::uint32_t> rows(subset ? subset->size() : row_count);
  if (!subset) {
    std::iota(rows.begin(), rows.end(), 0U);
    return rows;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t row = (*subset)[i];
    if (row < 0 || static_cast<std::uint64_t>(row) >= row_count) {
      throw Error(ErrorCode::InvalidArgument, "a row number lies outside the ciphertexts", i);
    }
    rows[i] = static_cast<std::uint32_t>(row);
  }
  return rows;
}

}  // namespace isthmus::aggregate
