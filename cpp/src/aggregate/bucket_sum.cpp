#include "isthmus/aggregate/bucket_sum.hpp"

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using paillier::CiphertextArray;

template <class T>
void require_buckets(const MatrixView<T>& buckets, const std::vector<std::uint32_t>& rows,
                     std::size_t n_buckets) {
  const auto check_row = [&](std::size_t i) {
    for (std::size_t f = 0; f < buckets.columns; ++f) {
      // Negative buckets become huge, and fail the same comparison.
      if (static_cast<std::uint64_t>(static_cast<std::int64_t>(buckets.at(rows[i], f))) >= n_buckets) {
        throw Error(ErrorCode::InvalidArgument, "a bucket lies outside 0..n_buckets-1", rows[i]);
      }
    }
  };
  parallel_for(rows.size(), check_row, 4096);
}

template <class T>
KeyedRows joint_buckets(const MatrixView<T>& buckets, const std::vector<std::uint32_t>& rows,
                        std::size_t n_buckets, const ColumnGroup& group) {
  KeyedRows keyed{std::vector<std::uint32_t>(rows.size()), rows};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::uint32_t key = 0;
    for (std::size_t j = group.count; j-- > 0;) {
      key = key * static_cast<std::uint32_t>(n_buckets) +
            static_cast<std::uint32_t>(buckets.at(rows[i], group.first + j));
    }
    keyed.keys[i] = key;
  }
  return keyed;
}

}  // namespace

template <class T>
CiphertextArray bucket_sum(const CiphertextArray& in, const MatrixView<T>& buckets, std::size_t n_buckets,
                           const RowSubset& subset, const PackLayout* layout) {
  require(buckets.rows == in.size(), "buckets must have one row per ciphertext");
  require(n_buckets > 0 && n_buckets <= std::numeric_limits<std::int32_t>::max(),
          "n_buckets must lie in 1..2^31-1");
  require(buckets.columns <= std::numeric_limits<std::size_t>::max() / n_buckets, "too many columns");
  const std::vector<std::uint32_t> rows = checked_rows(in.size(), subset);
  if (layout != nullptr) layout->require_addends(rows.size());
  require_buckets(buckets, rows, n_buckets);

  CiphertextArray out = CiphertextArray::neutral(in.key(), buckets.columns * n_buckets);
  if (rows.empty() || buckets.columns == 0) return out;
  const std::size_t element_bytes = in.stride() * sizeof(Limb);
  const GroupingPlan plan = plan_groups(rows.size(), buckets.columns, n_buckets, kTableBytes / element_bytes);
  const std::vector<ColumnGroup> groups = equal_groups(buckets.columns, plan.groups);
  const JointColumns columns{n_buckets, std::nullopt, [&](const ColumnGroup& group) {
                               return joint_buckets(buckets, rows, n_buckets, group);
                             }};
  std::vector<std::uint8_t> occupied(out.size());
  for (std::size_t begin = 0; begin < groups.size();) {
    const std::size_t end = groups_that_fit(groups, begin, rows.size(), n_buckets, element_bytes);
    const std::size_t place = groups[begin].first * n_buckets;
    joint_sums(in.key()->n_squared(), in.at(0), std::span(groups).subspan(begin, end - begin), columns,
               {out.at(place), occupied.data() + place});
    begin = end;
  }
  return out;
}

template CiphertextArray bucket_sum(const CiphertextArray&, const MatrixView<std::uint8_t>&, std::size_t,
                                    const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, const MatrixView<std::uint16_t>&, std::size_t,
                                    const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, const MatrixView<std::int32_t>&, std::size_t,
                                    const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, const MatrixView<std::int64_t>&, std::size_t,
                                    const RowSubset&, const PackLayout*);

}  // namespace isthmus::aggregate
