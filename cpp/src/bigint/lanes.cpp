#include "lanes.hpp"

#include <algorithm>
#include <array>

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

const LaneKernels& lanes_for(const KernelTable& table, std::size_t elements) noexcept {
  return elements > table.narrow.lanes ? table.wide : table.narrow;
}

void prefetch(const Limb* words, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += 8) __builtin_prefetch(words + i);
}

void prefetch(std::span<const MulTask> tasks, const Widths& widths) noexcept {
  for (const MulTask& task : tasks) {
    prefetch(task.a, widths.a);
    prefetch(task.b, widths.b);
  }
}

// One block of at most lanes.lanes tasks; idle lanes repeat the first task and write nowhere.
template <class Product>
void run_block(const LaneKernels& lanes, std::span<const MulTask> tasks, const Widths& widths,
               const Product& product) noexcept {
  alignas(64) Limb out[kBlockWords], a[kBlockWords], b[kBlockWords];
  Limb nowhere[kMaxDigits];
  Sources from_a, from_b;
  Targets to;
  for (std::size_t l = 0; l < lanes.lanes; ++l) {
    const MulTask& task = tasks[l < tasks.size() ? l : 0];
    from_a[l] = task.a;
    from_b[l] = task.b;
    to[l] = l < tasks.size() ? task.out : nowhere;
  }
  lanes.gather(a, from_a.data(), widths.a);
  if (widths.b != 0) lanes.gather(b, from_b.data(), widths.b);
  product(lanes, out, a, b);
  lanes.scatter(to.data(), out, widths.out);
}

template <class Product>
void run(const KernelTable& table, std::span<const MulTask> tasks, const Widths& widths,
         const Product& product) noexcept {
  while (!tasks.empty()) {
    const LaneKernels& lanes = lanes_for(table, tasks.size());
    const std::size_t size = std::min(lanes.lanes, tasks.size());
    const std::span<const MulTask> later = tasks.subspan(size);
    prefetch(later.first(std::min(later.size(), lanes.lanes)), widths);
    if (lanes.lanes == 1) {  // an element is a block
      product(lanes, tasks[0].out, tasks[0].a, tasks[0].b);
    } else {
      run_block(lanes, tasks.first(size), widths, product);
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
    pick(power_, exponent, windows_ - 1);
    for (std::size_t window = windows_ - 1; window-- > 0;) {
      for (unsigned i = 0; i < window_; ++i) kernels_.sqr(ring_.context, power_.data(), power_.data());
      pick(picked_, exponent, window);
      kernels_.mul(ring_.context, power_.data(), power_.data(), picked_.data());
    }
    lanes_.scatter(out, power_.data(), ring_.words);
  }

 private:
  std::size_t entries() const { return std::size_t{1} << window_; }
  Limb* entry(std::size_t e) { return table_.data() + e * block_; }
  void pick(AlignedLimbs& out, LimbSpan exponent, std::size_t window) {
    lanes_.select(out.data(), table_.data(), entries(), ring_.words,
                  bits_at(exponent, window * window_, window_));
  }

  const LaneRing& ring_;
  const LaneKernels& lanes_;
  const RingKernels& kernels_;
  std::size_t block_;  // words
  unsigned window_;
  std::size_t windows_;
  AlignedLimbs table_, power_, picked_;
};

}  // namespace

void multiply(const LaneRing& ring, std::span<const MulTask> tasks) noexcept {
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb* b) {
    (lanes.*ring.kernels).mul(ring.context, out, a, b);
  };
  run(*ring.context.kernels, tasks, {ring.words, ring.words, ring.words}, product);
}

void square(const LaneRing& ring, std::span<const MulTask> tasks) noexcept {
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb*) {
    (lanes.*ring.kernels).sqr(ring.context, out, a);
  };
  run(*ring.context.kernels, tasks, {ring.words, ring.words, 0}, product);
}

void multiply_digit(const DigitContext& context, std::span<const MulTask> tasks) noexcept {
  const auto product = [&](const LaneKernels& lanes, Limb* out, const Limb* a, const Limb* b) {
    lanes.pair_mul_digit(context, out, a, b);
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
  AlignedLimbs nowhere(ring.words);
  for (std::size_t first = 0; first < count;) {
    const LaneKernels& lanes = lanes_for(*ring.context.kernels, count - first);
    Sources from;
    Targets to;
    for (std::size_t l = 0; l < lanes.lanes; ++l) {
      const std::size_t i = first + l;
      from[l] = base + (i < count ? i : first) * ring.words;
      to[l] = i < count ? out + i * ring.words : nowhere.data();
    }
    BlockPower(ring, lanes, exponent_bits).run(one, from.data(), to.data(), exponent);
    first += lanes.lanes;
  }
}

}  // namespace isthmus::bigint
