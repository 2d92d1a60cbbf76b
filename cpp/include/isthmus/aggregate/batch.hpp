#pragma once
// Element-wise work on contiguous batches of elements, spread over the threads.

#include <cstddef>
#include <span>

#include "isthmus/bigint/square_modulus.hpp"

namespace isthmus::aggregate {

/// Runs independent products in parallel.
void multiply_tasks(const bigint::SquareModulus& modulus, std::span<const bigint::MulTask> tasks);

/// Inverts `count` elements in place, with one inversion per batch of a few thousand.
/// Throws    CiphertextNotUnit when one shares a factor with the root of the modulus.
void invert_inplace(const bigint::SquareModulus& modulus, bigint::Limb* elements, std::size_t count);

}  // namespace isthmus::aggregate
