#include "isthmus/aggregate/batch.hpp"

#include <algorithm>

#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {

using bigint::MulTask;
using bigint::SquareModulus;

void multiply_tasks(const SquareModulus& modulus, std::span<const MulTask> tasks) {
  constexpr std::size_t kBlock = 64;
  parallel_for((tasks.size() + kBlock - 1) / kBlock, [&](std::size_t b) {
    const std::size_t begin = b * kBlock;
    modulus.mul(tasks.subspan(begin, std::min(kBlock, tasks.size() - begin)));
  });
}

}  // namespace isthmus::aggregate
