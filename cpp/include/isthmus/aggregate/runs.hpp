#pragma once
// The kernel under every aggregate: many independent products of ciphertexts.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "isthmus/bigint/square_modulus.hpp"

namespace isthmus::aggregate {

using bigint::Limb;
using bigint::SquareModulus;

/// Elements of one modulus: `pitch` words from one to the next, or, when there is a list, `pitch` words after
/// each place it names. The list must outlive this.
struct Elements {
  const Limb* first;
  std::size_t pitch;
  const Limb* const* list = nullptr;

  const Limb* operator[](std::size_t i) const noexcept {
    return list != nullptr ? list[i] + pitch : first + i * pitch;
  }
};

/// Products to form: out = prod_i source[operands[i]]; count > 0.
struct Run {
  Elements source;
  const std::uint32_t* operands;
  std::size_t count;
  Limb* out;
};

/// Forms every run. The outputs must be distinct and none may be an operand.
/// Long runs are cut and their partial products multiplied; within a block of runs one product of each of
/// several runs goes to the modulus at a time, which fills the lanes of a vector backend while the operands
/// of the later products are on their way from memory.
/// Timing    Variable in the lengths of the runs.
/// Threads   Parallel over blocks of runs; elements are canonical, so the result does not depend on the
/// order.
void multiply_runs(const SquareModulus& modulus, std::vector<Run> runs);

/// Operands that share a key, put side by side: segment s holds operands[starts[s]] to operands[starts[s +
/// 1]].
struct Segments {
  std::vector<std::uint32_t> operands;
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t>
      keys;  // the key of each segment, ascending; keys without operands have no segment

  std::size_t size() const noexcept { return keys.size(); }
  std::size_t length(std::size_t s) const noexcept { return starts[s + 1] - starts[s]; }
};

/// Stable sort by key, in place of the arguments: a counting sort while the keys are few, else one over
/// their digits, so that keys with many columns and few occupied values stay cheap.
/// Requires  keys.size() == operands.size(); keys[i] < key_count.
Segments group_by_key(std::vector<std::uint32_t> keys, std::vector<std::uint32_t> operands,
                      std::size_t key_count);

}  // namespace isthmus::aggregate
