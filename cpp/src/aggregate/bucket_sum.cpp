#include "isthmus/aggregate/bucket_sum.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "bucket_labels.hpp"
#include "isthmus/aggregate/batch.hpp"
#include "isthmus/aggregate/grouping.hpp"
#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "matrix_labels.hpp"

namespace isthmus::aggregate {
namespace {

using paillier::CiphertextArray;

constexpr std::size_t kRowBlock = 16384;  // rows that one thread counts into a table of its own
constexpr double kLeftOver = 40;          // products that finding one bucket by subtraction takes besides

// The first row of [begin, end) with a bucket out of range; the caller has seen that there is one.
template <class T>
[[noreturn]] void throw_bad_bucket(const MatrixView<T>& buckets, std::span<const std::uint32_t> rows,
                                   std::size_t n_buckets) {
  for (const std::uint32_t row : rows) {
    for (std::size_t f = 0; f < buckets.columns; ++f) {
      const auto bucket = static_cast<std::uint64_t>(static_cast<std::int64_t>(buckets.at(row, f)));
      if (bucket >= n_buckets)
        throw Error(ErrorCode::InvalidArgument, "a bucket lies outside 0..n_buckets-1", row);
    }
  }
  throw Error(ErrorCode::InvalidArgument, "the matrix changed during the call");
}

// Rows per (column, bucket).
template <class T>
std::vector<std::uint32_t> count_rows(const MatrixView<T>& buckets, const std::vector<std::uint32_t>& rows,
                                      std::size_t n_buckets) {
  const std::size_t size = buckets.columns * n_buckets;
  const std::size_t block = std::max(kRowBlock, size);  // so that the tables are smaller than the matrix
  const std::size_t blocks = (rows.size() + block - 1) / block;
  std::vector<std::vector<std::uint32_t>> counts(blocks);
  parallel_for(blocks, [&](std::size_t k) {
    counts[k].resize(size);
    const std::size_t begin = k * block;
    const auto part = std::span(rows).subspan(begin, std::min(block, rows.size() - begin));
    bool all_good = true;
    for (std::size_t f = 0; f < buckets.columns; ++f) {
      std::uint32_t* const column = counts[k].data() + f * n_buckets;
      for (const std::uint32_t row : part) {
        // Negative buckets become huge, and fail the same comparison.
        const auto bucket = static_cast<std::uint64_t>(static_cast<std::int64_t>(buckets.at(row, f)));
        if (bucket < n_buckets) {
          ++column[bucket];
        } else {
          all_good = false;
        }
      }
    }
    if (!all_good) throw_bad_bucket(buckets, part, n_buckets);
  });
  std::vector<std::uint32_t> total(size);
  for (const auto& part : counts) {
    std::transform(part.begin(), part.end(), total.begin(), total.begin(), std::plus<>());
  }
  return total;
}

// Rows per (column, bucket) of a sparse matrix; what is not stored counts as bucket 0.
std::vector<std::uint32_t> count_rows(const SparseView& buckets, std::size_t n_buckets) {
  std::vector<std::uint32_t> counts(buckets.columns() * n_buckets);
  parallel_for(buckets.columns(), [&](std::size_t f) {
    const auto [rows, values] = buckets.column(f);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bucket = static_cast<std::uint64_t>(values[i]);
      if (bucket >= n_buckets) {
        throw Error(ErrorCode::InvalidArgument, "a bucket lies outside 0..n_buckets-1",
                    static_cast<std::size_t>(rows[i]));
      }
      ++counts[f * n_buckets + bucket];
    }
    counts[f * n_buckets] += static_cast<std::uint32_t>(buckets.row_count - values.size());
  });
  return counts;
}

class BucketSum {
 public:
  BucketSum(const CiphertextArray& in, std::size_t planes, std::size_t n_buckets, const BucketLabels& labels,
            LabelColumns& columns)
      : in_(in),
        modulus_(in.key()->n_squared()),
        planes_(planes),
        plane_size_(labels.columns() * n_buckets),
        labels_(labels),
        columns_(columns),
        out_(CiphertextArray::neutral(in.key(), planes * plane_size_)),
        occupied_(plane_size_) {
    for (std::size_t c = 0; c < labels.columns(); ++c) columns_.radices.push_back(labels.radix(c));
  }

  CiphertextArray sum_dense() && {
    for (std::size_t c = 0; c < labels_.columns(); ++c) columns_.ignored.push_back(labels_.fullest(c));
    const std::vector<ColumnGroup> groups = plan();
    const std::size_t reference = keep_one_group(groups);
    sum(groups);
    if (reference != groups.size()) {
      const std::vector<std::uint32_t> places = occupied_places(groups[reference].front());
      find_left_over(sum_elements({out_.at(0), modulus_.stride()}, places, plane_size_));
    }
    return std::move(out_);
  }

  CiphertextArray sum_sparse(const std::vector<std::uint32_t>& rows) && {
    columns_.ignored.assign(labels_.columns(), 0);
    sum(plan());
    find_left_over(sum_elements({in_.at(0), planes_ * modulus_.stride()}, rows, 1));
    return std::move(out_);
  }

 private:
  std::vector<ColumnGroup> plan() const {
    return plan_groups(columns_, max_table_cells(modulus_.stride(), planes_)).groups;
  }

  void sum(const std::vector<ColumnGroup>& groups) {
    const auto place = [&](std::uint32_t c, std::uint32_t label) { return labels_.place(c, label); };
    joint_sums(modulus_, {in_.at(0), planes_}, groups, columns_,
               {out_.at(0), plane_size_, occupied_.data(), place});
  }

  // Lets all groups but one leave their columns' fullest buckets to subtraction: that one gives the sum of
  // all rows. Returns its number, or groups.size() when nothing is left out, because it would not pay.
  std::size_t keep_one_group(const std::vector<ColumnGroup>& groups) {
    const std::vector<double> savings = ignored_savings(columns_, groups);
    const auto least = std::min_element(savings.begin(), savings.end());
    const auto reference = static_cast<std::size_t>(least - savings.begin());
    double gain = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (g == reference) continue;
      gain += savings[g];
      for (const std::uint32_t c : groups[g]) gain -= columns_.radices[c] + kLeftOver;
    }
    if (gain <= 0) {
      columns_.ignored.assign(columns_.columns(), kNoLabel);
      return groups.size();
    }
    for (const std::uint32_t c : groups[reference]) columns_.ignored[c] = kNoLabel;
    return reference;
  }

  std::vector<std::uint32_t> occupied_places(std::uint32_t column) const {
    std::vector<std::uint32_t> places;
    for (std::uint32_t label = 0; label < columns_.radices[column]; ++label) {
      const std::size_t place = labels_.place(column, label);
      if (occupied_[place] != 0) places.push_back(static_cast<std::uint32_t>(place));
    }
    return places;
  }

  // For each plane, the sum of the elements at `places`; planes lie `plane_step` elements apart.
  CiphertextArray sum_elements(Elements elements, const std::vector<std::uint32_t>& places,
                               std::size_t plane_step) const {
    CiphertextArray total = CiphertextArray::neutral(in_.key(), planes_);
    std::vector<Run> runs;
    for (std::size_t p = 0; p < planes_ && !places.empty(); ++p) {
      const Elements plane{elements.first + p * plane_step * modulus_.stride(), elements.pitch};
      runs.push_back({plane, places.data(), places.size(), total.at(p)});
    }
    multiply_runs(modulus_, std::move(runs));
    return total;
  }

  // The ignored bucket of each column that has one: all rows less the column's other buckets.
  void find_left_over(const CiphertextArray& total) {
    std::vector<std::uint32_t> columns;
    for (std::uint32_t c = 0; c < columns_.columns(); ++c) {
      if (columns_.ignored[c] != kNoLabel) columns.push_back(c);
    }
    std::vector<std::vector<std::uint32_t>> places;
    for (const std::uint32_t c : columns) places.push_back(occupied_places(c));
    CiphertextArray others = CiphertextArray::neutral(in_.key(), planes_ * columns.size());
    std::vector<Run> runs;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const std::size_t p = i / columns.size();
      const std::vector<std::uint32_t>& list = places[i % columns.size()];
      if (list.empty()) continue;
      runs.push_back({{out_.at(p * plane_size_), modulus_.stride()}, list.data(), list.size(), others.at(i)});
    }
    multiply_runs(modulus_, std::move(runs));
    CiphertextArray inverses(in_.key(), others.size());
    modulus_.invert(inverses.at(0), others.at(0), others.size());
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const std::size_t p = i / columns.size();
      const std::uint32_t c = columns[i % columns.size()];
      Limb* const place = out_.at(p * plane_size_ + labels_.place(c, columns_.ignored[c]));
      tasks.push_back({place, total.at(p), inverses.at(i)});
    }
    multiply_tasks(modulus_, tasks);
  }

  const CiphertextArray& in_;
  const SquareModulus& modulus_;
  std::size_t planes_;
  std::size_t plane_size_;
  const BucketLabels& labels_;
  LabelColumns& columns_;
  CiphertextArray out_;
  std::vector<std::uint8_t> occupied_;  // of one plane
};

// What both forms require; returns the rows that take part.
std::vector<std::uint32_t> checked_arguments(const CiphertextArray& in, std::size_t planes,
                                             std::size_t columns, std::size_t n_buckets,
                                             const RowSubset& subset, const PackLayout* layout) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  require(planes > 0 && in.size() % planes == 0, "every row needs one ciphertext per plane");
  require(n_buckets > 0 && n_buckets <= std::numeric_limits<std::int32_t>::max(),
          "n_buckets must lie in 1..2^31-1");
  require(columns <= kMost / n_buckets && columns * n_buckets <= kMost / planes, "too many columns");
  std::vector<std::uint32_t> rows = checked_rows(in.size() / planes, subset);
  if (layout != nullptr) layout->require_addends(rows.size());
  return rows;
}

}  // namespace

template <class T>
CiphertextArray bucket_sum(const CiphertextArray& in, std::size_t planes, const MatrixView<T>& buckets,
                           std::size_t n_buckets, const RowSubset& subset, const PackLayout* layout) {
  const auto rows = checked_arguments(in, planes, buckets.columns, n_buckets, subset, layout);
  require(buckets.rows == in.size() / planes, "buckets must have one row per ciphertext");
  const BucketLabels labels(count_rows(buckets, rows, n_buckets), n_buckets, false);
  if (rows.empty() || buckets.columns == 0) {
    return CiphertextArray::neutral(in.key(), planes * buckets.columns * n_buckets);
  }
  DenseLabels<T, BucketLabels> columns(buckets, rows, labels);
  return BucketSum(in, planes, n_buckets, labels, columns).sum_dense();
}

CiphertextArray bucket_sum(const CiphertextArray& in, std::size_t planes, const SparseView& buckets,
                           std::size_t n_buckets, const RowSubset& subset, const PackLayout* layout) {
  require_well_formed(buckets);
  const auto rows = checked_arguments(in, planes, buckets.columns(), n_buckets, subset, layout);
  require(buckets.row_count == rows.size(),
          "sparse buckets must have one row per ciphertext that takes part");
  const BucketLabels labels(count_rows(buckets, n_buckets), n_buckets, true);
  if (rows.empty() || buckets.columns() == 0) {
    return CiphertextArray::neutral(in.key(), planes * buckets.columns() * n_buckets);
  }
  SparseLabels<BucketLabels> columns(buckets, rows, labels);
  return BucketSum(in, planes, n_buckets, labels, columns).sum_sparse(rows);
}

template CiphertextArray bucket_sum(const CiphertextArray&, std::size_t, const MatrixView<std::uint8_t>&,
                                    std::size_t, const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, std::size_t, const MatrixView<std::uint16_t>&,
                                    std::size_t, const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, std::size_t, const MatrixView<std::int32_t>&,
                                    std::size_t, const RowSubset&, const PackLayout*);
template CiphertextArray bucket_sum(const CiphertextArray&, std::size_t, const MatrixView<std::int64_t>&,
                                    std::size_t, const RowSubset&, const PackLayout*);

}  // namespace isthmus::aggregate
