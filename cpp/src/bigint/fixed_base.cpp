#include "isthmus/bigint/fixed_base.hpp"

#include <algorithm>
#include <array>
#include <limits>
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
// its lanes, so work that comes one element at a time counts for as many. Reading all rows of a table, in
// every backend, takes about entries / k of these.
struct CostModel {
  std::size_t lanes;
  double scan;  // per row that a look-up reads

  double of_power(const WindowPlan& plan) const {
    const double look_up = scan * static_cast<double>(plan.entries());
    return (8.0 + look_up) * static_cast<double>(plan.windows) +        // 4 k^2 a product with a row
           7.0 * static_cast<double>(plan.window * (plan.levels - 1));  // 3.5 k^2 a squaring
  }
  double of_tables(const WindowPlan& plan) const {
    const std::size_t tables = plan.tables(), in_lanes = (tables + lanes - 1) / lanes * lanes;
    const std::size_t squarings = (tables - 1) * plan.window * plan.levels * lanes;
    // A row takes 8 k^2, an inverse three products of 5 k^2.
    return static_cast<double>(in_lanes * (16 * plan.entries() + 30) + 7 * squarings);
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

std::size_t lanes_of(const SquareModulus& modulus) { return modulus.root().digits().kernels->wide.lanes; }
std::size_t rows_in(std::size_t bytes, const SquareModulus& modulus) {
  return bytes / (modulus.stride() * sizeof(Limb));
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
        base_(block(2 * k_)),
        inverse_(block(k_)),
        power_(block(2 * k_)),
        inverse_power_(block(k_)),
        log_of_base_(block(k_)),
        log_(block(k_)),
        row_log_(block(k_)),
        row_(lanes_.lanes * 2 * k_) {
    gather(base_, bases, 2 * k_);
    gather(inverse_, inverses, k_);
    AlignedLimbs one(2 * k_);
    modulus_.set_one(one.data());
    for (std::size_t l = 0; l < lanes_.lanes; ++l) sources_[l] = one.data();
    lanes_.gather(power_.data(), sources_.data(), 2 * k_);
    lanes_.gather(inverse_power_.data(), sources_.data(), k_);
  }

  /// base = b0 * (1 + m * log_of_base_). The powers of b0 alone are pairs (Y0, Y1) that spell
  /// Y0 * (1 + m * Y1 / Y0), and inverse_power_ is 1 / Y0 times R.
  void run() {
    lanes_.mod.mul(context_, log_of_base_.data(), high(base_), inverse_.data());
    for (std::size_t j = 0; j < tables_.plan_.entries(); ++j) {
      lanes_.mod.mul(context_, row_log_.data(), high(power_), inverse_power_.data());
      lanes_.add(context_, row_log_.data(), row_log_.data(), log_.data());
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

  void gather(AlignedLimbs& out, const AlignedLimbs& elements, std::size_t words) {
    for (std::size_t l = 0; l < lanes_.lanes; ++l) {
      sources_[l] = elements.data() + (first_ + std::min(l, count_ - 1)) * 2 * k_;
    }
    lanes_.gather(out.data(), sources_.data(), words);
  }

  void store(std::size_t j) {
    const bool in_place = tables_.order_ == Order::rows;
    const auto table = [this](std::size_t l) {
      return tables_.words_.data() + (first_ + l) * tables_.table_words();
    };
    const auto row = [&](std::size_t l) {
      return in_place && l < count_ ? table(l) + j * 2 * k_ : row_.data() + l * 2 * k_;
    };
    std::array<Limb*, kMaxLanes> low_targets{}, high_targets{};
    for (std::size_t l = 0; l < lanes_.lanes; ++l) {
      low_targets[l] = row(l);
      high_targets[l] = row(l) + k_;
    }
    lanes_.scatter(low_targets.data(), power_.data(), k_);
    lanes_.scatter(high_targets.data(), row_log_.data(), k_);
    if (in_place) return;
    for (std::size_t l = 0; l < count_; ++l) {
      for (std::size_t i = 0; i < 2 * k_; ++i) table(l)[i * tables_.plan_.entries() + j] = row(l)[i];
    }
  }

  WindowTables& tables_;
  const SquareModulus& modulus_;
  const DigitContext& context_;
  const LaneKernels& lanes_;
  std::size_t first_, count_, k_;
  AlignedLimbs base_, inverse_, power_, inverse_power_, log_of_base_, log_, row_log_, row_;
  std::array<const Limb*, kMaxLanes> sources_{};
};

/// The powers of up to kBatch exponents, a block of lanes at a time.
class WindowTables::Batch {
 public:
  Batch(const WindowTables& tables, Limb* out, const Limb* exponents, std::size_t count)
      : tables_(tables),
        context_(tables.modulus_->root().digits()),
        k_(context_.layout.count),
        out_(out),
        exponents_(exponents),
        rows_(2 * 2 * k_ * kMaxLanes) {
    for (std::size_t first = 0; first < count;) {
      const LaneKernels& lanes = lanes_for(*context_.kernels, count - first);
      const std::size_t size = std::min(lanes.lanes, count - first);
      blocks_.push_back(
          {&lanes, first, size, AlignedLimbs(2 * k_ * lanes.lanes), AlignedLimbs(k_ * lanes.lanes)});
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
            multiply(blocks_[b], rows_.data() + i * 2 * k_ * blocks_[b].lanes->lanes,
                     t == 0 && level + 1 == plan.levels, ahead);
          }
        }
      }
    }
    for (const Block& block : blocks_) finish(block);
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
    return tables_.table(t) + tables_.digit(exponent(block, lane), t * tables_.plan_.levels + level) * 2 * k_;
  }

  /// Fills rows_ for blocks from `b` on, and returns for how many: two, where one pass through a table serves
  /// both.
  std::size_t look_up(std::size_t b, std::size_t t, std::size_t level) {
    const Block& block = blocks_[b];
    const std::size_t lanes = block.lanes->lanes;
    if (tables_.order_ == Order::rows) {
      std::array<const Limb*, kMaxLanes> rows{};
      for (std::size_t l = 0; l < lanes; ++l) rows[l] = row(block, l, t, level);
      block.lanes->gather(rows_.data(), rows.data(), 2 * k_);
      return 1;
    }
    const std::size_t found = b + 1 < blocks_.size() && blocks_[b + 1].lanes == block.lanes ? 2 : 1;
    alignas(64) std::array<Limb, 2 * kMaxLanes> digits{};
    for (std::size_t i = 0; i < found * lanes; ++i) {
      digits[i] =
          tables_.digit(exponent(blocks_[b + i / lanes], i % lanes), t * tables_.plan_.levels + level);
    }
    block.lanes->pick(rows_.data(), tables_.table(t), tables_.plan_.entries(), 2 * k_, digits.data(), found);
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
    for (std::size_t l = 0; l < next.size; ++l) lines.add(row(next, l, t, level), 2 * k_);
  }

  void multiply(Block& block, const Limb* row, bool is_first, Lines& ahead) {
    const LaneKernels& lanes = *block.lanes;
    const std::size_t single = k_ * lanes.lanes;
    if (is_first) {
      ahead.fetch_all();
      std::copy_n(row, single, block.power.data());
      std::copy_n(row + single, single, block.log.data());
      return;
    }
    lanes.pair_mul_digit(context_, block.power.data(), block.power.data(), row, ahead);
    lanes.add(context_, block.log.data(), block.log.data(), row + single);
  }

  void square() {
    for (Block& block : blocks_) {
      for (unsigned i = 0; i < tables_.plan_.window; ++i) {
        block.lanes->pair.sqr(context_, block.power.data(), block.power.data());
        block.lanes->add(context_, block.log.data(), block.log.data(), block.log.data());
      }
    }
  }

  void finish(const Block& block) {
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
  std::size_t k_;
  Limb* out_;
  const Limb* exponents_;
  AlignedLimbs rows_;  // for two blocks
  std::vector<Block> blocks_;
};

WindowTables::WindowTables(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
                           const WindowPlan& plan, Order order)
    : modulus_(&modulus), exponent_bits_(exponent_bits), plan_(plan), order_(order) {
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
  return cheapest_plan({lanes_of(modulus), 0}, exponent_bits, 1, kMaxWindow, rows_in(max_bytes, modulus),
                       uses);
}

WindowPlan MaskedBaseTable::best_plan(const SquareModulus& modulus, std::size_t exponent_bits,
                                      std::size_t max_bytes, std::size_t uses) {
  const double scan = 2.0 / static_cast<double>(modulus.stride());
  return cheapest_plan({lanes_of(modulus), scan}, exponent_bits, kLeastMaskedWindow, kMostMaskedWindow,
                       rows_in(max_bytes, modulus), uses);
}

}  // namespace isthmus::bigint
