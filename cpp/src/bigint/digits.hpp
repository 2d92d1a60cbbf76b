#pragma once
// Between limbs and the digits of a backend's layout; additions modulo m in digits.

#include <algorithm>
#include <cstddef>

#include "backend/kernels.hpp"
#include "isthmus/bigint/modulus.hpp"

namespace isthmus::bigint {

/// digits = bits [from_bit, from_bit + width * count) of value, zero beyond its end.
inline void limbs_to_digits(const DigitLayout& layout, Limb* digits, LimbSpan value,
                            std::size_t from_bit = 0) {
  const Limb mask = (Limb{1} << layout.width) - 1;
  const auto limb = [value](std::size_t i) { return i < value.size() ? value[i] : 0; };
  for (std::size_t i = 0; i < layout.count; ++i) {
    const std::size_t bit = from_bit + i * layout.width;
    Limb w = limb(bit / 64) >> (bit % 64);
    if (bit % 64 != 0) w |= limb(bit / 64 + 1) << (64 - bit % 64);
    digits[i] = w & mask;
  }
}

/// The inverse. Requires that the value fits `limbs`.
inline void digits_to_limbs(const DigitLayout& layout, MutableLimbSpan limbs, const Limb* digits) {
  std::fill(limbs.begin(), limbs.end(), Limb{0});
  const auto merge = [limbs](std::size_t i, Limb bits) {
    if (i < limbs.size()) limbs[i] |= bits;
  };
  for (std::size_t i = 0; i < layout.count; ++i) {
    const std::size_t bit = i * layout.width;
    merge(bit / 64, digits[i] << (bit % 64));
    if (bit % 64 != 0) merge(bit / 64 + 1, digits[i] >> (64 - bit % 64));
  }
}

/// out = a + b + carry modulo m for a, b < m; returns whether m was subtracted.
inline Limb add_modulo(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Limb carry = 0) {
  const std::size_t k = c.layout.count;
  DigitScratch sum, reduced;
  Limb borrow = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb s = a[i] + b[i] + carry;
    sum[i] = s & c.mask;
    carry = s >> c.layout.width;
    const Limb d = sum[i] - c.m[i] - borrow;
    reduced[i] = d & c.mask;
    borrow = d >> 63;
  }
  const Limb keep = ct_mask(borrow);
  for (std::size_t i = 0; i < k; ++i) out[i] = ct_select(keep, sum[i], reduced[i]);
  return borrow ^ 1;
}

/// out = a - b - borrow modulo m for a, b < m; returns whether m was added.
inline Limb sub_modulo(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Limb borrow = 0) {
  const std::size_t k = c.layout.count;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb d = a[i] - b[i] - borrow;
    out[i] = d & c.mask;
    borrow = d >> 63;
  }
  const Limb add_back = ct_mask(borrow);
  Limb carry = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb s = out[i] + (c.m[i] & add_back) + carry;
    out[i] = s & c.mask;
    carry = s >> c.layout.width;
  }
  return add_back & 1;
}

/// All ones when the words are equal, else zero.
inline Limb equal_words(const Limb* a, const Limb* b, std::size_t count) noexcept {
  Limb difference = 0;
  for (std::size_t i = 0; i < count; ++i) difference |= a[i] ^ b[i];
  return ct_equal(difference, 0);
}

}  // namespace isthmus::bigint
