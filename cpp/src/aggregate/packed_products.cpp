#include "isthmus/aggregate/packed_products.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "isthmus/aggregate/batch.hpp"
#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/aggregate/packing.hpp"
#include "isthmus/aggregate/signed_digits.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using bigint::MulTask;
using paillier::CiphertextArray;

constexpr unsigned kMaxWidth = 14;
constexpr std::size_t kLanes = 8;                             // columns or rows of tables built side by side
constexpr std::size_t kChunkOperands = std::size_t{1} << 24;  // operand numbers held at a time: 64 MiB

struct ColumnShape {
  std::uint64_t max_magnitude = 0;
  std::size_t non_zeros = 0;
};

std::size_t table_entries(const SignedDigits& digits) {
  std::size_t entries = 0;
  for (unsigned i = 0; i < digits.count(); ++i) entries += static_cast<std::size_t>(digits.max_digit(i));
  return entries;
}

// The digit width with the fewest products for one column: one per digit of a non-zero entry, one per table
// entry of each slot.
SignedDigits choose_digits(const ColumnShape& shape, std::size_t slots, std::size_t max_entries) {
  SignedDigits best(shape.max_magnitude, 1);
  std::size_t best_products = 0;
  for (unsigned width = 1; width <= kMaxWidth; ++width) {
    const SignedDigits digits(shape.max_magnitude, width);
    const std::size_t entries = slots * table_entries(digits);
    const std::size_t products = shape.non_zeros * digits.count() + entries;
    if (width > 1 && (entries > max_entries || products >= best_products)) continue;
    best = digits;
    best_products = products;
  }
  return best;
}

// The tables of some columns: entry(j, s, i, d) = in[j]^(d * 2^(s * slot_bits + i * width)), d
// = 1..max_digit(i).
class Tables {
 public:
  Tables(const CiphertextArray& in, std::size_t slots, std::size_t slot_bits)
      : in_(in), modulus_(in.key()->n_squared()), slots_(slots), slot_bits_(slot_bits) {}

  std::size_t max_entries() const noexcept { return kTableBytes / (in_.stride() * sizeof(Limb)); }

  // Builds the tables of columns [begin, end) and returns end: as many columns as the memory bound allows.
  std::size_t build(const std::vector<SignedDigits>& digits, std::size_t begin) {
    begin_ = begin;
    digits_ = digits.data();
    rows_.clear();
    first_row_of_column_.clear();
    std::size_t entries = 0;
    std::size_t end = begin;
    do {
      first_row_of_column_.push_back(rows_.size());
      entries = append_rows(digits[end++], entries);
    } while (end < digits.size() && entries + slots_ * table_entries(digits[end]) <= max_entries());
    first_row_of_column_.push_back(rows_.size());
    entries_.resize(entries * in_.stride());
    parallel_for((end - begin + kLanes - 1) / kLanes, [&](std::size_t block) {
      fill_bases(block * kLanes, std::min(end - begin, (block + 1) * kLanes));
    });
    parallel_for((rows_.size() + kLanes - 1) / kLanes, [&](std::size_t block) {
      fill_multiples(block * kLanes, std::min(rows_.size(), (block + 1) * kLanes));
    });
    return end;
  }

  const Limb* data() const noexcept { return entries_.data(); }

  // Number of the entry for |digit| = d > 0.
  std::uint32_t entry(std::size_t column, std::size_t slot, unsigned position,
                      std::int32_t d) const noexcept {
    const std::size_t row = first_row_of_column_[column - begin_] + slot * digits_[column].count() + position;
    return static_cast<std::uint32_t>(rows_[row].first + static_cast<std::size_t>(d) - 1);
  }

 private:
  struct Row {
    std::size_t first;     // number of the entry for d = 1
    std::size_t size;      // entries: the largest digit
    std::size_t exponent;  // the base is in[column]^(2^exponent)
  };

  Limb* at(std::size_t entry) { return entries_.data() + entry * in_.stride(); }

  // Plans the rows of one column from entry number `entries` on; returns the number after them.
  std::size_t append_rows(const SignedDigits& digits, std::size_t entries) {
    for (std::size_t s = 0; s < slots_; ++s) {
      for (unsigned i = 0; i < digits.count(); ++i) {
        const auto size = static_cast<std::size_t>(digits.max_digit(i));
        rows_.push_back({entries, size, s * slot_bits_ + i * digits.width()});
        entries += size;
      }
    }
    return entries;
  }

  // One chain of squarings per column passes the base of each of its rows, in order.
  void fill_bases(std::size_t begin, std::size_t end) {
    std::vector<std::size_t> next(first_row_of_column_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  first_row_of_column_.begin() + static_cast<std::ptrdiff_t>(end));
    bigint::AlignedLimbs powers(in_.at(begin_ + begin), in_.at(begin_ + begin) + next.size() * in_.stride());
    std::vector<MulTask> squarings;
    for (std::size_t exponent = 0; exponent == 0 || !squarings.empty(); ++exponent) {
      modulus_.sqr(squarings);
      squarings.clear();
      for (std::size_t j = 0; j < next.size(); ++j) {
        Limb* power = powers.data() + j * in_.stride();
        const std::size_t last = first_row_of_column_[begin + j + 1];
        if (next[j] < last && rows_[next[j]].exponent == exponent) {
          const Row& row = rows_[next[j]++];
          if (row.size > 0) std::copy_n(power, in_.stride(), at(row.first));
        }
        if (next[j] < last) squarings.push_back({power, power, power});
      }
    }
  }

  // An even multiple is a squaring, which is cheaper than a product.
  void fill_multiples(std::size_t begin, std::size_t end) {
    std::size_t largest = 0;
    for (std::size_t r = begin; r < end; ++r) largest = std::max(largest, rows_[r].size);
    std::vector<MulTask> tasks;
    for (std::size_t d = 2; d <= largest; ++d) {
      const bool even = d % 2 == 0;
      tasks.clear();
      for (std::size_t r = begin; r < end; ++r) {
        if (d > rows_[r].size) continue;
        const std::size_t first = rows_[r].first;
        const Limb* factor = at(first + (even ? d / 2 : d - 1) - 1);
        tasks.push_back({at(first + d - 1), factor, even ? factor : at(first)});
      }
      if (even) {
        modulus_.sqr(tasks);
      } else {
        modulus_.mul(tasks);
      }
    }
  }

  const CiphertextArray& in_;
  const SquareModulus& modulus_;
  std::size_t slots_;
  std::size_t slot_bits_;
  const SignedDigits* digits_ = nullptr;
  std::size_t begin_ = 0;
  std::vector<Row> rows_;                         // by column, slot, position
  std::vector<std::size_t> first_row_of_column_;  // and the end
  bigint::AlignedLimbs entries_;
};

class PackedProducts {
 public:
  PackedProducts(const CiphertextArray& in, const MatrixView<std::int64_t>& weights, std::size_t slots,
                 std::size_t slot_bits)
      : weights_(weights),
        modulus_(in.key()->n_squared()),
        slots_(slots),
        tables_(in, slots, slot_bits),
        out_(CiphertextArray::neutral(in.key(), (weights.rows + slots - 1) / slots)),
        negative_(CiphertextArray::neutral(in.key(), out_.size())) {
    std::vector<ColumnShape> shapes(weights.columns);
    parallel_for(weights.columns, [&](std::size_t j) { shapes[j] = shape_of(j); });
    for (const ColumnShape& shape : shapes) {
      digits_.push_back(choose_digits(shape, slots, tables_.max_entries()));
    }
  }

  CiphertextArray run() && {
    for (std::size_t begin = 0; begin < weights_.columns;) {
      const std::size_t end = tables_.build(digits_, begin);
      std::size_t digits_per_row = 0;
      for (std::size_t j = begin; j < end; ++j) digits_per_row += digits_[j].count();
      const std::size_t chunk = std::max<std::size_t>(1, kChunkOperands / (slots_ * digits_per_row));
      for (std::size_t t = 0; t < out_.size(); t += chunk) {
        multiply_chunk(t, std::min(out_.size(), t + chunk), begin, end);
      }
      begin = end;
    }
    CiphertextArray inverses(out_.key(), out_.size());
    modulus_.invert(inverses.at(0), negative_.at(0), out_.size());
    multiply_into(out_, inverses.at(0), 0, std::vector<std::uint8_t>(out_.size(), 1));
    return std::move(out_);
  }

 private:
  struct Operands {
    std::vector<std::uint32_t> positive, negative;
  };

  ColumnShape shape_of(std::size_t column) const {
    ColumnShape shape;
    for (std::size_t i = 0; i < weights_.rows; ++i) {
      const std::uint64_t m = magnitude(weights_.at(i, column));
      shape.max_magnitude = std::max(shape.max_magnitude, m);
      shape.non_zeros += m != 0 ? 1 : 0;
    }
    return shape;
  }

  Operands operands_of(std::size_t t, std::size_t begin, std::size_t end) const {
    Operands operands;
    for (std::size_t s = 0; s < slots_ && t * slots_ + s < weights_.rows; ++s) {
      for (std::size_t j = begin; j < end; ++j) {
        const std::int64_t x = weights_.at(t * slots_ + s, j);
        for (unsigned i = 0; x != 0 && i < digits_[j].count(); ++i) {
          const std::int32_t digit = digits_[j].digit(x, i), largest = digits_[j].max_digit(i);
          require(-largest <= digit && digit <= largest, "the matrix changed during the call");
          if (digit > 0) operands.positive.push_back(tables_.entry(j, s, i, digit));
          if (digit < 0) operands.negative.push_back(tables_.entry(j, s, i, -digit));
        }
      }
    }
    return operands;
  }

  // Multiplies the entries that outputs [first, last) need from columns [begin, end) into out_ and negative_.
  void multiply_chunk(std::size_t first, std::size_t last, std::size_t begin, std::size_t end) {
    const std::size_t count = last - first;
    std::vector<Operands> operands(count);
    parallel_for(count, [&](std::size_t t) { operands[t] = operands_of(first + t, begin, end); }, 16);
    bigint::AlignedLimbs products(2 * count * modulus_.stride());
    Limb* const negative_products = products.data() + count * modulus_.stride();
    std::vector<std::uint8_t> has_positive(count), has_negative(count);
    std::vector<Run> runs;
    for (std::size_t t = 0; t < count; ++t) {
      const auto append = [&](const std::vector<std::uint32_t>& entries, Limb* place, std::uint8_t& present) {
        present = entries.empty() ? 0 : 1;
        if (present != 0) {
          runs.push_back({{tables_.data(), modulus_.stride()},
                          entries.data(),
                          entries.size(),
                          place + t * modulus_.stride()});
        }
      };
      append(operands[t].positive, products.data(), has_positive[t]);
      append(operands[t].negative, negative_products, has_negative[t]);
    }
    multiply_runs(modulus_, std::move(runs));
    multiply_into(out_, products.data(), first, has_positive);
    multiply_into(negative_, negative_products, first, has_negative);
  }

  // target[first + t] *= factors[t] where present[t].
  void multiply_into(CiphertextArray& target, const Limb* factors, std::size_t first,
                     const std::vector<std::uint8_t>& present) const {
    std::vector<MulTask> tasks;
    for (std::size_t t = 0; t < present.size(); ++t) {
      if (present[t] == 0) continue;
      tasks.push_back({target.at(first + t), target.at(first + t), factors + t * modulus_.stride()});
    }
    multiply_tasks(modulus_, tasks);
  }

  const MatrixView<std::int64_t>& weights_;
  const SquareModulus& modulus_;
  std::size_t slots_;
  std::vector<SignedDigits> digits_;  // by column
  Tables tables_;
  CiphertextArray out_;
  CiphertextArray negative_;
};

// |slot sum| >= sum_j |X(i, j)| for some choice of non-zero plaintexts, so this much is certain to overflow.
void require_slot_width(const MatrixView<std::int64_t>& weights, std::size_t slot_bits) {
  __extension__ typedef unsigned __int128 Wide;  // 2^32 columns of 2^63 still fit
  parallel_for(
      weights.rows,
      [&](std::size_t i) {
        Wide sum = 0;
        for (std::size_t j = 0; j < weights.columns; ++j) sum += magnitude(weights.at(i, j));
        if (slot_bits - 1 < 128 && sum >> (slot_bits - 1) != 0) {
          throw Error(ErrorCode::PlaintextOverflow, "a row's products do not fit in slot_bits", i);
        }
      },
      4096);
}

}  // namespace

CiphertextArray packed_products(const CiphertextArray& in, const MatrixView<std::int64_t>& weights,
                                std::size_t slot_bits) {
  require(weights.columns == in.size(), "weights must have one column per ciphertext");
  const std::size_t slots = slots_per_plaintext(in.key()->key_bits(), slot_bits);
  require_slot_width(weights, slot_bits);
  return PackedProducts(in, weights, slots, slot_bits).run();
}

}  // namespace isthmus::aggregate
