#pragma once

#include <algorithm>
#include <cstddef>

#include "isthmus/core/parallel.hpp"

namespace isthmus::paillier {

/// Elements of a batch out of n: few enough for every thread to get one, up to `longest`, and a multiple of
/// 8, so that the kernels' lanes are full.
inline std::size_t block_size(std::size_t n, std::size_t longest) {
  constexpr std::size_t kLanes = 8;
  const auto threads = static_cast<std::size_t>(thread_count());
  const std::size_t share = (n + threads - 1) / threads;
  return std::clamp((share + kLanes - 1) / kLanes * kLanes, kLanes, longest);
}

/// Calls body(first, count) for batches of [0, n) in parallel.
template <class Body>
void parallel_blocks(std::size_t n, std::size_t longest, const Body& body) {
  const std::size_t size = block_size(n, longest);
  parallel_for((n + size - 1) / size, [&](std::size_t block) {
    const std::size_t first = block * size;
    body(first, std::min(size, n - first));
  });
}

}  // namespace isthmus::paillier
