#pragma once
// Products of 51-bit digits on double-precision FMA units, four numbers at a time, one per lane.
//
// For integers 0 <= a, b < 2^51 held as doubles,
//
//   high = fma(a, b, 2^103)                          has the value 2^103 + 2^51 * h,
//   low  = fma(a, b, (2^103 + 3 * 2^51) - high)      has the value 3 * 2^51 + l,      where a*b = 2^51 * h +
//   l.
//
// The first is rounded to a multiple of 2^51, the last bit of any sum from 2^103 to 2^104. The difference in
// the second is a multiple of 2^51 below 2^103, and its result an integer from 2^52 to 2^53, because |l| <
// 2^51: both are exact. So l depends on the rounding mode (in the usual one |l| <= 2^50), but 2^51 * h + l
// does not, and nothing here touches the mode. With digits of 52 bits this would need rounding toward zero.
//
// In the patterns of high and low, h and l are integers added to exponent fields that are always the same.
// Patterns are added as 64-bit integers, and the sum of those exponents is taken off as a constant. Building
// products from 32-bit halves instead takes half as long again for the same bits.
//
// Nothing here is ever denormal or large enough to overflow: digits are zero or at least 1, sums at least
// 2^52. So the time of an operation does not depend on its operands, zero included.
//
// Ref       Emmart, Zheng and Weems, "Faster modular exponentiation using double precision floating point
//           arithmetic on the GPU", ARITH 2018 (with 52 bits, toward zero).

#include <immintrin.h>

#include <algorithm>

#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

using Word4 = __m256i;    // four 64-bit integers
using Double4 = __m256d;  // four digits as integer-valued doubles

constexpr unsigned kDigitBits = 51;
constexpr Limb kDigitMask = (Limb{1} << kDigitBits) - 1;
constexpr double kHighMagic = 0x1p103;
constexpr double kLowMagic = 0x1p103 + 0x3p51;
constexpr Limb kHighExponent = Limb{0x3ff + 103} << 52;                 // the pattern of 2^103
constexpr Limb kUnitExponent = Limb{0x3ff + 52} << 52;                  // of 2^52
constexpr Limb kLowExponent = kUnitExponent + (Limb{1} << kDigitBits);  // of 3 * 2^51

inline Word4 all_lanes(Limb x) noexcept { return _mm256_set1_epi64x(static_cast<long long>(x)); }
inline Word4 add(Word4 a, Word4 b) noexcept { return _mm256_add_epi64(a, b); }
inline Word4 sub(Word4 a, Word4 b) noexcept { return _mm256_sub_epi64(a, b); }
inline Word4 low_digit(Word4 a) noexcept { return _mm256_and_si256(a, all_lanes(kDigitMask)); }
inline Word4 above_digit(Word4 a) noexcept { return _mm256_srli_epi64(a, kDigitBits); }

/// The low digit of an integer as a double.
inline Double4 to_double(Word4 a) noexcept {
  const Word4 pattern = _mm256_or_si256(low_digit(a), all_lanes(kUnitExponent));
  return _mm256_sub_pd(_mm256_castsi256_pd(pattern), _mm256_set1_pd(0x1p52));
}

/// 2^51 - 1 - a for a digit a.
inline Word4 digit_complement(Double4 a) noexcept {
  const Double4 pattern = _mm256_sub_pd(_mm256_set1_pd(0x1p52 + (0x1p51 - 1)), a);
  return _mm256_xor_si256(_mm256_castpd_si256(pattern), all_lanes(kUnitExponent));
}

/// low += the lower part of a*b, high += the higher part, exponents included.
inline void multiply_add(Word4& low, Word4& high, Double4 a, Double4 b) noexcept {
  Double4 h, l;
  asm("vmovapd %[high_magic], %[h]\n\t"
      "vfmadd231pd %[b], %[a], %[h]\n\t"
      "vsubpd %[h], %[low_magic], %[l]\n\t"
      "vpaddq %[h], %[high], %[high]\n\t"
      "vfmadd231pd %[b], %[a], %[l]\n\t"
      "vpaddq %[l], %[low], %[low]"
      : [high] "+x"(high), [low] "+x"(low), [h] "=&x"(h), [l] "=&x"(l)
      : [a] "x"(a), [b] "x"(b), [high_magic] "x"(_mm256_set1_pd(kHighMagic)),
        [low_magic] "x"(_mm256_set1_pd(kLowMagic)));
}

/// low += the lower part of a*b, exponent included.
inline void multiply_add_low(Word4& low, Double4 a, Double4 b) noexcept {
  const Double4 h = _mm256_fmadd_pd(a, b, _mm256_set1_pd(kHighMagic));
  const Double4 l = _mm256_fmadd_pd(a, b, _mm256_sub_pd(_mm256_set1_pd(kLowMagic), h));
  low = add(low, _mm256_castpd_si256(l));
}

/// Four rows of a product, row r being a[0..n) * b[r].
struct FourRows {
  Double4 b0, b1, b2, b3;
  Double4 high_magic, low_magic;

  explicit FourRows(const Double4* b) noexcept
      : b0(b[0]),
        b1(b[1]),
        b2(b[2]),
        b3(b[3]),
        high_magic(_mm256_set1_pd(kHighMagic)),
        low_magic(_mm256_set1_pd(kLowMagic)) {}

  /// The rows meet one digit of the other factor: column[0..4] += a[0] * b[0..3], where w0 to w3 hold columns
  /// 0 to 3. Column 0 has then met all four rows and goes to memory; column 4 comes in from there as w4. This
  /// takes all sixteen registers, and the order is the fastest of several hundred that were timed.
  [[gnu::always_inline]] void step(Word4& w0, Word4& w1, Word4& w2, Word4& w3, Word4& w4, const Double4* a,
                                   Word4* column) const noexcept {
    Double4 x, t0, t1, t2, t3;
    asm("vmovapd %[high_magic], %[t3]\n\t"
        "vmovapd %[a], %[x]\n\t"
        "vfmadd231pd %[x], %[b3], %[t3]\n\t"
        "vmovapd %[high_magic], %[t2]\n\t"
        "vfmadd231pd %[x], %[b2], %[t2]\n\t"
        "vmovapd %[high_magic], %[t1]\n\t"
        "vfmadd231pd %[x], %[b1], %[t1]\n\t"
        "vmovapd %[high_magic], %[t0]\n\t"
        "vfmadd231pd %[x], %[b0], %[t0]\n\t"
        "vpaddq %[t0], %[w1], %[w1]\n\t"
        "vsubpd %[t0], %[low_magic], %[t0]\n\t"
        "vpaddq %[t1], %[w2], %[w2]\n\t"
        "vsubpd %[t1], %[low_magic], %[t1]\n\t"
        "vfmadd231pd %[x], %[b1], %[t1]\n\t"
        "vpaddq %[t2], %[w3], %[w3]\n\t"
        "vsubpd %[t2], %[low_magic], %[t2]\n\t"
        "vfmadd231pd %[x], %[b2], %[t2]\n\t"
        "vpaddq %[t2], %[w2], %[w2]\n\t"
        "vmovdqa %[next], %[w4]\n\t"
        "vpaddq %[t1], %[w1], %[w1]\n\t"
        "vpaddq %[t3], %[w4], %[w4]\n\t"
        "vsubpd %[t3], %[low_magic], %[t3]\n\t"
        "vfmadd231pd %[x], %[b3], %[t3]\n\t"
        "vfmadd231pd %[x], %[b0], %[t0]\n\t"
        "vpaddq %[t0], %[w0], %[w0]\n\t"
        "vmovdqa %[w0], %[done]\n\t"
        "vpaddq %[t3], %[w3], %[w3]"
        : [w0] "+x"(w0), [w1] "+x"(w1), [w2] "+x"(w2), [w3] "+x"(w3), [w4] "=&x"(w4), [x] "=&x"(x),
          [t0] "=&x"(t0), [t1] "=&x"(t1), [t2] "=&x"(t2), [t3] "=&x"(t3), [done] "=m"(column[0])
        : [a] "m"(a[0]), [next] "m"(column[4]), [b0] "x"(b0), [b1] "x"(b1), [b2] "x"(b2), [b3] "x"(b3),
          [high_magic] "x"(high_magic), [low_magic] "x"(low_magic));
  }
};

/// column[i + r] += a[i] * b[r] for i < n and r < 4. Five steps bring the window of columns back to the
/// registers where it began.
[[gnu::noinline]] void add_four_rows(Word4* column, const Double4* a, std::size_t n,
                                     const Double4* b) noexcept {
  const FourRows rows(b);
  Word4 w0 = column[0], w1 = column[1], w2 = column[2], w3 = column[3], w4;
  for (; n >= 5; n -= 5, a += 5, column += 5) {
    rows.step(w0, w1, w2, w3, w4, a, column);
    rows.step(w1, w2, w3, w4, w0, a + 1, column + 1);
    rows.step(w2, w3, w4, w0, w1, a + 2, column + 2);
    rows.step(w3, w4, w0, w1, w2, a + 3, column + 3);
    rows.step(w4, w0, w1, w2, w3, a + 4, column + 4);
  }
  for (; n > 0; --n, ++a, ++column) {
    rows.step(w0, w1, w2, w3, w4, a, column);
    w0 = w1, w1 = w2, w2 = w3, w3 = w4;
  }
  column[0] = w0, column[1] = w1, column[2] = w2, column[3] = w3;
}

/// The same with R < 4 rows.
template <int R>
[[gnu::noinline]] void add_few_rows(Word4* column, const Double4* a, std::size_t n,
                                    const Double4* b) noexcept {
  Word4 window[R + 1];
  for (int r = 0; r < R; ++r) window[r] = column[r];
  for (; n > 0; --n, ++a, ++column) {
    window[R] = column[R];
    for (int r = 0; r < R; ++r) multiply_add(window[r], window[r + 1], *a, b[r]);
    column[0] = window[0];
    for (int r = 0; r < R; ++r) window[r] = window[r + 1];
  }
  for (int r = 0; r < R; ++r) column[r] = window[r];
}

/// column[i + r] += a[i] * b[r] for i < n and r < count; count <= 4.
inline void add_rows(Word4* column, const Double4* a, std::size_t n, const Double4* b,
                     std::size_t count) noexcept {
  switch (count) {
    case 4:
      return add_four_rows(column, a, n, b);
    case 3:
      return add_few_rows<3>(column, a, n, b);
    case 2:
      return add_few_rows<2>(column, a, n, b);
    default:
      return add_few_rows<1>(column, a, n, b);
  }
}

/// column += a * b for k digits each, in 2k columns.
inline void add_product(Word4* column, const Double4* a, const Double4* b, std::size_t k) noexcept {
  for (std::size_t j = 0; j < k; j += 4) add_rows(column + j, a, k, b + j, std::min<std::size_t>(4, k - j));
}

/// The products of different digits among a[0..count), once each.
template <int Count>
inline void add_triangle(Word4* column, const Double4* a) noexcept {
  for (int i = 0; i < Count; ++i) {
    for (int j = i + 1; j < Count; ++j) multiply_add(column[i + j], column[i + j + 1], a[i], a[j]);
  }
}

/// The part of a^2 that counts twice: column += sum of a[i] * a[j] over i < j.
inline void add_cross_products(Word4* column, const Double4* a, std::size_t k) noexcept {
  std::size_t j = 0;
  for (; j + 4 <= k; j += 4) {
    add_triangle<4>(column + 2 * j, a + j);
    add_four_rows(column + 2 * j + 4, a + j + 4, k - j - 4, a + j);
  }
  if (k - j == 3) add_triangle<3>(column + 2 * j, a + j);
  if (k - j == 2) add_triangle<2>(column + 2 * j, a + j);
}

}  // namespace
}  // namespace isthmus::bigint
