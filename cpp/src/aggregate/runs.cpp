#include "isthmus/aggregate/runs.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "isthmus/core/memory.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using bigint::MulTask;

constexpr std::size_t kLanes = 32;      // runs in flight in one block: several times every vector width
constexpr std::size_t kPiece = 32;      // operands of the pieces of a long run
constexpr std::size_t kBlocks = 16;     // blocks for each thread, so that none waits long at the end
constexpr std::size_t kMinBlock = 128;  // products per block that outweigh starting a thread

const Limb* operand(const Run& run, std::size_t i) {
  return run.source[run.operands != nullptr ? run.operands[i] : i];
}

// Keeps kLanes runs in flight; a lane whose run ends takes the next run of the block.
class Block {
 public:
  Block(const SquareModulus& modulus, std::span<const Run> runs)
      : modulus_(modulus), stride_(modulus.stride()), waiting_(runs) {}

  void multiply() {
    Lane lane;
    while (active_ < kLanes && take(lane)) lanes_[active_++] = lane;
    while (active_ > 0) {
      step();
      retire();
    }
  }

 private:
  struct Lane {
    const Run* run = nullptr;
    std::size_t next = 0;  // the operand to multiply by
  };

  bool take(Lane& lane) {
    while (!waiting_.empty()) {
      const Run& run = waiting_.front();
      waiting_ = waiting_.subspan(1);
      if (run.count > 1) {
        lane = {&run, 1};
        return true;
      }
      std::copy_n(operand(run, 0), stride_, run.out);
    }
    return false;
  }

  void step() {
    for (std::size_t i = 0; i < active_; ++i) {
      const auto& [run, next] = lanes_[i];
      tasks_[i] = {run->out, next == 1 ? operand(*run, 0) : run->out, operand(*run, next)};
    }
    modulus_.mul(std::span<const MulTask>(tasks_.data(), active_));
  }

  void retire() {
    for (std::size_t i = active_; i-- > 0;) {
      if (++lanes_[i].next < lanes_[i].run->count) continue;
      if (!take(lanes_[i])) lanes_[i] = lanes_[--active_];
    }
  }

  const SquareModulus& modulus_;
  std::size_t stride_;
  std::span<const Run> waiting_;
  std::array<Lane, kLanes> lanes_;
  std::array<MulTask, kLanes> tasks_;
  std::size_t active_ = 0;
};

std::size_t total_count(std::span<const Run> runs) {
  std::size_t total = 0;
  for (const Run& run : runs) total += run.count;
  return total;
}

void multiply_blocks(const SquareModulus& modulus, std::span<Run> runs) {
  const std::size_t threads = static_cast<std::size_t>(thread_count());
  const std::size_t block_products = std::max(kMinBlock, total_count(runs) / (kBlocks * threads));
  std::vector<std::span<Run>> blocks;
  std::size_t begin = 0;
  std::size_t products = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    products += runs[i].count;
    if (products < block_products && i + 1 < runs.size()) continue;
    blocks.push_back(runs.subspan(begin, i + 1 - begin));
    begin = i + 1;
    products = 0;
  }
  parallel_for(blocks.size(), [&](std::size_t b) {
    // The longest first, so that the lanes run dry together.
    std::stable_sort(blocks[b].begin(), blocks[b].end(),
                     [](const Run& left, const Run& right) { return left.count > right.count; });
    Block(modulus, blocks[b]).multiply();
  });
}

bool is_long(const Run& run) { return run.count > 2 * kPiece; }

// Replaces every long run by pieces with places of their own in `partials`, and returns the runs that
// multiply the pieces together.
std::vector<Run> cut(std::vector<Run>& runs, std::size_t stride, Scratch<Limb>& partials) {
  std::size_t pieces = 0;
  for (const Run& run : runs) pieces += is_long(run) ? (run.count + kPiece - 1) / kPiece : 0;
  Limb* place = partials.reserve(pieces * stride);
  std::vector<Run> joins;
  const std::size_t whole = runs.size();
  for (std::size_t r = 0; r < whole; ++r) {
    const Run run = runs[r];
    if (!is_long(run)) continue;
    joins.push_back({{place, stride}, nullptr, (run.count + kPiece - 1) / kPiece, run.out});
    for (std::size_t i = 0; i < run.count; i += kPiece, place += stride) {
      Run part{run.source, run.operands, std::min(kPiece, run.count - i), place};
      if (run.operands != nullptr) {
        part.operands += i;
      } else {
        part.source.first = run.source[i];
      }
      if (i == 0) {
        runs[r] = part;
      } else {
        runs.push_back(part);
      }
    }
  }
  return joins;
}

}  // namespace

void multiply_runs(const SquareModulus& modulus, std::vector<Run> runs) {
  Scratch<Limb> source;  // partial products that `runs` still read
  while (!runs.empty()) {
    Scratch<Limb> partials;
    std::vector<Run> joins = cut(runs, modulus.stride(), partials);
    multiply_blocks(modulus, runs);
    runs = std::move(joins);
    source = std::move(partials);
  }
}

namespace {

constexpr unsigned kDigitBits = 11;
constexpr std::size_t kCountedKeys = std::size_t{1} << 12;  // as many are always counted in one pass

// Moves keys and operands to their places, stably, by digit(key) < digit_values.
template <class Digit>
void sort_by(std::vector<std::uint32_t>& keys, std::vector<std::uint32_t>& operands, std::size_t digit_values,
             const Digit& digit) {
  std::vector<std::uint32_t> place(digit_values + 1);
  for (const std::uint32_t key : keys) ++place[digit(key) + 1];
  std::partial_sum(place.begin(), place.end(), place.begin());
  std::vector<std::uint32_t> sorted_keys(keys.size()), sorted_operands(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::uint32_t to = place[digit(keys[i])]++;
    sorted_keys[to] = keys[i];
    sorted_operands[to] = operands[i];
  }
  keys = std::move(sorted_keys);
  operands = std::move(sorted_operands);
}

}  // namespace

Segments group_by_key(std::vector<std::uint32_t> keys, std::vector<std::uint32_t> operands,
                      std::size_t key_count) {
  if (key_count <= std::max(kCountedKeys, keys.size())) {
    sort_by(keys, operands, key_count, [](std::uint32_t key) { return key; });
  } else {
    constexpr std::uint32_t kMask = (1U << kDigitBits) - 1;
    for (unsigned shift = 0; shift < 32 && (key_count - 1) >> shift != 0; shift += kDigitBits) {
      sort_by(keys, operands, kMask + 1, [=](std::uint32_t key) { return key >> shift & kMask; });
    }
  }
  Segments segments;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i > 0 && keys[i] == keys[i - 1]) continue;
    segments.starts.push_back(i);
    segments.keys.push_back(keys[i]);
  }
  segments.starts.push_back(keys.size());
  segments.operands = std::move(operands);
  return segments;
}

}  // namespace isthmus::aggregate
