#pragma once
// Independent products, spread over the threads.

#include <span>

#include "isthmus/bigint/square_modulus.hpp"

namespace isthmus::aggregate {

/// Runs independent products in parallel.
void multiply_tasks(const bigint::SquareModulus& modulus, std::span<const bigint::MulTask> tasks);

}  // namespace isthmus::aggregate
