#pragma once
// Bits of exponents, and exponentiation by public ones.

#include <algorithm>
#include <array>
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

/// out = base^exponent for a public exponent, in a Ring with stride(), set_one(out), mul(tasks) and
/// sqr(tasks) over spans of MulTask: sliding windows over odd powers. out may be base.
template <class Ring>
void pow_sliding_window(const Ring& ring, Limb* out, const Limb* base, LimbSpan exponent) {
  const std::size_t stride = ring.stride();
  const std::size_t bits = bit_length(exponent);
  const unsigned w = window_bits(bits);
  const auto mul = [&](Limb* o, const Limb* a, const Limb* b) { ring.mul(std::array{MulTask{o, a, b}}); };
  const auto sqr = [&](Limb* o, const Limb* a) { ring.sqr(std::array{MulTask{o, a, nullptr}}); };
  AlignedLimbs odd((std::size_t{1} << (w - 1)) * stride), square(stride);
  const auto odd_power = [&](std::size_t exponent_of_base) {
    return odd.data() + exponent_of_base / 2 * stride;
  };
  std::copy_n(base, stride, odd_power(1));
  if (w > 1) sqr(square.data(), base);
  for (std::size_t e = 3; e < std::size_t{1} << w; e += 2) mul(odd_power(e), odd_power(e - 2), square.data());
  ring.set_one(out);
  for (std::size_t i = bits; i > 0;) {
    if (bits_at(exponent, i - 1, 1) == 0) {
      sqr(out, out);
      --i;
      continue;
    }
    std::size_t low = i > w ? i - w : 0;
    while (bits_at(exponent, low, 1) == 0) ++low;
    const Limb* power = odd_power(bits_at(exponent, low, static_cast<unsigned>(i - low)));
    if (i == bits) {  // the first window: nothing to square yet
      std::copy_n(power, stride, out);
    } else {
      for (std::size_t j = low; j < i; ++j) sqr(out, out);
      mul(out, out, power);
    }
    i = low;
  }
}

}  // namespace isthmus::bigint
