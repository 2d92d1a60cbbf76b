#pragma once
// Runs any number of elements through the lanes of a backend.

#include <cstddef>
#include <span>

#include "backend/kernels.hpp"

namespace isthmus::bigint {

/// The integers modulo m (kernels = &LaneKernels::mod) or modulo m^2 (pair), for one backend.
struct LaneRing {
  const DigitContext& context;
  std::size_t words;  // of an element
  RingKernels LaneKernels::* kernels;
};

/// All tasks: out = a * b. They must be independent of one another.
void multiply(const LaneRing& ring, std::span<const MulTask> tasks) noexcept;
/// All tasks: out = a^2.
void square(const LaneRing& ring, std::span<const MulTask> tasks) noexcept;
/// All tasks: out = a * (b, 0) for pairs a and single elements b.
void multiply_digit(const DigitContext& context, std::span<const MulTask> tasks) noexcept;

/// out[i] = base[i]^exponent for `count` elements and one secret exponent of at most exponent_bits bits;
/// `one` is the ring's one. Fixed windows and whole-table scans: the same products and the same memory
/// accesses for every exponent. out may be base.
void power(const LaneRing& ring, const Limb* one, Limb* out, const Limb* base, std::size_t count,
           LimbSpan exponent, std::size_t exponent_bits);

}  // namespace isthmus::bigint
