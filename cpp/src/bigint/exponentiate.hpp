#pragma once
// Exponents, bit by bit.

#include <bit>
#include <cstddef>

#include "isthmus/bigint/modulus.hpp"

namespace isthmus::bigint {

inline std::size_t bit_length(LimbSpan x) noexcept {
  std::size_t n = x.size();
  while (n > 0 && x[n - 1] == 0) --n;
  return n == 0 ? 0 : 64 * n - static_cast<std::size_t>(std::countl_zero(x[n - 1]));
}

/// Bits [from, from + count) of x, zero beyond its end; count <= 16.
inline std::size_t bits_at(LimbSpan x, std::size_t from, unsigned count) noexcept {
  const std::size_t word = from / 64, shift = from % 64;
  Limb w = word < x.size() ? x[word] >> shift : 0;
  if (shift + count > 64 && word + 1 < x.size()) w |= x[word + 1] << (64 - shift);
  return static_cast<std::size_t>(w & ((Limb{1} << count) - 1));
}

/// Window that minimises products for an exponent of this many bits.
inline unsigned window_bits(std::size_t exponent_bits) noexcept {
  if (exponent_bits <= 6) return 1;
  if (exponent_bits <= 24) return 2;
  if (exponent_bits <= 96) return 3;
  if (exponent_bits <= 320) return 4;
  return exponent_bits <= 1024 ? 5 : 6;
}

}  // namespace isthmus::bigint
