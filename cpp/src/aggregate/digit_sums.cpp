#include "digit_sums.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "isthmus/aggregate/batch.hpp"
#include "isthmus/aggregate/grouping.hpp"
#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using bigint::MulTask;
using paillier::CiphertextArray;

constexpr unsigned kMaxWidth = 15;
constexpr std::size_t kLanes = 16;  // sides of digit columns weighed side by side

class DigitSums {
 public:
  DigitSums(const CiphertextArray& in, const DigitLabels& labeler, const LabelColumns& labels, unsigned width)
      : in_(in),
        modulus_(in.key()->n_squared()),
        stride_(in.stride()),
        labeler_(labeler),
        labels_(labels),
        width_(width),
        parts_(2 * labels.columns() * stride_) {}

  void run(CiphertextArray& out) {
    const std::vector<ColumnGroup> groups = plan_groups(labels_, max_table_cells(stride_, 1)).groups;
    for (std::size_t begin = 0; begin < groups.size();) {
      const std::size_t end = groups_that_fit(groups, begin, labels_, stride_ * sizeof(Limb));
      weigh_groups(std::span(groups).subspan(begin, end - begin));
      begin = end;
    }
    // The negative parts are the second half.
    const std::size_t columns = labels_.columns();
    bigint::AlignedLimbs inverses(columns * stride_);
    modulus_.invert(inverses.data(), part(1, 0), columns);
    std::vector<MulTask> tasks;
    for (std::size_t c = 0; c < columns; ++c) {
      tasks.push_back({part(0, c), part(0, c), inverses.data() + c * stride_});
    }
    multiply_tasks(modulus_, tasks);
    join_positions(out);
  }

 private:
  Limb* part(std::size_t side, std::size_t column) {
    return parts_.data() + (side * labels_.columns() + column) * stride_;
  }

  // One side of one column's digit sums, from the largest digit down.
  struct Side {
    std::size_t zero_digit;  // place of digit 0 in the sums
    std::size_t largest;     // digit
    bool is_negative;
    Limb* out;
    bool started = false;  // whether a digit sum was met

    std::size_t place(std::size_t digit) const {
      return is_negative ? zero_digit - digit : zero_digit + digit;
    }
  };

  // The digit sums of some groups, each weighed into one positive and one negative part per column.
  void weigh_groups(std::span<const ColumnGroup> groups) {
    std::vector<std::size_t> firsts(labels_.columns());
    std::vector<Side> sides;
    std::size_t size = 0;
    for (const ColumnGroup& group : groups) {
      for (const std::uint32_t c : group) {
        firsts[c] = size;
        for (const bool is_negative : {false, true}) {
          const std::uint32_t zero = labeler_.zero(c);
          sides.push_back({size + zero, zero, is_negative, part(is_negative ? 1 : 0, c)});
        }
        size += labels_.radices[c];
      }
    }
    Limb* const sums = sums_.reserve(size * stride_);
    std::vector<std::uint8_t> occupied(size);
    joint_sums(modulus_, {in_.at(0), 1}, groups, labels_,
               {sums, size, occupied.data(),
                [&](std::uint32_t c, std::uint32_t label) { return firsts[c] + label; }});
    parallel_for((sides.size() + kLanes - 1) / kLanes, [&](std::size_t block) {
      const std::size_t begin = block * kLanes;
      weigh(sums, occupied, std::span(sides).subspan(begin, std::min(kLanes, sides.size() - begin)));
    });
  }

  // For each side: out = prod_d sums[place(d)]^d, by running products. Sides go side by side, so that a
  // vector backend fills its lanes.
  void weigh(const Limb* sums, const std::vector<std::uint8_t>& occupied, std::span<Side> sides) {
    bigint::AlignedLimbs running(sides.size() * stride_);
    std::vector<MulTask> run_tasks, out_tasks;
    std::size_t largest = 0;
    for (Side& side : sides) {
      modulus_.set_one(side.out);
      largest = std::max(largest, side.largest);
    }
    for (std::size_t d = largest; d > 0; --d) {
      run_tasks.clear();
      out_tasks.clear();
      for (std::size_t i = 0; i < sides.size(); ++i) {
        Side& side = sides[i];
        if (d > side.largest) continue;
        const std::size_t place = side.place(d);
        const Limb* sum = sums + place * stride_;
        Limb* run = running.data() + i * stride_;
        if (occupied[place] != 0 && side.started) run_tasks.push_back({run, run, sum});
        if (occupied[place] != 0 && !side.started) std::copy_n(sum, stride_, run);
        side.started = side.started || occupied[place] != 0;
        if (side.started) out_tasks.push_back({side.out, side.out, run});
      }
      modulus_.mul(run_tasks);
      modulus_.mul(out_tasks);
    }
  }

  // Horner's rule over the digit positions, features side by side.
  void join_positions(CiphertextArray& out) {
    struct Feature {
      std::size_t first, end;  // columns
    };
    std::vector<Feature> features;
    const auto& columns = labeler_.columns();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].position == 0) features.push_back({c, c});
      ++features.back().end;
    }
    parallel_for((features.size() + kLanes - 1) / kLanes, [&](std::size_t block) {
      const std::size_t begin = block * kLanes;
      const auto some = std::span(features).subspan(begin, std::min(kLanes, features.size() - begin));
      std::size_t most = 0;
      for (const Feature& f : some) most = std::max(most, f.end - f.first);
      std::vector<MulTask> products, squarings;
      for (std::size_t position = most; position-- > 0;) {
        products.clear();
        for (const Feature& f : some) {
          const std::size_t c = f.first + position;
          Limb* const place = out.at(columns[f.first].feature);
          if (c + 1 == f.end) std::copy_n(part(0, c), stride_, place);
          if (c + 1 < f.end) products.push_back({place, place, part(0, c)});
        }
        squarings.clear();
        for (const MulTask& task : products) squarings.push_back({task.out, task.out, nullptr});
        for (unsigned i = 0; i < width_ && !squarings.empty(); ++i) modulus_.sqr(squarings);
        modulus_.mul(products);
      }
    });
  }

  const CiphertextArray& in_;
  const SquareModulus& modulus_;
  std::size_t stride_;
  const DigitLabels& labeler_;
  const LabelColumns& labels_;
  unsigned width_;
  Scratch<Limb> sums_;          // of the digits of some columns
  bigint::AlignedLimbs parts_;  // the positive parts of all columns, then the negative ones
};

}  // namespace

unsigned choose_width(const std::vector<std::size_t>& features, const std::vector<std::uint64_t>& magnitudes,
                      std::size_t rows, std::size_t element_words) {
  const std::size_t max_cells = max_table_cells(element_words, 1);
  double best = 0;
  unsigned best_width = 1;
  for (unsigned width = 1; width <= kMaxWidth; ++width) {
    std::size_t columns = 0;
    double weighing = 0;
    for (const std::size_t feature : features) {
      const SignedDigits digits(magnitudes[feature], width);
      columns += digits.count();
      for (unsigned i = 0; i < digits.count(); ++i) weighing += 4.0 * digits.max_digit(i) + width + 6;
    }
    const std::size_t radix = (std::size_t{1} << width) + 1;
    const double products = uniform_products(rows, columns, radix, max_cells) + weighing;
    if (width > 1 && products >= best) continue;
    best = products;
    best_width = width;
  }
  return best_width;
}

void weigh_digits(const CiphertextArray& in, const DigitLabels& labeler, const LabelColumns& labels,
                  unsigned width, CiphertextArray& out) {
  DigitSums(in, labeler, labels, width).run(out);
}

}  // namespace isthmus::aggregate
