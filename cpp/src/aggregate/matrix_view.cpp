#include "isthmus/aggregate/matrix_view.hpp"

#include <limits>
#include <numeric>

#include "isthmus/core/error.hpp"

namespace isthmus::aggregate {

std::vector<std::uint32_t> checked_rows(std::size_t row_count, const RowSubset& subset) {
  require(row_count <= std::numeric_limits<std::uint32_t>::max(), "at most 2^32 - 1 rows at a time");
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
