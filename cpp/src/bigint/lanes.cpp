#include "lanes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "exponentiate.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kBlockWords = kMaxDigits * kMaxLanes;

// Words per lane of the operands of a product; b has none when it is squared.
struct Widths {
  std::size_t out, a, b;
};

using Sources = std::array<const Limb*, kMaxLanes>;
using Targets = std::array<Limb*, kMaxLanes>;

// What the tasks read.
void add_operands(Lines& lines, std::span<const MulTask> tasks, const Widths& widths) noexcept {
  for (const MulTask& task : tasks) {
    lines.add(task.a, widths.a);
    lines.add(task.b, widths.b);
  }
}

// One block of at most lanes.lanes tasks; idle lanes repeat the first task and write nowhere. Places of the
// results and the operands of the next block are fetched while the product is formed.
template <class Product>
void run_block(const LaneKernels& lanes, std::span<const MulTask> tasks, std::span<const MulTask> next,
               const Widths& widths, const Product& product) noexcept {
  alignas(64) Limb out[kBlockWords], a[kBlockWords], b[kBlockWords];
  Limb nowhere[kMaxDigits];
  Sources from_a, from_b;
  Targets to;
  Lines ahead;
  for (std::size_t l = 0; l < lanes.lanes; ++l) {
    const MulTask& task = tasks[l < tasks.size() ? l : 0];
    from_a[l] = task.a;
    from_b[l] = task.b;
    to[l] = l < tasks.size() ? task.out : nowhere;
    ahead.add(to[l], widths.out);
  }
  add_operands(ahead, next, widths);
  lanes.gather(a, from_a.data(), widths.a);
  if (widths.b != 0) lanes.gather(b, from_b.data(), widths.b);
  product(lanes, out, a, b, ahead);
  lanes.scatter(to.data(), out, widths.out);
}

template <class Product>
void run(const KernelTable& table, std::span<const MulTask> tasks, const Widths& widths,
         const Product& product) noexcept {
  while (!tasks.empty()) {
    const LaneKernels& lanes = lanes_for(table, tasks.size());
    const std::size_t size = std::min(lanes.lanes, tasks.size());
    const std::span<const MulTask> later = tasks.subspan(size);
    const std::span<const MulTask> next = later.first(std::min(later.size(), lanes.lanes));
    if (lanes.lanes == 1) {  // an element is a block
      Lines ahead;
      add_operands(ahead, next, widths);
      product(lanes, tasks[0].out, tasks[0].a, tasks[0].b, ahead);
    } else {
      run_block(lanes, tasks.first(size), next, widths, product);
    }
    tasks = later;
  }
}

// Exponentiation of the bases in one block.
class BlockPower {
 public:
  BlockPower(const LaneRing& ring, const LaneKernels& lanes, std::size_t exponent_bits)
      : ring_(ring),
        lanes_(lanes),
        kernels_(lanes.*ring.kernels),
        block_(ring.words * lanes.lanes),
        window_(std::min(window_bits(exponent_bits), 5U)),  // scans make wider tables dearer than they save
        windows_((exponent_bits + window_ - 1) / window_),
        table_(block_ << window_),
        power_(block_),
        picked_(block_) {}

  void run(const Limb* one, const Limb* const* base, Limb* const* out, LimbSpan exponent) {
    Sources ones;
    ones.fill(one);
    lanes_.gather(entry(0), ones.data(), ring_.words);
    lanes_.gather(entry(1), base, ring_.words);
    for (std::size_t e = 2; e < entries(); ++e) {
      if (e % 2 == 0) {
        kernels_.sqr(ring_.context, entry(e), entry(e / 2));
      } else {
        kernels_.mul(ring_.context, entry(e), entry(e - 1), entry(1));
      }
    }
    lanes_.select(selection(power_, exponent, windows_ - 1));
    for (std::size_t window = windows_ - 1; window-- > 0;) {
      square_and_select(selection(picked_, exponent, window));
      kernels_.mul(ring_.context, power_.data(), power_.data(), picked_.data());
    }
    lanes_.scatter(out, power_.data(), ring_.words);
  }

 private:
  std::size_t entries() const { return std::size_t{1} << window_; }
  Limb* entry(std::size_t e) { return table_.data() + e * block_; }
  Selection selection(AlignedLimbs& out, LimbSpan exponent, std::size_t window) {
    return {out.data(), table_.data(), entries(), ring_.words, bits_at(exponent, window * window_, window_)};
  }
  void square_and_select(const Selection& next) {
    if (lanes_.pair_sqr_select != nullptr && ring_.kernels == &LaneKernels::pair) {
      lanes_.pair_sqr_select(ring_.context, power_.data(), window_, next);
      return;
    }
    for (unsigned i = 0; i < window_; ++i) kernels_.sqr(ring_.context, power_.data(), power_.data());
    lanes_.select(next);
  }

  const LaneRing& ring_;
  const LaneKernels& lanes_;
  const RingKernels& kernels_;
  std::size_t block_;  // words
  unsigned window_;
  std::size_t windows_;
  AlignedLimbs table_, power_, picked_;
};

// Exponentiations by public exponents, side by side: at every bit all are squared, and those whose window
// ends there are multiplied.
class SlidingPowers {
 public:
  SlidingPowers(const LaneRing& ring, const Limb* base, std::size_t count, LimbSpan exponents)
      : ring_(ring), elements_(count) {
    const std::size_t width = exponents.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
      elements_[i].exponent = exponents.subspan(i * width, width);
      elements_[i].bits = bit_length(elements_[i].exponent);
      bits_ = std::max(bits_, elements_[i].bits);
    }
    window_ = window_bits(bits_);
    odd_.resize((count << (window_ - 1)) * ring.words);
    fill_odd_powers(base);
  }

  void run(const Limb* one, Limb* out) {
    for (std::size_t i = 0; i < elements_.size(); ++i) {
      elements_[i].power = std::copy_n(one, ring_.words, out + i * ring_.words) - ring_.words;
      next_window(elements_[i], elements_[i].bits);
    }
    for (std::size_t bit = bits_; bit-- > 0;) {
      tasks_.clear();
      for (const Element& e : elements_) {
        if (e.started) tasks_.push_back({e.power, e.power, nullptr});
      }
      square(ring_, tasks_);
      multiply_windows(bit);
    }
  }

 private:
  struct Element {
    LimbSpan exponent;
    std::size_t bits = 0;
    Limb* power = nullptr;
    bool started = false;
    bool waiting = false;        // for the end of a window
    std::size_t window_end = 0;  // its lowest bit
    std::size_t digit = 0;       // odd
  };

  Limb* odd_power(std::size_t i, std::size_t exponent) {
    return odd_.data() + ((i << (window_ - 1)) + exponent / 2) * ring_.words;
  }

  void fill_odd_powers(const Limb* base) {
    const std::size_t count = elements_.size();
    AlignedLimbs squares(window_ > 1 ? count * ring_.words : 0);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(base + i * ring_.words, ring_.words, odd_power(i, 1));
      if (window_ > 1) tasks_.push_back({squares.data() + i * ring_.words, odd_power(i, 1), nullptr});
    }
    square(ring_, tasks_);
    for (std::size_t e = 3; e < std::size_t{1} << window_; e += 2) {
      tasks_.clear();
      for (std::size_t i = 0; i < count; ++i) {
        tasks_.push_back({odd_power(i, e), odd_power(i, e - 2), squares.data() + i * ring_.words});
      }
      multiply(ring_, tasks_);
    }
  }

  // The window that starts at the highest one below bit `from`.
  void next_window(Element& e, std::size_t from) {
    while (from > 0 && bits_at(e.exponent, from - 1, 1) == 0) --from;
    e.waiting = from > 0;
    if (!e.waiting) return;
    e.window_end = from > window_ ? from - window_ : 0;
    while (bits_at(e.exponent, e.window_end, 1) == 0) ++e.window_end;
    e.digit = bits_at(e.exponent, e.window_end, static_cast<unsigned>(from - e.window_end));
  }

  void multiply_windows(std::size_t bit) {
    tasks_.clear();
    for (std::size_t i = 0; i < elements_.size(); ++i) {
      Element& e = elements_[i];
      if (!e.waiting || e.window_end != bit) continue;
      const Limb* const odd = odd_power(i, e.digit);
      if (e.started) {
        tasks_.push_back({e.power, e.power, odd});
      } else {
        std::copy_n(odd, ring_.words, e.power);
        e.started = true;
      }
      next_window(e, bit);
    }
    multiply(ring_, tasks_);
  }

  const LaneRing& ring_;
  std::vector<Element> elements_;
  std::size_t bits_ = 0;
  unsigned window_ = 1;
  AlignedLimbs odd_;
  std::vector<MulTask> tasks_;
};

}  // namespace

void multiply(const LaneRing& ring, std::span<const MulTask> tasks) noexcept {
  const bool pairs = ring.kernels == &LaneKernels::pair;
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
    if (pairs) return lanes.pair_mul_ahead(ring.context, out, a, b, ahead);
    ahead.fetch_all();
    lanes.mod.mul(ring.context, out, a, b);
  };
  run(*ring.context.kernels, tasks, {ring.words, ring.words, ring.words}, product);
}

void square(const LaneRing& ring, std::span<const MulTask> tasks) noexcept {
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb*, Lines& ahead) {
    ahead.fetch_all();
    (lanes.*ring.kernels).sqr(ring.context, out, a);
  };
  run(*ring.context.kernels, tasks, {ring.words, ring.words, 0}, product);
}

void multiply_digit(const DigitContext& context, std::span<const MulTask> tasks) noexcept {
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
    lanes.pair_mul_digit(context, out, a, b, ahead);
  };
  const std::size_t k = context.layout.count;
  run(*context.kernels, tasks, {2 * k, 2 * k, k}, product);
}

void power(const LaneRing& ring, const Limb* one, Limb* out, const Limb* base, std::size_t count,
           LimbSpan exponent, std::size_t exponent_bits) {
  if (exponent_bits == 0) {
    for (std::size_t i = 0; i < count; ++i) std::copy_n(one, ring.words, out + i * ring.words);
    return;
  }
  const LaneKernels *const wide = &ring.context.kernels->wide, *const narrow = &ring.context.kernels->narrow;
  AlignedLimbs nowhere(ring.words);
  std::optional<BlockPower> block;
  const LaneKernels* lanes = nullptr;
  for (std::size_t first = 0; first < count; first += lanes->lanes) {
    const LaneKernels* const next = count - first > narrow->lanes ? wide : narrow;
    if (next != lanes) block.emplace(ring, *next, exponent_bits);
    lanes = next;
    Sources from;
    Targets to;
    for (std::size_t l = 0; l < lanes->lanes; ++l) {
      const std::size_t i = first + l;
      from[l] = base + (i < count ? i : first) * ring.words;
      to[l] = i < count ? out + i * ring.words : nowhere.data();
    }
    block->run(one, from.data(), to.data(), exponent);
  }
}

void power_vartime(const LaneRing& ring, const Limb* one, Limb* out, const Limb* base, std::size_t count,
                   LimbSpan exponents) {
  constexpr std::size_t kBatch = 64;
  const std::size_t width = count == 0 ? 0 : exponents.size() / count;
  for (std::size_t first = 0; first < count; first += kBatch) {
    const std::size_t size = std::min(kBatch, count - first);
    SlidingPowers(ring, base + first * ring.words, size, exponents.subspan(first * width, size * width))
        .run(one, out + first * ring.words);
  }
}

}  // namespace isthmus::bigint
