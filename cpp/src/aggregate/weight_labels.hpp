#pragma once
// Labels of weights: a signed digit of the weight, or the number of its value where a column has few.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"
#include "isthmus/aggregate/signed_digits.hpp"

namespace isthmus::aggregate {

/// One digit position of one column of X.
struct DigitColumn {
  std::size_t feature;
  unsigned position;
};

/// Label of digit d: d + the largest digit of its position.
class DigitLabels {
 public:
  /// Digits of `width` bits for the features listed, whose weights are at most magnitudes[feature].
  DigitLabels(const std::vector<std::size_t>& features, const std::vector<std::uint64_t>& magnitudes,
              unsigned width) {
    for (const std::size_t feature : features) {
      const SignedDigits digits(magnitudes[feature], width);
      for (unsigned i = 0; i < digits.count(); ++i) {
        columns_.push_back({feature, i});
        digits_.push_back(digits);
      }
    }
  }

  const std::vector<DigitColumn>& columns() const noexcept { return columns_; }
  std::size_t feature(std::size_t c) const noexcept { return columns_[c].feature; }
  std::uint32_t zero(std::size_t c) const noexcept {
    return static_cast<std::uint32_t>(digits_[c].max_digit(columns_[c].position));
  }
  std::uint32_t radix(std::size_t c) const noexcept { return 2 * zero(c) + 1; }

  auto reader(std::size_t c) const noexcept {
    return [digits = digits_[c], position = columns_[c].position, zero = zero(c)](std::int64_t weight) {
      return static_cast<std::uint32_t>(digits.digit(weight, position)) + zero;
    };
  }

 private:
  std::vector<DigitColumn> columns_;
  std::vector<SignedDigits> digits_;  // of each column's feature
};

/// The distinct values of one column, numbered as they first occur; 0 is always one of them, the first.
class DistinctValues {
 public:
  explicit DistinctValues(std::size_t most) : most_(most), slots_(std::bit_ceil(4 * most + 4)), values_{0} {
    slots_[slot_of(0)] = 1;
  }

  /// False when there are more than `most` values besides 0.
  bool insert(std::int64_t value) {
    const std::size_t slot = slot_of(value);
    if (slots_[slot] != 0) return true;
    if (values_.size() > most_) return false;
    values_.push_back(value);
    slots_[slot] = static_cast<std::uint32_t>(values_.size());
    return true;
  }

  std::uint32_t label(std::int64_t value) const noexcept {
    const std::uint32_t entry = slots_[slot_of(value)];
    return entry == 0 ? kNoLabel : entry - 1;
  }

  const std::vector<std::int64_t>& values() const noexcept { return values_; }

 private:
  // Where the value lies or would lie; a quarter of the slots is in use at most.
  std::size_t slot_of(std::int64_t value) const noexcept {
    std::size_t slot = static_cast<std::uint64_t>(value) * 0x9e3779b97f4a7c15U >> 32;
    for (;; ++slot) {
      slot &= slots_.size() - 1;
      if (slots_[slot] == 0 || values_[slots_[slot] - 1] == value) return slot;
    }
  }

  std::size_t most_;
  std::vector<std::uint32_t> slots_;  // the number of a value and one, or 0
  std::vector<std::int64_t> values_;
};

/// Label of a weight: the number of its value.
class ValueLabels {
 public:
  void add(std::size_t feature, DistinctValues values) {
    features_.push_back(feature);
    values_.push_back(std::move(values));
  }

  std::size_t columns() const noexcept { return features_.size(); }
  std::size_t feature(std::size_t c) const noexcept { return features_[c]; }
  const std::vector<std::int64_t>& values(std::size_t c) const noexcept { return values_[c].values(); }
  std::uint32_t radix(std::size_t c) const noexcept { return static_cast<std::uint32_t>(values(c).size()); }
  std::uint32_t zero(std::size_t /*c*/) const noexcept { return 0; }

  auto reader(std::size_t c) const noexcept {
    return [&values = values_[c]](std::int64_t weight) { return values.label(weight); };
  }

 private:
  std::vector<std::size_t> features_;
  std::vector<DistinctValues> values_;
};

}  // namespace isthmus::aggregate
