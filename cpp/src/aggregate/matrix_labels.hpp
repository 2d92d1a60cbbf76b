#pragma once
// Label columns over a borrowed matrix, dense or sparse. A Labeler turns the values of a column into labels:
//   feature(c)    the column of the matrix that column c of labels reads
//   reader(c)     a function from a value to its label, kNoLabel where it has none

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"
#include "isthmus/aggregate/matrix_view.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::aggregate {

inline void require_label(std::uint32_t label, std::uint32_t radix) {
  require(label < radix, "the matrix changed during the call");
}

/// Dense values: row i of the labels is row rows[i] of the matrix.
template <class T, class Labeler>
class DenseLabels final : public LabelColumns {
 public:
  DenseLabels(const MatrixView<T>& matrix, const std::vector<std::uint32_t>& rows, const Labeler& labeler)
      : matrix_(matrix), rows_(rows), labeler_(labeler) {}

  std::size_t rows() const noexcept override { return rows_.size(); }

  KeyedRows keyed_rows(const ColumnGroup& group) const override {
    KeyedRows keyed{std::vector<std::uint32_t>(rows_.size()), rows_};
    std::uint32_t scale = 1;
    for (const std::uint32_t c : group) {
      const auto read = labeler_.reader(c);
      const std::size_t feature = labeler_.feature(c);
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        const std::uint32_t label = read(matrix_.at(rows_[i], feature));
        require_label(label, radices[c]);
        keyed.keys[i] += label * scale;
      }
      scale *= radices[c];
    }
    return keyed;
  }

  LabelSample sample(std::span<const std::uint32_t> positions) const override {
    LabelSample sample{positions.size(), std::vector<std::uint32_t>(columns() * positions.size())};
    auto next = sample.labels.begin();
    for (std::uint32_t c = 0; c < columns(); ++c) {
      const auto read = labeler_.reader(c);
      for (const std::uint32_t i : positions) {
        *next = read(matrix_.at(rows_[i], labeler_.feature(c)));
        require_label(*next++, radices[c]);
      }
    }
    return sample;
  }

 private:
  const MatrixView<T>& matrix_;
  const std::vector<std::uint32_t>& rows_;
  const Labeler& labeler_;
};

/// Stored values; what is not stored has the ignored label, which every column needs. Row i of the matrix is
/// element rows[i].
template <class Labeler>
class SparseLabels final : public LabelColumns {
 public:
  SparseLabels(const SparseView& matrix, const std::vector<std::uint32_t>& rows, const Labeler& labeler)
      : matrix_(matrix), rows_(rows), labeler_(labeler) {}

  std::size_t rows() const noexcept override { return rows_.size(); }

  double ignored_share(std::size_t column) const override {
    const std::size_t stored = matrix_.column(labeler_.feature(static_cast<std::uint32_t>(column))).size();
    return 1 - static_cast<double>(stored) / static_cast<double>(std::max<std::size_t>(rows_.size(), 1));
  }

  // Merges the columns' sorted row numbers; a row that one column stores has the others' ignored labels.
  KeyedRows keyed_rows(const ColumnGroup& group) const override {
    using Entry = std::pair<std::uint32_t, std::uint32_t>;  // row, and what its label adds to the key
    std::vector<Entry> entries;
    std::uint32_t scale = 1, ignored_key = 0;
    for (const std::uint32_t c : group) {
      const std::size_t middle = entries.size();
      for_column(c, [&](std::uint32_t row, std::uint32_t label) {
        entries.emplace_back(row, (label - ignored[c]) * scale);  // modulo 2^32, as is the sum
      });
      std::inplace_merge(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(middle),
                         entries.end(), [](const Entry& a, const Entry& b) { return a.first < b.first; });
      ignored_key += ignored[c] * scale;
      scale *= radices[c];
    }
    KeyedRows keyed;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i == 0 || entries[i].first != entries[i - 1].first) {
        keyed.keys.push_back(ignored_key);
        keyed.operands.push_back(rows_[entries[i].first]);
      }
      keyed.keys.back() += entries[i].second;
    }
    return keyed;
  }

  LabelSample sample(std::span<const std::uint32_t> positions) const override {
    std::vector<std::uint32_t> place(rows_.size(), kNoLabel);
    for (std::size_t i = 0; i < positions.size(); ++i) place[positions[i]] = static_cast<std::uint32_t>(i);
    LabelSample sample{positions.size(), {}};
    for (std::uint32_t c = 0; c < columns(); ++c) {
      sample.labels.resize(sample.labels.size() + positions.size(), ignored[c]);
      const std::span<std::uint32_t> labels = std::span(sample.labels).last(positions.size());
      for_column(c, [&](std::uint32_t row, std::uint32_t label) {
        if (place[row] != kNoLabel) labels[place[row]] = label;
      });
    }
    return sample;
  }

 private:
  template <class Visit>
  void for_column(std::uint32_t c, const Visit& visit) const {
    const auto read = labeler_.reader(c);
    const auto [row_numbers, values] = matrix_.column(labeler_.feature(c));
    for (std::size_t i = 0; i < row_numbers.size(); ++i) {
      const std::uint32_t label = read(values[i]);
      require_label(label, radices[c]);
      const auto row = static_cast<std::uint64_t>(row_numbers[i]);
      require(row < rows_.size(), "the matrix changed during the call");
      visit(static_cast<std::uint32_t>(row), label);
    }
  }

  const SparseView& matrix_;
  const std::vector<std::uint32_t>& rows_;
  const Labeler& labeler_;
};

}  // namespace isthmus::aggregate
