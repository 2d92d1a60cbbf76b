#pragma once
// Columns of small labels over rows that each own a ciphertext: what joint sums are formed over.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace isthmus::aggregate {

/// In place of a label: no row has this value.
inline constexpr std::uint32_t kNoLabel = std::numeric_limits<std::uint32_t>::max();

/// Numbers of the columns that are accumulated together, the lowest digit of the key first.
using ColumnGroup = std::vector<std::uint32_t>;

/// The rows of one group: operands[i] is the number of the element, keys[i] = sum_j label_j * prod of the
/// radices before j.
struct KeyedRows {
  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> operands;
};

/// Labels of a few rows, from which the planner guesses how columns hang together.
struct LabelSample {
  std::size_t rows = 0;
  std::vector<std::uint32_t> labels;  // of column c: rows words from c * rows on

  std::span<const std::uint32_t> column(std::size_t c) const noexcept {
    return std::span(labels).subspan(c * rows, rows);
  }
};

class LabelColumns {
 public:
  virtual ~LabelColumns() = default;

  /// Rows that take part.
  virtual std::size_t rows() const noexcept = 0;
  std::size_t columns() const noexcept { return radices.size(); }

  /// The keys of one group of columns; rows whose labels are all ignored may be left out.
  /// Called from several threads. Throws InvalidArgument when a value has no label, which happens only when
  /// the caller's matrix changes during the call.
  virtual KeyedRows keyed_rows(const ColumnGroup& group) const = 0;

  /// The labels of all columns in the rows at `positions`, which ascend and lie below rows().
  virtual LabelSample sample(std::span<const std::uint32_t> positions) const = 0;

  /// Share of the rows that have the ignored label, or a negative number where only a sample can tell.
  virtual double ignored_share(std::size_t /*column*/) const { return -1; }

  std::vector<std::uint32_t> radices;  // column c's labels lie in [0, radices[c])
  std::vector<std::uint32_t> ignored;  // the label of each column whose sum nobody needs, or kNoLabel
};

/// `size` positions spread over [0, population), ascending: one at a fixed but irregular place of each
/// stretch, so that periodic tables do not mislead.
std::vector<std::uint32_t> sample_positions(std::size_t population, std::size_t size);

}  // namespace isthmus::aggregate
