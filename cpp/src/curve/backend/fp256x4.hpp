#pragma once
// Four elements modulo the prime of P-256 or SM2, one per lane, in double-precision fused multiply-adds of
// AVX2 + FMA. For *avx2.cpp only; everything has internal linkage.
//
// Radix 2^51, five signed integer limbs held as doubles. The product a b of two limbs with |a b| < 2^102 is
// cut at 2^51 without an error: with C = 1.5 * 2^103, whose last place is 2^51,
//   high = fma(a, b, C)                                  = C + h 2^51
//   low  = fma(a, b, (C + 1.5 * 2^52) - high)            = 1.5 * 2^52 + l,   a b = h 2^51 + l, |l| < 2^51.
// Both stay in one binade, so that their bit patterns are fixed constants plus h and l, and columns add up
// with 64-bit integer additions. How a b splits into h and l depends on the rounding mode, their sum does
// not; everything else in floating point is exact.
//
// An element a is held as a R modulo p, R = 2^255. Both primes are between 2^256 - 2^224 - 2^97 and 2^256 -
// 2^224 + 2^193, so that p / 2 < 2^255 - 2^222. Bounds:
//   element   value within p / 2 + 2^217 of zero, lower limbs within 2^50 + 2^10, so that the top limb is
//             within (p / 2 + 2^217) / 2^204 + 1 < 2^51 - 2^17. Twice the product of a lower limb and the
//             top one is below 2^102 (1 + 2^-40) (1 - 2^-34) < 2^102, and no other is larger.
//   Sum       limbs below 2^60, value within 16 p of zero.
//   Wide      columns below 2^60, value within 4 p^2 of zero: what reduce() takes.
// A column of one product is below 5 * 2^51 + 5 * 2^51, no sum of the formulas has more than nine of them,
// and only sums of two are then tripled. reduce() divides by R, more than p / 2, and adds at most p / 2: it
// takes t p^2 to (2 t + 1/2) p.
//
// Constant time: no branch and no address depends on a value, and no operand of the floating-point units is
// ever denormal, since limbs are integers and every other sum has a pattern in it.
//
// Both primes are -1 modulo 2^51. So the quotient digit of Montgomery's reduction is the lowest column
// itself, and q p cancels it and leaves q (p + 1) / 2^51, a sum of four powers of two.
//
// Patterns, lifts that make what is shifted positive (there is no arithmetic shift of 64 bits), and halves
// that make rounding of cutting off leave known constants in limbs and columns beyond the integers they stand
// for. The types of sums and wide values keep account of those, modulo 2^64, so that one addition per column
// takes out all that came together.

#include <immintrin.h>

#define ISTHMUS_FORMULA inline

#include "fp256x4_constants.hpp"

namespace isthmus::weierstrass {
namespace {

template <class C>
class Fp256x4 {
 public:
  using Curve = C;
  using Vector = Vector4;
  static constexpr std::size_t kLanes = 4;

  struct Mask {
    __m256i lanes;
    friend Mask operator^(Mask a, Mask b) noexcept { return {a.lanes ^ b.lanes}; }
    friend std::uint64_t lane_of(Mask mask, std::size_t lane) noexcept {
      const auto bits = static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_castsi256_pd(mask.lanes)));
      return std::uint64_t{0} - ((bits >> lane) & 1);
    }
  };

  // Everything is copied vector by vector: the compiler would copy the whole in smaller pieces, and loads
  // would wait for them.

  // The limbs hold kOffset beyond the integers they stand for, modulo 2^64; likewise the columns.
  template <Limbs51 kOffset>
  struct Sum {
    Vector limb[5];

    Sum() = default;
    ISTHMUS_LANES_INLINE Sum(const Sum& a) noexcept
        : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  };
  template <Columns kOffset>
  struct Wide {
    Vector column[10];

    Wide() = default;
    ISTHMUS_LANES_INLINE Wide(const Wide& a) noexcept
        : column{a.column[0], a.column[1], a.column[2], a.column[3], a.column[4],
                 a.column[5], a.column[6], a.column[7], a.column[8], a.column[9]} {}
  };

  __m256d limb[5];

  Fp256x4() = default;
  ISTHMUS_LANES_INLINE Fp256x4(const Fp256x4& a) noexcept
      : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  ISTHMUS_LANES_INLINE Fp256x4& operator=(const Fp256x4& a) noexcept {
    limb[0] = a.limb[0], limb[1] = a.limb[1], limb[2] = a.limb[2];
    limb[3] = a.limb[3], limb[4] = a.limb[4];
    return *this;
  }

  template <Words256 kValue>
  ISTHMUS_LANES_INLINE static Fp256x4 constant() noexcept {
    static constexpr auto kLimbs =
        balanced_limbs(fp256::shift_left_mod(kValue, kRadixBits, C::kModulus), C::kModulus);
    Fp256x4 r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = _mm256_set1_pd(kLimbs[i]);
    return r;
  }
  ISTHMUS_LANES_INLINE static Fp256x4 zero() noexcept { return constant<Words256{}>(); }
  ISTHMUS_LANES_INLINE static Fp256x4 one() noexcept { return constant<Words256{1, 0, 0, 0}>(); }

  // Reads kLanes integers, any below 2^256.
  static Fp256x4 load(const Words256* words) noexcept {
    Vector w[4];
    load_words<Fp256x4>(words, w);
    Sum<Limbs51{}> limbs;
    limbs.limb[0] = w[0] & kMask51;
    limbs.limb[1] = ((w[0] >> 51) | (w[1] << 13)) & kMask51;
    limbs.limb[2] = ((w[1] >> 38) | (w[2] << 26)) & kMask51;
    limbs.limb[3] = ((w[2] >> 25) | (w[3] << 39)) & kMask51;
    limbs.limb[4] = w[3] >> 12;
    constexpr Words256 kRadix = fp256::shift_left_mod({1, 0, 0, 0}, kRadixBits, C::kModulus);
    return carry(limbs) * constant<kRadix>();
  }

  // Writes the canonical values.
  void store(Words256* words) const noexcept {
    Vector v[5];
    canonical(v);
    const Vector w[4] = {v[0] | (v[1] << 51), (v[1] >> 13) | (v[2] << 38), (v[2] >> 26) | (v[3] << 25),
                         (v[3] >> 39) | (v[4] << 12)};
    store_words<Fp256x4>(w, words);
  }

  ISTHMUS_LANES_INLINE static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    std::int32_t four;
    std::memcpy(&four, bytes, 4);
    return equal((Vector)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)), Vector{} + wanted);
  }

  // --- sums ---

  ISTHMUS_LANES_INLINE friend auto to_sum(const Fp256x4& a) noexcept {
    Sum<kElementOffset> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = (Vector)(a.limb[i] + _mm256_set1_pd(0x1.8p52));
    return r;
  }
  template <int kFactor, Limbs51 m>
  ISTHMUS_LANES_INLINE friend auto scale(const Sum<m>& a) noexcept {
    Sum<combine(kFactor, m, 0, m)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = scaled<kFactor>(a.limb[i]);
    return r;
  }
  template <Limbs51 m, Limbs51 n>
  ISTHMUS_LANES_INLINE friend auto operator+(const Sum<m>& a, const Sum<n>& b) noexcept {
    Sum<combine(1, m, 1, n)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] + b.limb[i];
    return r;
  }
  template <Limbs51 m, Limbs51 n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a, const Sum<n>& b) noexcept {
    Sum<combine(1, m, -1, n)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] - b.limb[i];
    return r;
  }
  template <Limbs51 m>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a) noexcept {
    Sum<combine(-1, m, 0, m)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = Vector{} - a.limb[i];
    return r;
  }
  template <Limbs51 m>
  ISTHMUS_LANES_INLINE friend auto operator+(const Sum<m>& a, const Fp256x4& b) noexcept {
    return a + to_sum(b);
  }
  template <Limbs51 m>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a, const Fp256x4& b) noexcept {
    return a - to_sum(b);
  }
  template <Limbs51 n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Fp256x4& a, const Sum<n>& b) noexcept {
    return to_sum(a) - b;
  }
  ISTHMUS_LANES_INLINE friend auto operator+(const Fp256x4& a, const Fp256x4& b) noexcept {
    return to_sum(a) + to_sum(b);
  }
  ISTHMUS_LANES_INLINE friend auto operator-(const Fp256x4& a, const Fp256x4& b) noexcept {
    return to_sum(a) - to_sum(b);
  }
  ISTHMUS_LANES_INLINE friend auto operator-(const Fp256x4& a) noexcept { return -to_sum(a); }

  // The element of a sum s. Its multiple q of p comes from the top limb v: q is the integer nearest to
  // v (1 + 2^-32) / 2^52, where 1 + 2^-32 is 2^256 / p but for a part in 2^63. Lower limbs carry at most 2^9
  // to v, roundings add a few units: s - q p is within p / 2 + 2^217 of zero. Then every limb is rounded to a
  // multiple of 2^51, which the next one takes, at most 2^9.
  template <Limbs51 kOffset>
  ISTHMUS_LANES_INLINE friend Fp256x4 carry(const Sum<kOffset>& a) noexcept {
    // With what it adds to itself after the shift, this is kLift + 2^51, less a unit.
    constexpr std::uint64_t kStart = kLift + 2 * kHalf - (kLift >> 32) - (2 * kHalf >> 32);
    constexpr std::uint64_t kLifted = kLift >> 52;  // what q is above the integer
    constexpr Limbs51 kSurplus = multiple_of_complement(kLifted);
    const Vector top = add<kStart - kOffset[4]>(a.limb[4]);
    const Vector q = (top + (top >> 32)) >> 52;
    Vector c[5] = {a.limb[0], a.limb[1], a.limb[2], a.limb[3], top - (q << 52)};
    add_multiple<Prime<C>::kComplement, false>(c, q);
    c[0] = add<kLift + kHalf - kOffset[0] - kSurplus[0]>(c[0]);
    c[1] = add<kLift + kHalf - kOffset[1] - kSurplus[1]>(c[1]);
    c[2] = add<kLift + kHalf - kOffset[2] - kSurplus[2]>(c[2]);
    c[3] = add<kLift + kHalf - kOffset[3] - kSurplus[3]>(c[3]);
    c[4] = add<kIntegerPattern - kPassed - kStart + kLift - kSurplus[4]>(c[4]);
    Fp256x4 r;
    r.limb[0] = rest(c[0]) - _mm256_set1_pd(0x1p52 + 0x1p50);
    for (std::size_t i = 1; i < 4; ++i) {
      const Vector limb = (Vector)rest(c[i]) + (c[i - 1] >> 51);
      r.limb[i] = (__m256d)limb - _mm256_set1_pd(0x1p52 + 0x1p50 + static_cast<double>(kPassed));
    }
    r.limb[4] = (__m256d)(c[4] + (c[3] >> 51)) - _mm256_set1_pd(0x1.8p52);
    return r;
  }

  // --- products ---

  template <Columns m, Columns n>
  ISTHMUS_LANES_INLINE friend auto operator+(const Wide<m>& a, const Wide<n>& b) noexcept {
    Wide<combine(1, m, 1, n)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] + b.column[k];
    return r;
  }
  template <Columns m, Columns n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Wide<m>& a, const Wide<n>& b) noexcept {
    Wide<combine(1, m, -1, n)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] - b.column[k];
    return r;
  }
  template <int kFactor, Columns m>
  ISTHMUS_LANES_INLINE friend auto scale(const Wide<m>& a) noexcept {
    Wide<combine(kFactor, m, 0, m)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = scaled<kFactor>(a.column[k]);
    return r;
  }

  // Column by column, so that few are open at a time.
  ISTHMUS_LANES_INLINE friend auto wide_product(const Fp256x4& a, const Fp256x4& b) noexcept {
    Wide<kProductOffset> r;
    multiply<true, true>(r.column[0], r.column[1], a.limb[0], b.limb[0]);
#pragma GCC unroll 8
    for (std::size_t k = 1; k < 9; ++k) {
      const std::size_t first = k < 5 ? 0 : k - 4;
      multiply<false, true>(r.column[k], r.column[k + 1], a.limb[first], b.limb[k - first]);
#pragma GCC unroll 4
      for (std::size_t i = first + 1; i < 5 && i <= k; ++i) {
        multiply<false, false>(r.column[k], r.column[k + 1], a.limb[i], b.limb[k - i]);
      }
    }
    return r;
  }

  // Products of different limbs occur twice.
  ISTHMUS_LANES_INLINE friend auto wide_square(const Fp256x4& a) noexcept {
    Wide<kSquareOffset> r;
    const __m256d* x = a.limb;
    const __m256d twice[4] = {x[0] + x[0], x[1] + x[1], x[2] + x[2], x[3] + x[3]};
    multiply<true, true>(r.column[0], r.column[1], x[0], x[0]);
#pragma GCC unroll 8
    for (std::size_t k = 1; k < 9; ++k) {
      const std::size_t first = k < 5 ? 0 : k - 4;
      multiply<false, true>(r.column[k], r.column[k + 1], k == 8 ? x[4] : twice[first & 3], x[k - first]);
#pragma GCC unroll 2
      for (std::size_t i = first + 1; 2 * i <= k; ++i) {
        multiply<false, false>(r.column[k], r.column[k + 1], 2 * i == k ? x[i] : twice[i & 3], x[k - i]);
      }
    }
    return r;
  }

  // Montgomery's reduction. With 2^50 taken off every digit in advance, they lie around zero.
  template <Columns kOffset>
  ISTHMUS_LANES_INLINE friend auto reduce(const Wide<kOffset>& a) noexcept {
    constexpr Columns kStart = combine(1, kRowStart, -1, kOffset);
    Vector c[10];
    c[0] = add<kStart[0]>(a.column[0]);
    c[1] = add<kStart[1]>(a.column[1]);
    c[2] = add<kStart[2]>(a.column[2]);
    c[3] = add<kStart[3]>(a.column[3]);
    c[4] = add<kStart[4]>(a.column[4]);
    c[5] = a.column[5], c[6] = a.column[6], c[7] = a.column[7], c[8] = a.column[8], c[9] = a.column[9];
#pragma GCC unroll 5
    for (std::size_t row = 0; row < 5; ++row) {
      c[row + 1] += c[row] >> 51;
      add_multiple<Prime<C>::kFactor, true>(c + row + 1, c[row] & kMask51);
    }
    Sum<upper(combine(-1, kStart, 0, kStart))> r;
    r.limb[0] = c[5], r.limb[1] = c[6], r.limb[2] = c[7], r.limb[3] = c[8], r.limb[4] = c[9];
    return r;
  }

  ISTHMUS_LANES_INLINE friend Fp256x4 operator*(const Fp256x4& a, const Fp256x4& b) noexcept {
    return carry(reduce(wide_product(a, b)));
  }
  ISTHMUS_LANES_INLINE friend Fp256x4 square(const Fp256x4& a) noexcept {
    return carry(reduce(wide_square(a)));
  }

  // --- questions ---

  // Zero is the only multiple of p within the bound, and has one form: every lower limb must be a multiple of
  // 2^51.
  ISTHMUS_LANES_INLINE friend Mask is_zero(const Fp256x4& a) noexcept {
    Vector any{};
    for (std::size_t i = 0; i < 5; ++i) any |= a.integer(i);
    return equal(any, Vector{});
  }
  friend Mask is_odd(const Fp256x4& a) noexcept {
    Vector v[5];
    a.canonical(v);
    return equal(v[0] & 1, Vector{} + 1);
  }
  ISTHMUS_LANES_INLINE friend Fp256x4 ct_select(Mask mask, const Fp256x4& a, const Fp256x4& b) noexcept {
    Fp256x4 r;
    for (std::size_t i = 0; i < 5; ++i) {
      r.limb[i] = _mm256_blendv_pd(b.limb[i], a.limb[i], _mm256_castsi256_pd(mask.lanes));
    }
    return r;
  }

 private:
  static constexpr int kRadixBits = 255;
  static constexpr Limbs51 kElementOffset = {kIntegerPattern, kIntegerPattern, kIntegerPattern,
                                             kIntegerPattern, kIntegerPattern};

  // The patterns of one product, and of one square, which computes each pair once.
  static constexpr Columns product_offset(bool square) noexcept {
    Columns c{};
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j) {
        if (square && i > j) continue;
        c[i + j] += kIntegerPattern, c[i + j + 1] += kHighPattern;
      }
    }
    return c;
  }
  static constexpr Columns kProductOffset = product_offset(false);
  static constexpr Columns kSquareOffset = product_offset(true);

  // What reduce() starts from: the lift of the columns that it shifts, each of which takes back what the one
  // below passes on, less 2^50 p for each quotient digit, p = 2^51 kFactor - 1. 2^50 times a power of kFactor
  // reaches into the next limb; of the last column, which has no next, it stays.
  static constexpr Columns kRowStart = [] {
    Columns c{};
    for (std::size_t row = 0; row < 5; ++row) {
      c[row] += kLift + kHalf, c[row + 1] -= kPassed;
      for (const Power& power : Prime<C>::kFactor) {
        const std::size_t at = row + power.limb + 2;
        const auto sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(power.sign));
        if (at < 10) c[at] -= sign << (power.bits - 1);
        if (at == 10) c[9] -= sign << (power.bits + 50);
      }
    }
    return c;
  }();

  static constexpr Limbs51 upper(const Columns& c) noexcept { return {c[5], c[6], c[7], c[8], c[9]}; }

  static constexpr Limbs51 multiple_of_complement(std::uint64_t q) noexcept {
    Limbs51 r{};
    for (const Power& power : Prime<C>::kComplement) {
      r[power.limb] += (power.sign > 0 ? q : std::uint64_t{0} - q) << power.bits;
    }
    return r;
  }

  // v + kValue, from memory: the compiler would build the constant in general registers.
  template <std::uint64_t kValue>
  ISTHMUS_LANES_INLINE static Vector add(Vector v) noexcept {
    alignas(32) static constexpr std::uint64_t kLanesOf[4] = {kValue, kValue, kValue, kValue};
    Vector r;
    __asm__("vpaddq %[constant], %[v], %[r]" : [r] "=x"(r) : [v] "x"(v), [constant] "m"(kLanesOf));
    return r;
  }

  // low += the lower part of a b, high += the higher part, patterns included; or sets them. In assembly,
  // additions included, because the compiler would make all halves first, add them up in trees, and keep them
  // on the stack until then.
  template <bool kSetLow, bool kSetHigh>
  ISTHMUS_LANES_INLINE static void multiply(Vector& low, Vector& high, __m256d a, __m256d b) noexcept {
    const __m256d c = _mm256_set1_pd(0x1.8p103), c_plus = _mm256_set1_pd(0x1.8p103 + 0x1.8p52);
    __m256d h, l;
    if constexpr (kSetHigh) {
      __asm__(
          "vmovapd %[c], %[h]\n\t"
          "vfmadd231pd %[b], %[a], %[h]\n\t"
          "vsubpd %[h], %[c_plus], %[l]\n\t"
          "vfmadd231pd %[b], %[a], %[l]"
          : [h] "=&x"(h), [l] "=&x"(l)
          : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
      high = (Vector)h;
    } else {
      __asm__(
          "vmovapd %[c], %[h]\n\t"
          "vfmadd231pd %[b], %[a], %[h]\n\t"
          "vsubpd %[h], %[c_plus], %[l]\n\t"
          "vpaddq %[h], %[high], %[high]\n\t"
          "vfmadd231pd %[b], %[a], %[l]"
          : [high] "+x"(high), [h] "=&x"(h), [l] "=&x"(l)
          : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
    }
    if constexpr (kSetLow) {
      low = (Vector)l;
    } else {
      __asm__("vpaddq %[l], %[low], %[low]" : [low] "+x"(low) : [l] "x"(l));
    }
  }

  ISTHMUS_LANES_INLINE static Mask equal(Vector a, Vector b) noexcept {
    return {_mm256_cmpeq_epi64((__m256i)a, (__m256i)b)};
  }

  // The low 51 bits as the pattern of 2^52 plus them.
  ISTHMUS_LANES_INLINE static __m256d rest(Vector v) noexcept {
    return (__m256d)((v & kMask51) | kTwo52Pattern);
  }

  // Limb i as an integer of either sign.
  ISTHMUS_LANES_INLINE Vector integer(std::size_t i) const noexcept {
    return (Vector)(limb[i] + _mm256_set1_pd(0x1.8p52)) - kIntegerPattern;
  }

  // The value itself in limbs below 2^51, and the top one below 2^52: reducing the limbs as an integer
  // leaves one within p / 2 + 2, the only one of its class in [0, p) but for p itself when it is negative.
  void canonical(Vector* v) const noexcept {
    const auto limbs = to_sum(*this);
    Wide<Columns{kIntegerPattern, kIntegerPattern, kIntegerPattern, kIntegerPattern, kIntegerPattern}> wide;
    for (std::size_t i = 0; i < 5; ++i) wide.column[i] = limbs.limb[i], wide.column[i + 5] = Vector{};
    const Fp256x4 value = carry(reduce(wide));
    for (std::size_t i = 0; i < 5; ++i) v[i] = value.integer(i);
    pass_carries(v);
    constexpr Limbs51 kPrime = split51(C::kModulus);
    const Vector negative = (Vector)_mm256_cmpgt_epi64(_mm256_setzero_si256(), (__m256i)v[4]);
    for (std::size_t i = 0; i < 5; ++i) v[i] += negative & kPrime[i];
    pass_carries(v);
  }
  // Brings the lower limbs to [0, 2^51).
  ISTHMUS_LANES_INLINE static void pass_carries(Vector* v) noexcept {
    for (std::size_t i = 0; i < 4; ++i) {
      v[i + 1] += ((v[i] + kLift) >> 51) - kPassed;
      v[i] &= kMask51;
    }
  }
};

template <int kFactor, class C>
ISTHMUS_LANES_INLINE auto small_multiple(const Fp256x4<C>& a) noexcept {
  return scale<kFactor>(to_sum(a));
}
template <int kFactor, class S>
ISTHMUS_LANES_INLINE auto small_multiple(const S& a) noexcept {
  return scale<kFactor>(a);
}

}  // namespace
}  // namespace isthmus::weierstrass
