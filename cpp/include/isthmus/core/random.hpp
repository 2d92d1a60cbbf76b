#pragma once
// Randomness from the operating system's CSPRNG. There is no user-space generator state to leak or to
// duplicate in a fork: every call asks the kernel.

#include <cstdint>
#include <span>

#include "isthmus/core/bytes.hpp"

namespace isthmus {

/// Fills `out` with uniform random bytes.
/// Throws    Rng when the kernel refuses; `out` is then zeroised and nothing may be released.
void random_bytes(MutableByteSpan out);

/// A uniform 64-bit word.
std::uint64_t random_u64();

/// Uniform in [0, bound) by rejection; bound > 0.
std::uint64_t random_below(std::uint64_t bound);

/// A uniform permutation of 0..out.size()-1 (Fisher-Yates over kernel randomness).
void random_permutation(std::span<std::int64_t> out);

/// Replaces the entropy source for fault-injection tests; nullptr restores the kernel's.
/// The source returns false to simulate failure.
using EntropySource = bool (*)(MutableByteSpan out);
void set_entropy_source_for_testing(EntropySource source) noexcept;

}  // namespace isthmus
