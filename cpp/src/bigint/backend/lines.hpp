#pragma once
// Memory that is asked for while something else is computed.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::bigint {

inline constexpr std::size_t kMaxDigits = 162;  // of any backend, at 8192 bits
inline constexpr std::size_t kMaxLanes = 8;

/// Cache lines to fetch, a few at a time. A core waits for only some tens of lines at once: asked for all
/// together, the operands of a block hold up what comes after them; spread over a product, which takes longer
/// than they do, they cost nothing. Every function is part of its caller, so that no copy compiled for one
/// CPU is called on another.
class Lines {
 public:
  __attribute__((always_inline)) Lines() noexcept : end_(lines_), next_(lines_) {}
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// `count` words, of three operands a lane at most.
  __attribute__((always_inline)) void add(const Limb* words, std::size_t count) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(words) / kBytes;
    const auto end = (reinterpret_cast<std::uintptr_t>(words + count) + kBytes - 1) / kBytes;
    for (std::uintptr_t line = begin; line < end; ++line)
      *end_++ = reinterpret_cast<const char*>(line * kBytes);
  }

  /// Makes step() fetch one of `steps` equal parts.
  __attribute__((always_inline)) void spread(std::size_t steps) noexcept {
    share_ = (static_cast<std::size_t>(end_ - next_) + steps - 1) / steps;
  }

  __attribute__((always_inline)) void step() noexcept {
    const char** const stop = next_ + std::min(share_, static_cast<std::size_t>(end_ - next_));
    while (next_ != stop) __builtin_prefetch(*next_++);
  }

  __attribute__((always_inline)) void fetch_all() noexcept {
    spread(1);
    step();
  }

 private:
  static constexpr std::uintptr_t kBytes = 64;  // of a line
  const char* lines_[3 * kMaxLanes * (kMaxDigits * sizeof(Limb) / kBytes + 2)];
  const char** end_;
  const char** next_;
  std::size_t share_ = 0;
};

}  // namespace isthmus::bigint
