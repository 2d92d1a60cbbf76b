#include "isthmus/aggregate/grouping.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace isthmus::aggregate {
namespace {

// Sorting one row of one group takes about this share of a product, wherever the elements lie.
constexpr double kSortShare = 0.02;
constexpr std::size_t kStatisticsRows = 1024;  // enough to see how evenly a column spreads
constexpr std::size_t kMinSample = 1024;       // fewer rows say nothing about joint cells
constexpr std::size_t kMaxSample = 8192;
constexpr double kSampleBudget = 1;  // sampled labels that planning may read for each expected product

// Cells that `rows` rows are expected to occupy when they fall on `cells` equally likely ones.
double occupied_cells(double rows, double cells) { return -cells * std::expm1(-rows / cells); }

// Products that sum the cells of `columns` uniform columns out into their single columns.
double uniform_marginals(double rows, std::size_t columns, double radix) {
  if (columns == 1) return 0;
  const std::size_t upper = columns / 2;
  const std::size_t lower = columns - upper;
  const auto occupied = [&](std::size_t c) {
    return occupied_cells(rows, std::pow(radix, static_cast<double>(c)));
  };
  return 2 * occupied(columns) - occupied(upper) - occupied(lower) + uniform_marginals(rows, upper, radix) +
         uniform_marginals(rows, lower, radix);
}

// What is known of one column by itself.
struct ColumnShape {
  double radix;
  double effective;  // exp(entropy): so many equally likely labels would spread as widely
  double ignored;    // share of the rows with the ignored label
};

ColumnShape shape_of(std::span<const std::uint32_t> labels, std::uint32_t radix, std::uint32_t ignored) {
  std::vector<std::uint32_t> counts(radix);
  for (const std::uint32_t label : labels) ++counts[label];
  const auto rows = static_cast<double>(std::max<std::size_t>(labels.size(), 1));
  double entropy = 0;
  std::size_t seen = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    entropy -= count / rows * std::log(count / rows);
    ++seen;
  }
  if (seen > 1) entropy += static_cast<double>(seen - 1) / (2 * rows);  // Miller and Madow's correction
  return {static_cast<double>(radix), std::clamp(std::exp(entropy), 1.0, static_cast<double>(radix)),
          ignored == kNoLabel ? 0 : counts[ignored] / rows};
}

// Occupied joint cells and rows that are kept, as a sample shows them.
struct Occupancy {
  double cells;
  double kept;
};

class CostModel {
 public:
  CostModel(const LabelColumns& columns, std::size_t max_cells)
      : columns_(columns),
        rows_(static_cast<double>(columns.rows())),
        max_cells_(static_cast<double>(max_cells)) {
    const std::size_t size = std::min(columns.rows(), kStatisticsRows);
    const LabelSample sample = columns.sample(sample_positions(columns.rows(), size));
    for (std::size_t c = 0; c < columns.columns(); ++c) {
      shapes_.push_back(shape_of(sample.column(c), columns.radices[c], columns.ignored[c]));
      if (const double share = columns.ignored_share(c); share >= 0) shapes_.back().ignored = share;
    }
  }

  const ColumnShape& shape(std::size_t c) const { return shapes_[c]; }

  // Whether keys fit in 32 bits and the table in memory.
  bool is_possible(const ColumnGroup& group) const {
    double cells = 1;
    for (const std::uint32_t c : group) cells *= shapes_[c].radix;
    return group.size() == 1 ||
           (cells <= std::numeric_limits<std::uint32_t>::max() && std::min(cells, rows_) <= max_cells_);
  }

  // Expected products of one group; `seen` replaces what independent columns would occupy.
  double products(std::span<const std::uint32_t> group, std::optional<Occupancy> seen = std::nullopt) const {
    const double kept = seen ? seen->kept : kept_rows(group);
    const double cells = seen ? seen->cells : occupied(group);
    return kSortShare * rows_ + std::max(kept - cells, 0.0) + marginals(group, cells);
  }

  // The same if no row were left out.
  double products_of_all_rows(std::span<const std::uint32_t> group) const {
    return products(group, Occupancy{occupied(group), rows_});
  }

  double total(const std::vector<ColumnGroup>& groups) const {
    double sum = 0;
    for (const ColumnGroup& group : groups) sum += products(group);
    return sum;
  }

 private:
  double kept_rows(std::span<const std::uint32_t> group) const {
    double all_ignored = 1;
    for (const std::uint32_t c : group) all_ignored *= shapes_[c].ignored;
    return rows_ * (1 - all_ignored);
  }

  double effective_cells(std::span<const std::uint32_t> group) const {
    double cells = 1;
    for (const std::uint32_t c : group) cells *= shapes_[c].effective;
    return cells;
  }

  double occupied(std::span<const std::uint32_t> group) const {
    return occupied_cells(kept_rows(group), effective_cells(group));
  }

  double marginals(std::span<const std::uint32_t> group, double cells) const {
    if (group.size() == 1) return 0;
    const std::size_t lower = group.size() - group.size() / 2;
    double sum = 0;
    for (const auto& half : {group.first(lower), group.subspan(lower)}) {
      const double within = std::min(occupied(half), cells);
      const bool ignores = columns_.ignored[half.front()] != kNoLabel;
      sum += std::max(cells - (ignores ? cells / effective_cells(half) : 0) - within, 0.0);
      sum += marginals(half, within);
    }
    return sum;
  }

  const LabelColumns& columns_;
  double rows_;
  double max_cells_;
  std::vector<ColumnShape> shapes_;
};

// Cells of the population, from a sample of `rows` rows with `distinct` keys, `once` of which occur once.
// The larger of two guesses that err on the low side: equally likely cells, as many as give the sample's
// distinct keys, and the guaranteed-error estimator for skewed ones.
double estimate_cells(double rows, double distinct, double once, double population) {
  double fewest = distinct, most = std::max(2 * rows * rows, population);
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(fewest * most);
    (occupied_cells(rows, middle) < distinct ? fewest : most) = middle;
  }
  const double skewed = distinct - once + once * std::sqrt(population / rows);
  return std::clamp(std::max(occupied_cells(population, most), skewed), distinct, population);
}

// How often keys occur in a sample: open addressing, emptied by starting a new epoch.
class KeyCounter {
 public:
  explicit KeyCounter(std::size_t most_keys) : slots_(std::bit_ceil(4 * most_keys + 4)) {}

  void clear() noexcept { ++epoch_; }

  // Counts the key; returns how often it was counted before.
  std::uint32_t count(std::uint32_t key) noexcept {
    std::size_t i = key * std::size_t{0x9e3779b97f4a7c15U} >> 32;
    for (;; ++i) {
      Slot& slot = slots_[i &= slots_.size() - 1];
      if (slot.epoch != epoch_) slot = {key, epoch_, 0};
      if (slot.key == key) return slot.count++;
    }
  }

 private:
  struct Slot {
    std::uint32_t key, epoch = 0, count;
  };
  std::vector<Slot> slots_;
  std::uint32_t epoch_ = 1;
};

// Grows groups around columns that occupy few joint cells together, as a sample shows them.
class SampledGrouping {
 public:
  SampledGrouping(const LabelColumns& columns, const CostModel& model, std::size_t sample_rows)
      : columns_(columns),
        model_(model),
        sample_(columns.sample(sample_positions(columns.rows(), sample_rows))),
        counter_(sample_rows) {}

  double products(const ColumnGroup& group) {
    std::vector<std::uint32_t> keys(sample_.rows);
    std::uint32_t scale = 1;
    for (const std::uint32_t c : group) {
      add_column(keys, c, scale);
      scale *= columns_.radices[c];
    }
    return model_.products(group, occupancy(keys, ignored_key(group)));
  }

  double total(const std::vector<ColumnGroup>& groups) {
    double sum = 0;
    for (const ColumnGroup& group : groups) sum += products(group);
    return sum;
  }

  // From the column that spreads widest: adds the column that makes the group cheapest against its columns
  // one by one, as long as one does.
  std::vector<ColumnGroup> grow(std::vector<std::uint32_t> columns) {
    std::vector<double> alone(columns_.columns());
    for (const std::uint32_t c : columns) alone[c] = products({c});
    std::vector<ColumnGroup> groups;
    while (!columns.empty()) {
      ColumnGroup group{columns.front()};
      columns.erase(columns.begin());
      double separate = alone[group.front()], joint = separate;
      while (true) {
        auto best = columns.end();
        double best_joint = 0, best_ratio = joint / separate;
        for (auto c = columns.begin(); c != columns.end(); ++c) {
          group.push_back(*c);
          if (model_.is_possible(group)) {
            const double cost = products(group);
            if (const double ratio = cost / (separate + alone[*c]); ratio < best_ratio) {
              best = c, best_joint = cost, best_ratio = ratio;
            }
          }
          group.pop_back();
        }
        if (best == columns.end()) break;
        joint = best_joint;
        separate += alone[*best];
        group.push_back(*best);
        columns.erase(best);
      }
      groups.push_back(std::move(group));
    }
    return groups;
  }

 private:
  void add_column(std::vector<std::uint32_t>& keys, std::uint32_t column, std::uint32_t scale) const {
    const auto labels = sample_.column(column);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] += labels[i] * scale;
  }

  std::optional<std::uint32_t> ignored_key(const ColumnGroup& group) const {
    std::uint32_t key = 0, scale = 1;
    for (const std::uint32_t c : group) {
      if (columns_.ignored[c] == kNoLabel) return std::nullopt;
      key += columns_.ignored[c] * scale;
      scale *= columns_.radices[c];
    }
    return key;
  }

  Occupancy occupancy(const std::vector<std::uint32_t>& keys, std::optional<std::uint32_t> ignored) {
    std::size_t kept = 0, distinct = 0, once = 0;
    counter_.clear();
    for (const std::uint32_t key : keys) {
      if (key == ignored) continue;
      ++kept;
      const std::uint32_t before = counter_.count(key);
      distinct += before == 0 ? 1 : 0;
      once += before == 0 ? 1 : 0;
      once -= before == 1 ? 1 : 0;
    }
    if (kept == 0) return {0, 0};
    const double population =
        static_cast<double>(columns_.rows()) * static_cast<double>(kept) / static_cast<double>(keys.size());
    return {estimate_cells(static_cast<double>(kept), static_cast<double>(distinct),
                           static_cast<double>(once), population),
            population};
  }

  const LabelColumns& columns_;
  const CostModel& model_;
  LabelSample sample_;
  KeyCounter counter_;
};

// Columns dealt out, widest first, each to the group that spreads least so far; within a group they ascend,
// so that the upper half, which is the smaller, holds the widest.
std::vector<ColumnGroup> deal(const std::vector<std::uint32_t>& widest_first, const CostModel& model,
                              std::size_t groups) {
  std::vector<ColumnGroup> result(groups);
  std::vector<std::pair<double, std::size_t>> spread(groups);  // a heap: the least at the front
  for (std::size_t g = 0; g < groups; ++g) spread[g] = {0, g};
  const auto more = [](const auto& a, const auto& b) { return a > b; };
  for (const std::uint32_t c : widest_first) {
    std::pop_heap(spread.begin(), spread.end(), more);
    result[spread.back().second].push_back(c);
    spread.back().first += std::log(model.shape(c).effective) + 1e-3;
    std::push_heap(spread.begin(), spread.end(), more);
  }
  for (ColumnGroup& group : result) std::reverse(group.begin(), group.end());
  return result;
}

// Rows of a sample whose reading costs little against the products that are to come; 0 for none.
std::size_t affordable_sample(const LabelColumns& columns, double products) {
  const auto evaluations = static_cast<double>(columns.columns() * columns.columns());
  const double rows = std::min(kSampleBudget * products / std::max(evaluations, 1.0),
                               static_cast<double>(std::min(columns.rows(), kMaxSample)));
  return rows < kMinSample ? 0 : static_cast<std::size_t>(rows);
}

std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

std::vector<std::uint32_t> sample_positions(std::size_t population, std::size_t size) {
  std::vector<std::uint32_t> positions(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t begin = i * population / size, end = (i + 1) * population / size;
    positions[i] = static_cast<std::uint32_t>(begin + mix(i + 1) % (end - begin));
  }
  return positions;
}

double joint_products(std::size_t rows, std::size_t columns, std::size_t radix) {
  const auto n = static_cast<double>(rows), r = static_cast<double>(radix);
  return n - occupied_cells(n, std::pow(r, static_cast<double>(columns))) + uniform_marginals(n, columns, r);
}

double uniform_products(std::size_t rows, std::size_t columns, std::size_t radix, std::size_t max_cells) {
  double best = static_cast<double>(columns) * joint_products(rows, 1, radix);
  double cells = static_cast<double>(radix);
  for (std::size_t largest = 2; largest <= columns; ++largest) {
    cells *= static_cast<double>(radix);
    if (cells > std::numeric_limits<std::uint32_t>::max()) break;
    if (std::min(cells, static_cast<double>(rows)) > static_cast<double>(max_cells)) break;
    const std::size_t groups = (columns + largest - 1) / largest;
    const std::size_t small = columns / groups;
    const auto large_groups = static_cast<double>(columns % groups);
    const double products =
        (static_cast<double>(groups) - large_groups) * joint_products(rows, small, radix) +
        large_groups * joint_products(rows, small + 1, radix);
    if (products > 2 * best) break;
    best = std::min(best, products);
  }
  return best;
}

// What joining columns must leave of the products: where nearly every row has a cell of its own it saves next
// to nothing, and its cells take memory and time, and crowd out other groups of a batch.
constexpr double kWorthwhile = 0.97;

GroupingPlan plan_groups(const LabelColumns& columns, std::size_t max_cells) {
  if (columns.columns() == 0) return {};
  const CostModel model(columns, max_cells);
  std::vector<std::uint32_t> widest_first(columns.columns());
  std::iota(widest_first.begin(), widest_first.end(), 0U);
  std::stable_sort(widest_first.begin(), widest_first.end(), [&](std::uint32_t a, std::uint32_t b) {
    return model.shape(a).effective > model.shape(b).effective;
  });
  GroupingPlan best;
  std::size_t last_groups = 0;
  for (std::size_t largest = 1; largest <= columns.columns(); ++largest) {
    const std::size_t groups = (columns.columns() + largest - 1) / largest;
    if (groups == last_groups) continue;
    last_groups = groups;
    std::vector<ColumnGroup> dealt = deal(widest_first, model, groups);
    if (!std::all_of(dealt.begin(), dealt.end(), [&](const auto& g) { return model.is_possible(g); })) break;
    const double products = model.total(dealt);
    if (largest > 1 && products > 2 * best.products) break;
    if (largest == 1 || products < kWorthwhile * best.products) best = {std::move(dealt), products};
  }
  const std::size_t sample_rows = affordable_sample(columns, best.products);
  if (columns.columns() == 1 || sample_rows == 0 || columns.ignored_share(0) >= 0) return best;
  SampledGrouping sampled(columns, model, sample_rows);
  best.products = sampled.total(best.groups);
  std::vector<ColumnGroup> grown = sampled.grow(widest_first);
  const double products = sampled.total(grown);
  if (products < kWorthwhile * best.products) best = {std::move(grown), products};
  return best;
}

std::vector<double> ignored_savings(const LabelColumns& columns, const std::vector<ColumnGroup>& groups) {
  const CostModel model(columns, std::numeric_limits<std::uint32_t>::max());
  std::vector<double> savings;
  for (const ColumnGroup& group : groups) {
    savings.push_back(model.products_of_all_rows(group) - model.products(group));
  }
  return savings;
}

}  // namespace isthmus::aggregate
