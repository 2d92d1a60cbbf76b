#include "isthmus/bigint/fixed_base.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "exponentiate.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "lanes.hpp"

namespace isthmus::bigint {
namespace {

constexpr unsigned kMaxWindow = 12;
// LaneKernels::pick reads rows by sixteens, and at most 128.
constexpr unsigned kLeastMaskedWindow = 4, kMostMaskedWindow = 7;
// Elements that use a table before the next one is turned to, which then finds it in the cache.
constexpr std::size_t kBatch = 256;

WindowPlan plan_for(std::size_t exponent_bits, unsigned window, std::size_t levels) {
  const std::size_t windows = (exponent_bits + window - 1) / window;
  return {window, windows, std::min(levels, windows)};
}

// Costs count word products per element in halves of k^2. A kernel takes as long for one element as for all
// its lanes, so work that comes one element at a time counts for as many.
struct CostModel {
  static constexpr double kInverse = 30;  // three products of 5 k^2
  std::size_t lanes;
  double product;  // with a row
  double scan;     // per row that a look-up reads
  double row;      // to make one

  double of_power(const WindowPlan& plan) const {
    const double look_up = scan * static_cast<double>(plan.entries());
    return (product + look_up) * static_cast<double>(plan.windows) +
           7.0 * static_cast<double>(plan.window * (plan.levels - 1));  // 3.5 k^2 a squaring
  }
  double of_tables(const WindowPlan& plan) const {
    const std::size_t tables = plan.tables(), in_lanes = (tables + lanes - 1) / lanes * lanes;
    const std::size_t squarings = (tables - 1) * plan.window * plan.levels * lanes;
    return static_cast<double>(in_lanes) * (row * static_cast<double>(plan.entries()) + kInverse) +
           7.0 * static_cast<double>(squarings);
  }
};

WindowPlan cheapest_plan(const CostModel& model, std::size_t exponent_bits, unsigned least_window,
                         unsigned most_window, std::size_t max_rows, std::size_t uses) {
  const double powers = static_cast<double>(std::max(uses, model.lanes));
  const auto cost = [&](const WindowPlan& p) { return model.of_tables(p) + powers * model.of_power(p); };
  WindowPlan best = plan_for(exponent_bits, least_window, exponent_bits);  // one table, the smallest there is
  for (unsigned window = least_window; window <= most_window; ++window) {
    for (std::size_t levels = 1; levels <= plan_for(exponent_bits, window, 1).windows; ++levels) {
      const WindowPlan candidate = plan_for(exponent_bits, window, levels);
      if (candidate.tables() * candidate.entries() > max_rows) continue;
      if (cost(candidate) < cost(best)) best = candidate;
    }
  }
  return best;
}

const LaneKernels& wide_kernels(const SquareModulus& modulus) {
  return modulus.root().digits().kernels->wide;
}

// The number that a row multiplies by, what kernels need to know of it, and the row's logarithm.
std::size_t row_words(const SquareModulus& modulus) {
  return modulus.root().stride() * (wide_kernels(modulus).constant != nullptr ? 3 : 2);
}
std::size_t rows_in(std::size_t bytes, const SquareModulus& modulus) {
  return bytes / (row_words(modulus) * sizeof(Limb));
}

CostModel cost_model(const SquareModulus& modulus, bool masked) {
  const LaneKernels& kernels = wide_kernels(modulus);
  const auto k = static_cast<double>(modulus.root().stride()),
             words = static_cast<double>(row_words(modulus));
  const double scan = masked ? kernels.pick_cost * words / (k * k / 2) : 0;
  // A product by a constant takes 3k^2 and a few sums more; a row of such, 4k^2 more than the 8k^2 of others
  // for taking it out of Montgomery form, and half a k^2 for its quotient.
  if (kernels.constant != nullptr) return {kernels.lanes, 6.4, scan, 25.0};
  return {kernels.lanes, 8.0, scan, 16.0};
}

}  // namespace

/// Fills the tables of one block of lanes, a table a lane.
class WindowTables::Builder {
 public:
  /// `bases` are those of all tables, and `inverses` theirs.
  Builder(WindowTables& tables, const AlignedLimbs& bases, const AlignedLimbs& inverses, std::size_t first,
          std::size_t count)
      : tables_(tables),
        modulus_(*tables.modulus_),
        context_(modulus_.root().digits()),
        lanes_(lanes_for(*context_.kernels, count)),
        first_(first),
        count_(count),
        k_(context_.layout.count),
        words_(tables.row_words_),
        base_(block(2 * k_)),
        inverse_(block(k_)),
        unit_(block(k_)),
        power_(block(2 * k_)),
        inverse_power_(block(k_)),
        log_of_base_(block(k_)),
        log_(block(k_)),
        plain_(block(2 * k_)),
        row_(block(words_)),
        rows_(block(words_)) {
    gather(base_, bases, 2 * k_);
    gather(inverse_, inverses, k_);
    AlignedLimbs one(2 * k_), unit(k_);
    modulus_.set_one(one.data());
    unit[0] = 1;
    gather_same(power_, one.data(), 2 * k_);
    gather_same(inverse_power_, one.data(), k_);
    gather_same(unit_, unit.data(), k_);
    if (lanes_.constant != nullptr) gather_same(inverse_power_, modulus_.root().r(), k_);
  }

  /// base = b0 * (1 + m * log_of_base_ / R). The powers of b0 alone are pairs (Y0, Y1) that spell
  /// Y0 * (1 + m * Y1 / Y0), and inverse_power_ is 1 / Y0, times R for each division by R to come.
  void run() {
    lanes_.mod.mul(context_, log_of_base_.data(), high(base_), inverse_.data());
    for (std::size_t j = 0; j < tables_.plan_.entries(); ++j) {
      make_row();
      store(j);
      lanes_.add(context_, log_.data(), log_.data(), log_of_base_.data());
      Lines none;
      lanes_.pair_mul_digit(context_, power_.data(), power_.data(), base_.data(), none);
      lanes_.mod.mul(context_, inverse_power_.data(), inverse_power_.data(), inverse_.data());
    }
  }

 private:
  AlignedLimbs block(std::size_t words) const { return AlignedLimbs(words * lanes_.lanes); }
  const Limb* high(const AlignedLimbs& pair) const { return pair.data() + k_ * lanes_.lanes; }

  /// The row of power_. In Montgomery form, or, for kernels that multiply by constants, not.
  void make_row() {
    const std::size_t single = k_ * lanes_.lanes;
    Limb* const log = row_.data() + (words_ - k_) * lanes_.lanes;
    const AlignedLimbs* power = &power_;
    if (lanes_.constant != nullptr) {
      Lines none;
      lanes_.pair_mul_digit(context_, plain_.data(), power_.data(), unit_.data(), none);
      lanes_.constant->quotient(context_, row_.data() + single, power_.data());
      power = &plain_;
    }
    std::copy_n(power->data(), single, row_.data());
    lanes_.mod.mul(context_, log, high(*power), inverse_power_.data());
    lanes_.add(context_, log, log, log_.data());
  }

  void gather(AlignedLimbs& out, const AlignedLimbs& elements, std::size_t words) {
    for (std::size_t l = 0; l < lanes_.lanes; ++l) {
      sources_[l] = elements.data() + (first_ + std::min(l, count_ - 1)) * 2 * k_;
    }
    lanes_.gather(out.data(), sources_.data(), words);
  }

  void gather_same(AlignedLimbs& out, const Limb* element, std::size_t words) {
    sources_.fill(element);
    lanes_.gather(out.data(), sources_.data(), words);
  }

  void store(std::size_t j) {
    const bool in_place = tables_.order_ == Order::rows;
    const auto table = [this](std::size_t l) {
      return tables_.words_.data() + (first_ + l) * tables_.table_words();
    };
    std::array<Limb*, kMaxLanes> rows{};
    for (std::size_t l = 0; l < lanes_.lanes; ++l) {
      rows[l] = in_place && l < count_ ? table(l) + j * words_ : rows_.data() + l * words_;
    }
    lanes_.scatter(rows.data(), row_.data(), words_);
    if (in_place) return;
    for (std::size_t l = 0; l < count_; ++l) {
      for (std::size_t i = 0; i < words_; ++i) table(l)[i * tables_.plan_.entries() + j] = rows[l][i];
    }
  }

  WindowTables& tables_;
  const SquareModulus& modulus_;
  const DigitContext& context_;
  const LaneKernels& lanes_;
  std::size_t first_, count_, k_, words_;
  AlignedLimbs base_, inverse_, unit_, power_, inverse_power_, log_of_base_, log_, plain_, row_, rows_;
  std::array<const Limb*, kMaxLanes> sources_{};
};

/// The powers of up to kBatch exponents, a block of lanes at a time.
class WindowTables::Batch {
 public:
  Batch(const WindowTables& tables, Limb* out, const Limb* exponents, std::size_t count)
      : tables_(tables),
        context_(tables.modulus_->root().digits()),
        k_(context_.layout.count),
        words_(tables.row_words_),
        out_(out),
        exponents_(exponents),
        rows_(2 * words_ * kMaxLanes),
        spare_(2 * k_ * kMaxLanes) {
    AlignedLimbs one(2 * k_);
    tables.modulus_->set_one(one.data());
    std::array<const Limb*, kMaxLanes> ones;
    ones.fill(one.data());
    for (std::size_t first = 0; first < count;) {
      const LaneKernels& lanes = lanes_for(*context_.kernels, count - first);
      const std::size_t size = std::min(lanes.lanes, count - first);
      blocks_.push_back({&lanes, first, size, AlignedLimbs(spare_.size()), AlignedLimbs(k_ * lanes.lanes)});
      lanes.gather(blocks_.back().power.data(), ones.data(), 2 * k_);
      first += size;
    }
  }

  void run() {
    const WindowPlan& plan = tables_.plan_;
    for (std::size_t level = plan.levels; level-- > 0;) {
      if (level + 1 < plan.levels) square();
      for (std::size_t t = 0; t * plan.levels + level < plan.windows; ++t) {
        for (std::size_t b = 0; b < blocks_.size();) {
          const std::size_t found = look_up(b, t, level);
          // The tables are far larger than the cache: fetch the next rows while these are multiplied.
          Lines ahead;
          if (tables_.order_ == Order::rows) add_rows_after(ahead, b, t, level);
          for (std::size_t i = 0; i < found; ++i, ++b) {
            multiply(blocks_[b], rows_.data() + i * words_ * blocks_[b].lanes->lanes,
                     t == 0 && level + 1 == plan.levels, ahead);
          }
        }
      }
    }
    for (Block& block : blocks_) finish(block);
  }

 private:
  /// power * (1 + m * log) is the product of the rows so far.
  struct Block {
    const LaneKernels* lanes;
    std::size_t first, size;
    AlignedLimbs power, log;
  };

  // Idle lanes repeat the last exponent.
  const Limb* exponent(const Block& block, std::size_t lane) const {
    return exponents_ + (block.first + std::min(lane, block.size - 1)) * tables_.exponent_limbs();
  }
  const Limb* row(const Block& block, std::size_t lane, std::size_t t, std::size_t level) const {
    return tables_.table(t) + tables_.digit(exponent(block, lane), t * tables_.plan_.levels + level) * words_;
  }

  /// Fills rows_ for blocks from `b` on, and returns for how many: two, where one pass through a table serves
  /// both.
  std::size_t look_up(std::size_t b, std::size_t t, std::size_t level) {
    const Block& block = blocks_[b];
    const std::size_t lanes = block.lanes->lanes;
    if (tables_.order_ == Order::rows) {
      std::array<const Limb*, kMaxLanes> rows{};
      for (std::size_t l = 0; l < lanes; ++l) rows[l] = row(block, l, t, level);
      block.lanes->gather(rows_.data(), rows.data(), words_);
      return 1;
    }
    const std::size_t found = b + 1 < blocks_.size() && blocks_[b + 1].lanes == block.lanes ? 2 : 1;
    alignas(64) std::array<Limb, 2 * kMaxLanes> digits{};
    for (std::size_t i = 0; i < found * lanes; ++i) {
      digits[i] =
          tables_.digit(exponent(blocks_[b + i / lanes], i % lanes), t * tables_.plan_.levels + level);
    }
    block.lanes->pick(rows_.data(), tables_.table(t), tables_.plan_.entries(), words_, digits.data(), found);
    return found;
  }

  void add_rows_after(Lines& lines, std::size_t b, std::size_t t, std::size_t level) const {
    const bool same_table = b + 1 < blocks_.size();
    const Block& next = blocks_[same_table ? b + 1 : 0];
    if (!same_table && ++t * tables_.plan_.levels + level >= tables_.plan_.windows) {
      if (level == 0) return;
      t = 0;
      --level;
    }
    for (std::size_t l = 0; l < next.size; ++l) lines.add(row(next, l, t, level), words_);
  }

  /// A first row of constants multiplies one, which has the Montgomery form that the row has not.
  void multiply(Block& block, const Limb* row, bool is_first, Lines& ahead) {
    const LaneKernels& lanes = *block.lanes;
    const std::size_t single = k_ * lanes.lanes;
    if (is_first && lanes.constant == nullptr) {
      ahead.fetch_all();
      std::copy_n(row, single, block.power.data());
      std::fill_n(block.power.data() + single, single, Limb{0});
    } else if (lanes.constant != nullptr) {
      lanes.constant->pair_mul(context_, spare_.data(), block.power.data(), row, ahead);
      std::swap(block.power, spare_);
    } else {
      lanes.pair_mul_digit(context_, block.power.data(), block.power.data(), row, ahead);
    }
    lanes.add(context_, block.log.data(), block.log.data(), row + words_ * lanes.lanes - single);
  }

  void settle(Block& block) {
    if (block.lanes->constant != nullptr) block.lanes->constant->settle(context_, block.power.data());
  }

  void square() {
    for (Block& block : blocks_) {
      settle(block);
      for (unsigned i = 0; i < tables_.plan_.window; ++i) {
        block.lanes->pair.sqr(context_, block.power.data(), block.power.data());
        block.lanes->add(context_, block.log.data(), block.log.data(), block.log.data());
      }
    }
  }

  void finish(Block& block) {
    settle(block);
    const LaneKernels& lanes = *block.lanes;
    Limb* const high = rows_.data();
    lanes.mod.mul(context_, high, block.power.data(), block.log.data());
    lanes.add(context_, high, high, block.power.data() + k_ * lanes.lanes);
    AlignedLimbs nowhere(k_);
    std::array<Limb*, kMaxLanes> low_targets{}, high_targets{};
    for (std::size_t l = 0; l < lanes.lanes; ++l) {
      Limb* const element = out_ + (block.first + l) * 2 * k_;
      low_targets[l] = l < block.size ? element : nowhere.data();
      high_targets[l] = l < block.size ? element + k_ : nowhere.data();
    }
    lanes.scatter(low_targets.data(), block.power.data(), k_);
    lanes.scatter(high_targets.data(), high, k_);
  }

  const WindowTables& tables_;
  const DigitContext& context_;
  std::size_t k_, words_;
  Limb* out_;
  const Limb* exponents_;
  AlignedLimbs rows_;   // for two blocks
  AlignedLimbs spare_;  // as large as any block's power
  std::vector<Block> blocks_;
};

WindowTables::WindowTables(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
                           const WindowPlan& plan, Order order)
    : modulus_(&modulus),
      exponent_bits_(exponent_bits),
      row_words_(row_words(modulus)),
      plan_(plan),
      order_(order) {
  require(exponent_bits > 0, "fixed-base tables need exponents of at least one bit");
  require(order == Order::rows || (plan.window >= kLeastMaskedWindow && plan.window <= kMostMaskedWindow),
          "masked tables have windows of 4 to 7 bits");
  const std::size_t stride = modulus.stride(), tables = plan.tables();
  AlignedLimbs bases(tables * stride), inverses(tables * stride);
  std::copy_n(base, stride, bases.data());
  for (std::size_t t = 1; t < tables; ++t) {
    Limb* const current = bases.data() + t * stride;
    modulus.sqr(current, current - stride);
    for (std::size_t j = 1; j < plan.window * plan.levels; ++j) modulus.sqr(current, current);
  }
  modulus.invert(inverses.data(), bases.data(), tables);
  words_.resize(tables * table_words());
  const std::size_t lanes = modulus.root().digits().kernels->wide.lanes;
  parallel_for((tables + lanes - 1) / lanes, [&](std::size_t block) {
    const std::size_t first = block * lanes;
    Builder(*this, bases, inverses, first, std::min(lanes, tables - first)).run();
  });
}

std::size_t WindowTables::digit(const Limb* exponent, std::size_t window) const noexcept {
  const std::size_t from = window * plan_.window;
  const std::size_t width = std::min<std::size_t>(plan_.window, exponent_bits_ - from);
  return bits_at(LimbSpan(exponent, exponent_limbs()), from, static_cast<unsigned>(width));
}

void WindowTables::power(Limb* out, const Limb* exponents, std::size_t count) const {
  for (std::size_t first = 0; first < count; first += kBatch) {
    const std::size_t size = std::min(kBatch, count - first);
    Batch(*this, out + first * modulus_->stride(), exponents + first * exponent_limbs(), size).run();
  }
}

WindowPlan FixedBaseTable::best_plan(const SquareModulus& modulus, std::size_t exponent_bits,
                                     std::size_t max_bytes, std::size_t uses) {
  return cheapest_plan(cost_model(modulus, false), exponent_bits, 1, kMaxWindow, rows_in(max_bytes, modulus),
                       uses);
}

WindowPlan MaskedBaseTable::best_plan(const SquareModulus& modulus, std::size_t exponent_bits,
                                      std::size_t max_bytes, std::size_t uses) {
  return cheapest_plan(cost_model(modulus, true), exponent_bits, kLeastMaskedWindow, kMostMaskedWindow,
                       rows_in(max_bytes, modulus), uses);
}

}  // namespace isthmus::bigint
