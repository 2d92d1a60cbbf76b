#include "isthmus/aggregate/weighted_sum.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/aggregate/signed_digits.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using paillier::CiphertextArray;

constexpr unsigned kMaxWidth = 16;
constexpr std::size_t kLanes = 8;  // digit columns weighed side by side

// One digit position of one column of X.
struct DigitColumn {
  std::size_t feature;
  unsigned position;
};

// Weights by column, as the engine below sees them, dense or sparse.
class DenseWeights {
 public:
  static constexpr bool kGroupAcrossFeatures = true;

  DenseWeights(const MatrixView<std::int64_t>& weights, const std::vector<std::uint32_t>& rows)
      : weights_(weights), rows_(rows) {}

  std::size_t features() const noexcept { return weights_.columns; }
  std::size_t typical_rows() const noexcept { return rows_.size(); }

  // Calls visit(ciphertext, weight) down one column.
  template <class Visit>
  void for_column(std::size_t feature, const Visit& visit) const {
    for (const std::uint32_t row : rows_) visit(row, weights_.at(row, feature));
  }

  // Calls visit(ciphertext, weights), where weights(f) reads the row's weight in feature f.
  template <class Visit>
  void for_rows(std::size_t /*first_feature*/, const Visit& visit) const {
    for (const std::uint32_t row : rows_) {
      visit(row, [&](std::size_t feature) { return weights_.at(row, feature); });
    }
  }

 private:
  const MatrixView<std::int64_t>& weights_;
  const std::vector<std::uint32_t>& rows_;
};

class SparseWeights {
 public:
  static constexpr bool kGroupAcrossFeatures = false;  // other features have other rows

  SparseWeights(const SparseView& weights, const std::vector<std::uint32_t>& rows)
      : weights_(weights), rows_(rows) {}

  std::size_t features() const noexcept { return weights_.columns(); }
  std::size_t typical_rows() const noexcept { return weights_.values.size() / features(); }

  template <class Visit>
  void for_column(std::size_t feature, const Visit& visit) const {
    const auto end = static_cast<std::size_t>(weights_.column_starts[feature + 1]);
    for (auto i = static_cast<std::size_t>(weights_.column_starts[feature]); i < end; ++i) {
      visit(rows_[static_cast<std::size_t>(weights_.rows[i])], weights_.values[i]);
    }
  }

  template <class Visit>
  void for_rows(std::size_t first_feature, const Visit& visit) const {
    for_column(first_feature, [&](std::uint32_t row, std::int64_t weight) {
      visit(row, [weight](std::size_t) { return weight; });
    });
  }

 private:
  const SparseView& weights_;
  const std::vector<std::uint32_t>& rows_;
};

template <class Weights>
class WeightedSum {
 public:
  WeightedSum(const CiphertextArray& in, const Weights& weights)
      : in_(in), modulus_(in.key()->n_squared()), stride_(in.stride()), weights_(weights) {
    magnitudes_.resize(weights.features());
    parallel_for(magnitudes_.size(), [&](std::size_t f) {
      weights_.for_column(f, [&](std::uint32_t, std::int64_t weight) {
        magnitudes_[f] = std::max(magnitudes_[f], magnitude(weight));
      });
    });
  }

  CiphertextArray run() {
    choose_width();
    positive_.resize(columns_.size() * stride_);
    negative_.resize(columns_.size() * stride_);
    for (std::size_t begin = 0; begin < groups_.size();) {
      const std::size_t end =
          groups_that_fit(groups_, begin, weights_.typical_rows(), radix(), stride_ * sizeof(Limb));
      weigh_groups(std::span(groups_).subspan(begin, end - begin));
      begin = end;
    }
    bigint::AlignedLimbs inverses(negative_.size());
    modulus_.invert(inverses.data(), negative_.data(), columns_.size());
    negative_ = std::move(inverses);
    CiphertextArray out = CiphertextArray::neutral(in_.key(), weights_.features());
    parallel_for(out.size(), [&](std::size_t f) { join_positions(f, out.at(f)); });
    return out;
  }

 private:
  std::size_t radix() const noexcept { return (std::size_t{1} << width_) + 1; }
  std::int32_t half() const noexcept { return std::int32_t{1} << (width_ - 1); }

  // Picks the digit width, and with it the columns and their groups, that needs the fewest products.
  void choose_width() {
    double best = 0;
    for (unsigned width = 1; width <= kMaxWidth; ++width) {
      const double products = expected_products(width);
      if (width > 1 && products >= best) continue;
      best = products;
      width_ = width;
    }
    for (std::size_t f = 0; f < magnitudes_.size(); ++f) {
      digits_.emplace_back(magnitudes_[f], width_);
      first_column_.push_back(columns_.size());
      for (unsigned i = 0; i < digits_[f].count(); ++i) columns_.push_back({f, i});
    }
    first_column_.push_back(columns_.size());
    make_groups();
  }

  double expected_products(unsigned width) const {
    std::size_t columns = 0;
    for (const std::uint64_t m : magnitudes_) columns += SignedDigits(m, width).count();
    const double weighing = 2.0 * static_cast<double>(std::size_t{1} << width) + width + 6;
    return plan(columns, (std::size_t{1} << width) + 1).products + static_cast<double>(columns) * weighing;
  }

  GroupingPlan plan(std::size_t columns, std::size_t digit_values) const {
    const std::size_t max_cells = kTableBytes / (stride_ * sizeof(Limb));
    const std::size_t rows = weights_.typical_rows();
    if (Weights::kGroupAcrossFeatures) return plan_groups(rows, columns, digit_values, max_cells);
    const std::size_t features = magnitudes_.size();
    GroupingPlan one = plan_groups(rows, (columns + features - 1) / features, digit_values, max_cells);
    one.products *= static_cast<double>(features);
    return one;
  }

  void make_groups() {
    if (Weights::kGroupAcrossFeatures) {
      groups_ = equal_groups(columns_.size(), plan(columns_.size(), radix()).groups);
      return;
    }
    const std::size_t max_cells = kTableBytes / (stride_ * sizeof(Limb));
    for (std::size_t f = 0; f < magnitudes_.size(); ++f) {
      const std::size_t count = digits_[f].count();
      const GroupingPlan one = plan_groups(weights_.typical_rows(), count, radix(), max_cells);
      for (ColumnGroup group : equal_groups(count, one.groups)) {
        groups_.push_back({first_column_[f] + group.first, group.count});
      }
    }
  }

  KeyedRows joint_digits(const ColumnGroup& group) const {
    KeyedRows keyed;
    const auto digit_values = static_cast<std::uint32_t>(radix());
    weights_.for_rows(columns_[group.first].feature, [&](std::uint32_t row, const auto& weight_of) {
      std::uint32_t key = 0;
      for (std::size_t c = group.first + group.count; c-- > group.first;) {
        const auto [feature, position] = columns_[c];
        const std::int32_t digit = digits_[feature].digit(weight_of(feature), position);
        key = key * digit_values + static_cast<std::uint32_t>(digit + half());
      }
      keyed.keys.push_back(key);
      keyed.operands.push_back(row);
    });
    return keyed;
  }

  // The digit sums of some groups, each weighed into one positive and one negative part per column.
  void weigh_groups(std::span<const ColumnGroup> groups) {
    const std::size_t first = groups.front().first;
    const std::size_t count = groups.back().first + groups.back().count - first;
    bigint::AlignedLimbs sums(count * radix() * stride_);
    std::vector<std::uint8_t> occupied(count * radix());
    const JointColumns columns{radix(), static_cast<std::uint32_t>(half()),
                               [&](const ColumnGroup& group) { return joint_digits(group); }};
    joint_sums(modulus_, in_.at(0), groups, columns, {sums.data(), occupied.data()});
    parallel_for((2 * count + kLanes - 1) / kLanes, [&](std::size_t block) {
      weigh(sums.data(), occupied.data(), first, block * kLanes, std::min(2 * count, (block + 1) * kLanes));
    });
  }

  // One side of one column's digit sums, from the largest digit down.
  struct Side {
    std::size_t zero_digit;  // place of digit 0 in the sums
    int sign;
    Limb* out;
    bool started = false;  // whether a digit sum was met
  };

  // For each side: out = prod_d sums[zero_digit + sign * d]^d, by running products. Sides go side by side, so
  // that a vector backend fills its lanes.
  void weigh(const Limb* sums, const std::uint8_t* occupied, std::size_t first, std::size_t begin,
             std::size_t end) {
    std::vector<Side> sides;
    for (std::size_t i = begin; i < end; ++i) {
      bigint::AlignedLimbs& part = i % 2 == 0 ? positive_ : negative_;
      sides.push_back({i / 2 * radix() + static_cast<std::size_t>(half()), i % 2 == 0 ? 1 : -1,
                       part.data() + (first + i / 2) * stride_});
      modulus_.set_one(sides.back().out);
    }
    bigint::AlignedLimbs running(sides.size() * stride_);
    std::vector<bigint::MulTask> run_tasks, out_tasks;
    for (std::int32_t d = half(); d > 0; --d) {
      run_tasks.clear();
      out_tasks.clear();
      for (std::size_t i = 0; i < sides.size(); ++i) {
        auto& [zero_digit, sign, out, started] = sides[i];
        const std::size_t place = zero_digit + static_cast<std::size_t>(sign * d);
        const Limb* sum = sums + place * stride_;
        Limb* run = running.data() + i * stride_;
        if (occupied[place] != 0 && started) run_tasks.push_back({run, run, sum});
        if (occupied[place] != 0 && !started) std::copy_n(sum, stride_, run);
        started = started || occupied[place] != 0;
        if (started) out_tasks.push_back({out, out, run});
      }
      modulus_.mul(run_tasks);
      modulus_.mul(out_tasks);
    }
  }

  // Horner's rule over the digit positions of one feature.
  void join_positions(std::size_t feature, Limb* out) const {
    for (std::size_t c = first_column_[feature + 1]; c-- > first_column_[feature];) {
      for (unsigned i = 0; i < width_ && c + 1 < first_column_[feature + 1]; ++i) modulus_.sqr(out, out);
      modulus_.mul(out, out, positive_.data() + c * stride_);
      modulus_.mul(out, out, negative_.data() + c * stride_);
    }
  }

  const CiphertextArray& in_;
  const SquareModulus& modulus_;
  std::size_t stride_;
  const Weights& weights_;
  std::vector<std::uint64_t> magnitudes_;  // max |X(i, f)| for each feature
  unsigned width_ = 1;
  std::vector<SignedDigits> digits_;
  std::vector<DigitColumn> columns_;
  std::vector<std::size_t> first_column_;  // of each feature, and the end
  std::vector<ColumnGroup> groups_;
  bigint::AlignedLimbs positive_, negative_;  // one element per column
};

template <class Weights>
CiphertextArray weigh_columns(const CiphertextArray& in, const Weights& weights) {
  if (weights.features() == 0) return CiphertextArray::neutral(in.key(), 0);
  return WeightedSum<Weights>(in, weights).run();
}

void require_sparse(const SparseView& weights) {
  const auto& starts = weights.column_starts;
  require(weights.rows.size() == weights.values.size(), "a sparse matrix needs one row number per value");
  require(!starts.empty() && starts.front() == 0 && std::is_sorted(starts.begin(), starts.end()) &&
              static_cast<std::size_t>(starts.back()) == weights.values.size(),
          "the column starts of a sparse matrix must rise from 0 to the number of values");
  for (std::size_t i = 0; i < weights.rows.size(); ++i) {
    if (weights.rows[i] < 0 || static_cast<std::uint64_t>(weights.rows[i]) >= weights.row_count) {
      throw Error(ErrorCode::InvalidArgument, "a row number of a sparse matrix is out of range", i);
    }
  }
}

}  // namespace

CiphertextArray weighted_sum(const CiphertextArray& in, const MatrixView<std::int64_t>& weights,
                             const RowSubset& subset) {
  require(weights.rows == in.size(), "weights must have one row per ciphertext");
  const std::vector<std::uint32_t> rows = checked_rows(in.size(), subset);
  return weigh_columns(in, DenseWeights(weights, rows));
}

CiphertextArray weighted_sum(const CiphertextArray& in, const SparseView& weights, const RowSubset& subset) {
  const std::vector<std::uint32_t> rows = checked_rows(in.size(), subset);
  require(weights.row_count == rows.size(),
          "sparse weights must have one row per ciphertext that takes part");
  require_sparse(weights);
  return weigh_columns(in, SparseWeights(weights, rows));
}

}  // namespace isthmus::aggregate
