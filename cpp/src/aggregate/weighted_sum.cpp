#include "isthmus/aggregate/weighted_sum.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "digit_sums.hpp"
#include "isthmus/aggregate/grouping.hpp"
#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "matrix_labels.hpp"
#include "weight_labels.hpp"

namespace isthmus::aggregate {
namespace {

using paillier::CiphertextArray;

constexpr std::size_t kMostValues = 1024;
constexpr std::size_t kRowsPerValue =
    8;  // with fewer, weighing a value's sum costs more than its rows' digits

// A matrix of weights as the functions below see it.
class DenseWeights {
 public:
  template <class Labeler>
  using Labels = DenseLabels<std::int64_t, Labeler>;

  DenseWeights(const MatrixView<std::int64_t>& matrix, const std::vector<std::uint32_t>& rows)
      : matrix_(matrix), rows_(rows) {}

  std::size_t features() const noexcept { return matrix_.columns; }
  std::size_t entries(std::size_t /*feature*/) const noexcept { return rows_.size(); }
  std::int64_t entry(std::size_t feature, std::size_t i) const { return matrix_.at(rows_[i], feature); }
  const MatrixView<std::int64_t>& matrix() const noexcept { return matrix_; }
  const std::vector<std::uint32_t>& rows() const noexcept { return rows_; }

 private:
  const MatrixView<std::int64_t>& matrix_;
  const std::vector<std::uint32_t>& rows_;
};

class SparseWeights {
 public:
  template <class Labeler>
  using Labels = SparseLabels<Labeler>;

  SparseWeights(const SparseView& matrix, const std::vector<std::uint32_t>& rows)
      : matrix_(matrix), rows_(rows) {}

  std::size_t features() const noexcept { return matrix_.columns(); }
  std::size_t entries(std::size_t feature) const noexcept { return matrix_.column(feature).size(); }
  std::int64_t entry(std::size_t feature, std::size_t i) const { return matrix_.column(feature).values[i]; }
  const SparseView& matrix() const noexcept { return matrix_; }
  const std::vector<std::uint32_t>& rows() const noexcept { return rows_; }

 private:
  const SparseView& matrix_;
  const std::vector<std::uint32_t>& rows_;
};

template <class Weights, class Labeler>
typename Weights::template Labels<Labeler> label(const Weights& weights, const Labeler& labeler,
                                                 std::size_t columns) {
  typename Weights::template Labels<Labeler> labels(weights.matrix(), weights.rows(), labeler);
  for (std::uint32_t c = 0; c < columns; ++c) {
    labels.radices.push_back(labeler.radix(c));
    labels.ignored.push_back(labeler.zero(c));
  }
  return labels;
}

CiphertextArray weigh_by_digits(const CiphertextArray& in, const SparseView& weights);

// What one pass over a feature finds.
struct FeatureScan {
  std::uint64_t magnitude = 0;
  DistinctValues values{0};
  bool has_few_values = false;
};

template <class Weights>
FeatureScan scan(const Weights& weights, std::size_t feature) {
  FeatureScan found;
  const std::size_t entries = weights.entries(feature);
  found.values = DistinctValues(std::min(kMostValues, entries / kRowsPerValue));
  found.has_few_values = true;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::int64_t weight = weights.entry(feature, i);
    found.magnitude = std::max(found.magnitude, magnitude(weight));
    found.has_few_values = found.has_few_values && found.values.insert(weight);
  }
  return found;
}

template <class Weights>
class WeightedSum {
 public:
  WeightedSum(const CiphertextArray& in, const Weights& weights)
      : in_(in), weights_(weights), out_(CiphertextArray::neutral(in.key(), weights.features())) {}

  CiphertextArray run() && {
    std::vector<FeatureScan> scans(weights_.features());
    parallel_for(scans.size(), [&](std::size_t f) { scans[f] = scan(weights_, f); });
    ValueLabels few;
    std::vector<std::size_t> many;
    std::vector<std::uint64_t> magnitudes;
    for (std::size_t f = 0; f < scans.size(); ++f) {
      magnitudes.push_back(scans[f].magnitude);
      if (scans[f].magnitude == 0) continue;
      if (scans[f].has_few_values) {
        few.add(f, std::move(scans[f].values));
      } else {
        many.push_back(f);
      }
    }
    if (few.columns() > 0) sum_values(few);
    if (!many.empty()) sum_digits(many, magnitudes);
    return std::move(out_);
  }

  // All features by their digits.
  CiphertextArray run_by_digits() && {
    std::vector<std::uint64_t> magnitudes(weights_.features());
    std::vector<std::size_t> features;
    for (std::size_t f = 0; f < magnitudes.size(); ++f) {
      for (std::size_t i = 0; i < weights_.entries(f); ++i) {
        magnitudes[f] = std::max(magnitudes[f], magnitude(weights_.entry(f, i)));
      }
      if (magnitudes[f] > 0) features.push_back(f);
    }
    if (!features.empty()) sum_digits(features, magnitudes);
    return std::move(out_);
  }

 private:
  // Sums the rows of each value, then weighs the sums, which are fewer.
  void sum_values(const ValueLabels& labeler) {
    const auto labels = label(weights_, labeler, labeler.columns());
    std::vector<std::size_t> firsts{0};
    for (std::size_t c = 0; c < labeler.columns(); ++c)
      firsts.push_back(firsts[c] + labeler.values(c).size());
    CiphertextArray sums = CiphertextArray::neutral(in_.key(), firsts.back());
    std::vector<std::uint8_t> occupied(sums.size());
    const GroupingPlan plan = plan_groups(labels, max_table_cells(in_.stride(), 1));
    joint_sums(in_.key()->n_squared(), {in_.at(0), 1}, plan.groups, labels,
               {sums.at(0), sums.size(), occupied.data(),
                [&](std::uint32_t c, std::uint32_t value) { return firsts[c] + value; }});

    std::vector<std::int64_t> starts{0}, rows, values;
    for (std::size_t c = 0; c < labeler.columns(); ++c) {
      for (std::size_t v = 1; v < labeler.values(c).size(); ++v) {  // without the value 0
        rows.push_back(static_cast<std::int64_t>(firsts[c] + v));
        values.push_back(labeler.values(c)[v]);
      }
      starts.push_back(static_cast<std::int64_t>(rows.size()));
    }
    const CiphertextArray weighed = weigh_by_digits(sums, {sums.size(), starts, rows, values});
    for (std::size_t c = 0; c < labeler.columns(); ++c) {
      std::copy_n(weighed.at(c), in_.stride(), out_.at(labeler.feature(c)));
    }
  }

  void sum_digits(const std::vector<std::size_t>& features, const std::vector<std::uint64_t>& magnitudes) {
    std::size_t entries = 0;
    for (const std::size_t f : features) entries += weights_.entries(f);
    const unsigned width = choose_width(features, magnitudes, entries / features.size(), in_.stride());
    const DigitLabels labeler(features, magnitudes, width);
    weigh_digits(in_, labeler, label(weights_, labeler, labeler.columns().size()), width, out_);
  }

  const CiphertextArray& in_;
  const Weights& weights_;
  CiphertextArray out_;
};

CiphertextArray weigh_by_digits(const CiphertextArray& in, const SparseView& weights) {
  std::vector<std::uint32_t> rows(in.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return WeightedSum(in, SparseWeights(weights, rows)).run_by_digits();
}

}  // namespace

CiphertextArray weighted_sum(const CiphertextArray& in, const MatrixView<std::int64_t>& weights,
                             const RowSubset& subset) {
  require(weights.rows == in.size(), "weights must have one row per ciphertext");
  const std::vector<std::uint32_t> rows = checked_rows(in.size(), subset);
  return WeightedSum(in, DenseWeights(weights, rows)).run();
}

CiphertextArray weighted_sum(const CiphertextArray& in, const SparseView& weights, const RowSubset& subset) {
  const std::vector<std::uint32_t> rows = checked_rows(in.size(), subset);
  require(weights.row_count == rows.size(),
          "sparse weights must have one row per ciphertext that takes part");
  require_well_formed(weights);
  return WeightedSum(in, SparseWeights(weights, rows)).run();
}

}  // namespace isthmus::aggregate
