#pragma once
// The buckets of each column that occur, numbered in order: labels with small radices, whatever n_buckets is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"

namespace isthmus::aggregate {

class BucketLabels {
 public:
  /// From the rows per (column, bucket). With `has_implicit`, bucket 0 always gets the label 0.
  BucketLabels(std::vector<std::uint32_t> counts, std::size_t n_buckets, bool has_implicit)
      : n_buckets_(n_buckets), labels_(std::move(counts)) {
    for (std::size_t first = 0; first < labels_.size(); first += n_buckets_) number(first, has_implicit);
    firsts_.push_back(buckets_.size());
  }

  std::size_t feature(std::uint32_t c) const noexcept { return c; }

  auto reader(std::uint32_t c) const noexcept {
    return [labels = labels_.data() + c * n_buckets_, n = n_buckets_](auto value) {
      // Negative buckets become huge, and fail the same comparison.
      const auto bucket = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
      return bucket < n ? labels[bucket] : kNoLabel;
    };
  }

  std::size_t columns() const noexcept { return fullest_.size(); }
  /// At least 1, so that a column without rows is a column too.
  std::uint32_t radix(std::size_t c) const noexcept {
    return static_cast<std::uint32_t>(std::max<std::size_t>(1, firsts_[c + 1] - firsts_[c]));
  }
  /// The label of the bucket with the most rows.
  std::uint32_t fullest(std::size_t c) const noexcept { return fullest_[c]; }
  std::size_t place(std::size_t c, std::uint32_t label) const noexcept {
    return c * n_buckets_ + buckets_[firsts_[c] + label];
  }

 private:
  void number(std::size_t first, bool has_implicit) {
    firsts_.push_back(buckets_.size());
    std::uint32_t next = 0, fullest = 0, most = 0;
    for (std::uint32_t b = 0; b < n_buckets_; ++b) {
      std::uint32_t& entry = labels_[first + b];  // a count, then a label
      const bool occurs = entry > 0 || (has_implicit && b == 0);
      if (entry > most) {
        most = entry;
        fullest = next;
      }
      if (occurs) buckets_.push_back(b);
      entry = occurs ? next++ : kNoLabel;
    }
    fullest_.push_back(fullest);
  }

  std::size_t n_buckets_;
  std::vector<std::uint32_t> labels_;   // of (column, bucket)
  std::vector<std::uint32_t> buckets_;  // of the labels of each column
  std::vector<std::size_t> firsts_;     // where they begin, and the end
  std::vector<std::uint32_t> fullest_;
};

}  // namespace isthmus::aggregate
