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

// Keeps kLanes runs in flight; a lane whose run ends takes the next run of the block.
class Block {
 public:
  Block(const SquareModulus& modulus, std::span<const Run> runs)
      : modulus_(modulus), stride_(modulus.stride()), waiting_(runs) {}

  void multiply() {
    while (active_ < kLanes && take(active_)) ++active_;
    while (active_ > 0) {
      for (std::size_t i = 0; i < active_; ++i) tasks_[i].b = lanes_[i].source[*lanes_[i].next];
      modulus_.mul(std::span<const MulTask>(tasks_.data(), active_));
      advance();
    }
  }

 private:
  struct Lane {
    Elements source{nullptr, 0};
    const std::uint32_t* next = nullptr;  // the operand to multiply by
    const std::uint32_t* end = nullptr;
  };

  // Starts the next waiting run that has a product to form in lane i.
  bool take(std::size_t i) {
    while (!waiting_.empty()) {
      const Run& run = waiting_.front();
      waiting_ = waiting_.subspan(1);
      const Limb* const first = run.source[run.operands[0]];
      if (run.count > 1) {
        lanes_[i] = {run.source, run.operands + 1, run.operands + run.count};
        tasks_[i] = {run.out, first, nullptr};
        return true;
      }
      std::copy_n(first, stride_, run.out);
    }
    return false;
  }

  void advance() {
    for (std::size_t i = active_; i-- > 0;) {
      tasks_[i].a = tasks_[i].out;
      if (++lanes_[i].next < lanes_[i].end || take(i)) continue;
      --active_;
      lanes_[i] = lanes_[active_];
      tasks_[i] = tasks_[active_];
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

std::size_t pieces_of(const Run& run) { return (run.count + kPiece - 1) / kPiece; }

// What the joined pieces of long runs need: places for the pieces, and their numbers, 0 and on.
struct Pieces {
  Scratch<Limb> products;
  std::vector<std::uint32_t> numbers;
};

// Replaces every long run by its pieces, and returns the runs that multiply the pieces together.
std::vector<Run> cut(std::vector<Run>& runs, std::size_t stride, Pieces& pieces) {
  std::size_t total = 0, most = 0;
  for (const Run& run : runs) {
    if (!is_long(run)) continue;
    total += pieces_of(run);
    most = std::max(most, pieces_of(run));
  }
  pieces.numbers.resize(most);
  std::iota(pieces.numbers.begin(), pieces.numbers.end(), 0U);
  Limb* place = pieces.products.reserve(total * stride);
  std::vector<Run> joins;
  const std::size_t whole = runs.size();
  for (std::size_t r = 0; r < whole; ++r) {
    const Run run = runs[r];
    if (!is_long(run)) continue;
    joins.push_back({{place, stride}, pieces.numbers.data(), pieces_of(run), run.out});
    runs[r] = {run.source, run.operands, kPiece, place};
    place += stride;
    for (std::size_t i = kPiece; i < run.count; i += kPiece, place += stride) {
      runs.push_back({run.source, run.operands + i, std::min(kPiece, run.count - i), place});
    }
  }
  return joins;
}

}  // namespace

void multiply_runs(const SquareModulus& modulus, std::vector<Run> runs) {
  Pieces joined;  // what `runs` multiply together
  while (!runs.empty()) {
    Pieces pieces;
    std::vector<Run> joins = cut(runs, modulus.stride(), pieces);
    multiply_blocks(modulus, runs);
    runs = std::move(joins);
    joined = std::move(pieces);
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
