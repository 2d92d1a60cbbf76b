#pragma once
// Four elements modulo p = 2^255 - 19, one per lane, in double-precision fused multiply-adds of AVX2 + FMA.
// For *avx2.cpp only; everything has internal linkage.
//
// Radix 2^51, five signed integer limbs held as doubles. The product ab of two limbs with |ab| < 2^102 is cut
// at 2^51 without an error: with C = 1.5 * 2^103, whose last place is 2^51,
//   high = fma(a, b, C)                                  = C + h 2^51
//   low  = fma(a, b, (C + 1.5 * 2^52) - high)            = 1.5 * 2^52 + l,   ab = h 2^51 + l, |l| <= 2^50.
// Both stay in one binade, so that their bit patterns are fixed constants plus h and l, and columns add up
// with 64-bit integer additions. Rounding must be to nearest (curve25519_avx2.cpp sees to it). Bounds:
//   tight     |limb| <= 2^50 + 2^16: every element but the next.
//   operand   |limb| <= 2^51 + 2^17: a sum or difference of two tight elements; the other factor is tight, so
//             that |ab| < 2^101.1; wide_square() doubles one tight factor instead.
//   wide      |column| < 2^61, as integers. A column of one product is below (5 + 5 * 1.1) (1 + 19) 2^50
//             < 2^58: five low and five high parts at most, and 19 times as many from the column five above.

#include <immintrin.h>

#define ISTHMUS_FORMULA inline

#include "lanes25519.hpp"

namespace isthmus {
namespace {

class Fp25519x4 {
 public:
  static constexpr std::size_t kLanes = 4;
  using Vector = std::uint64_t __attribute__((vector_size(32)));

  struct Mask {
    __m256i lanes;
    friend Mask operator&(Mask a, Mask b) noexcept { return {a.lanes & b.lanes}; }
    friend Mask operator|(Mask a, Mask b) noexcept { return {a.lanes | b.lanes}; }
    friend Mask operator~(Mask a) noexcept { return {~a.lanes}; }
  };
  static Mask broadcast(std::uint64_t mask) noexcept { return {(__m256i)(Vector{} + mask)}; }
  ISTHMUS_LANES_INLINE static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    int four;
    __builtin_memcpy(&four, bytes, sizeof four);
    return {_mm256_cmpeq_epi64(_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)), _mm256_set1_epi64x(wanted))};
  }
  static unsigned bits(Mask mask) noexcept {
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(mask.lanes)));
  }

  struct Wide {
    Vector column[5];
  };

  __m256d limb[5];

  Fp25519x4() = default;
  // Vector by vector: the compiler would copy the whole in smaller pieces, and loads would wait for them.
  ISTHMUS_LANES_INLINE Fp25519x4(const Fp25519x4& a) noexcept
      : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  ISTHMUS_LANES_INLINE Fp25519x4& operator=(const Fp25519x4& a) noexcept {
    limb[0] = a.limb[0], limb[1] = a.limb[1], limb[2] = a.limb[2], limb[3] = a.limb[3], limb[4] = a.limb[4];
    return *this;
  }
  explicit Fp25519x4(const Fp25519& a) noexcept;
  ISTHMUS_LANES_INLINE static Fp25519x4 zero() noexcept {
    Fp25519x4 r;
    for (auto& x : r.limb) x = _mm256_setzero_pd();
    return r;
  }
  ISTHMUS_LANES_INLINE static Fp25519x4 one() noexcept {
    Fp25519x4 r = zero();
    r.limb[0] = _mm256_set1_pd(1);
    return r;
  }

  static Fp25519x4 from_lanes(const std::uint64_t* words) noexcept;
  void to_lanes(std::uint64_t* words) const noexcept {
    Vector w[4];
    join_words(canonical(), w);
    for (std::size_t j = 0; j < 4; ++j) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + j * kLanes), (__m256i)w[j]);
    }
  }

  Limbs<Vector> canonical() const noexcept;
};

namespace fma52 {

using Vector = Fp25519x4::Vector;
using Wide = Fp25519x4::Wide;

constexpr double kC = 0x1.8p103;
constexpr double kCPlus = 0x1.8p103 + 0x1.8p52;
constexpr double kInteger = 0x1.8p52;
// The bit patterns of C and of 1.5 * 2^52.
constexpr std::uint64_t kHighPattern = (std::uint64_t{1023 + 103} << 52) | (std::uint64_t{1} << 51);
constexpr std::uint64_t kLowPattern = (std::uint64_t{1023 + 52} << 52) | (std::uint64_t{1} << 51);
constexpr std::uint64_t kTwo52Pattern = std::uint64_t{1023 + 52} << 52;

struct alignas(32) Constant {
  std::uint64_t lanes[4];
  constexpr explicit Constant(std::uint64_t x) : lanes{x, x, x, x} {}
  // Read from memory: the compiler would build a value that it knows in general registers.
  ISTHMUS_LANES_INLINE Vector load() const noexcept {
    const std::uint64_t* p = lanes;
    __asm__("" : "+r"(p));
    return *reinterpret_cast<const Vector*>(p);
  }
};

// How many products add into column k of a product, or of a square, which computes each pair once.
constexpr std::uint64_t products(int k) { return k < 0 || k > 8 ? 0 : k < 5 ? k + 1 : 9 - k; }
constexpr std::uint64_t squares(int k) { return (products(k) + 1) / 2; }
// What the bit patterns leave in column k, after folding, beyond the integers; modulo 2^64.
constexpr std::uint64_t residue(std::uint64_t (*count)(int), int k) {
  const auto pattern = [count](int column) {
    return count(column) * kLowPattern + count(column - 1) * kHighPattern;
  };
  return pattern(k) + 19 * pattern(k + 5);
}
// A product with one limb has one product per column, five in all.
constexpr Constant kScaledResidue[5] = {
    Constant(0 - (kLowPattern + 19 * kHighPattern)), Constant(0 - (kLowPattern + kHighPattern)),
    Constant(0 - (kLowPattern + kHighPattern)), Constant(0 - (kLowPattern + kHighPattern)),
    Constant(0 - (kLowPattern + kHighPattern))};
constexpr Constant kProductResidue[5] = {
    Constant(0 - residue(products, 0)), Constant(0 - residue(products, 1)),
    Constant(0 - residue(products, 2)), Constant(0 - residue(products, 3)),
    Constant(0 - residue(products, 4))};
constexpr Constant kSquareResidue[5] = {Constant(0 - residue(squares, 0)), Constant(0 - residue(squares, 1)),
                                        Constant(0 - residue(squares, 2)), Constant(0 - residue(squares, 3)),
                                        Constant(0 - residue(squares, 4))};

// Columns of one product in the making. The three steps are in assembly because the compiler, left to
// schedule two hundred independent instructions, spills most of what they yield.
struct Columns {
  __m256d c = _mm256_set1_pd(kC);
  __m256d c_plus = _mm256_set1_pd(kCPlus);
  Vector column[10];

  // Adds ab to column k; the pattern of its high part goes to column k + 1.
  ISTHMUS_LANES_INLINE void add(std::size_t k, __m256d a, __m256d b) noexcept {
    __m256d high, low;
    __asm__(
        "vmovapd %[c], %[high]\n\t"
        "vfmadd231pd %[b], %[a], %[high]\n\t"
        "vsubpd %[high], %[c_plus], %[low]\n\t"
        "vpaddq %[high], %[above], %[above]\n\t"
        "vfmadd231pd %[b], %[a], %[low]\n\t"
        "vpaddq %[low], %[here], %[here]"
        : [above] "+x"(column[k + 1]), [here] "+x"(column[k]), [high] "=&x"(high), [low] "=&x"(low)
        : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
  }
  // The first product of column k, which holds high parts already: sets column k + 1.
  ISTHMUS_LANES_INLINE void add_first(std::size_t k, __m256d a, __m256d b) noexcept {
    __m256d low;
    __asm__(
        "vmovapd %[c], %[above]\n\t"
        "vfmadd231pd %[b], %[a], %[above]\n\t"
        "vsubpd %[above], %[c_plus], %[low]\n\t"
        "vfmadd231pd %[b], %[a], %[low]\n\t"
        "vpaddq %[low], %[here], %[here]"
        : [above] "=&x"(column[k + 1]), [here] "+x"(column[k]), [low] "=&x"(low)
        : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
  }
  // The very first product: sets columns k and k + 1.
  ISTHMUS_LANES_INLINE void set(std::size_t k, __m256d a, __m256d b) noexcept {
    __asm__(
        "vmovapd %[c], %[above]\n\t"
        "vfmadd231pd %[b], %[a], %[above]\n\t"
        "vsubpd %[above], %[c_plus], %[here]\n\t"
        "vfmadd231pd %[b], %[a], %[here]"
        : [above] "=&x"(column[k + 1]), [here] "=&x"(column[k])
        : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
  }
  // 2^255 is 19.
  ISTHMUS_LANES_INLINE Vector folded(std::size_t k, const Constant* residues) noexcept {
    return nineteen_times(column[k + 5]) + residues[k].load();
  }
};

}  // namespace fma52

// Column 4 comes first, for its high part, and then the upper columns, so that each is folded once complete
// and sixteen registers suffice.
ISTHMUS_LANES_INLINE Fp25519x4::Wide wide_product(const Fp25519x4& x, const Fp25519x4& y) noexcept {
  const __m256d a0 = x.limb[0], a1 = x.limb[1], a2 = x.limb[2], a3 = x.limb[3], a4 = x.limb[4];
  const __m256d* b = y.limb;
  const auto& residues = fma52::kProductResidue;
  fma52::Columns m;
  auto& c = m.column;
  m.set(4, a0, b[4]), m.add(4, a1, b[3]), m.add(4, a2, b[2]), m.add(4, a3, b[1]), m.add(4, a4, b[0]);
  m.add_first(5, a1, b[4]), m.add(5, a2, b[3]), m.add(5, a3, b[2]), m.add(5, a4, b[1]);
  c[0] = m.folded(0, residues);
  m.add_first(6, a2, b[4]), m.add(6, a3, b[3]), m.add(6, a4, b[2]);
  const auto folded1 = m.folded(1, residues);
  m.add_first(7, a3, b[4]), m.add(7, a4, b[3]);
  const auto folded2 = m.folded(2, residues);
  m.add_first(8, a4, b[4]);
  const auto folded3 = m.folded(3, residues);
  c[4] += m.folded(4, residues);
  m.add_first(0, a0, b[0]);
  c[1] += folded1;
  m.add_first(1, a0, b[1]), m.add(1, a1, b[0]);
  c[2] += folded2;
  m.add_first(2, a0, b[2]), m.add(2, a1, b[1]), m.add(2, a2, b[0]);
  c[3] += folded3;
  m.add(3, a0, b[3]), m.add(3, a1, b[2]), m.add(3, a2, b[1]), m.add(3, a3, b[0]);
  return {{c[0], c[1], c[2], c[3], c[4]}};
}

ISTHMUS_LANES_INLINE Fp25519x4::Wide wide_square(const Fp25519x4& x) noexcept {
  const __m256d a0 = x.limb[0], a1 = x.limb[1], a2 = x.limb[2], a3 = x.limb[3], a4 = x.limb[4];
  const __m256d d0 = a0 + a0, d1 = a1 + a1, d2 = a2 + a2, d3 = a3 + a3;
  const auto& residues = fma52::kSquareResidue;
  fma52::Columns m;
  auto& c = m.column;
  m.set(4, d0, a4), m.add(4, d1, a3), m.add(4, a2, a2);
  m.add_first(5, d1, a4), m.add(5, d2, a3);
  c[0] = m.folded(0, residues);
  m.add_first(6, d2, a4), m.add(6, a3, a3);
  const auto folded1 = m.folded(1, residues);
  m.add_first(7, d3, a4);
  const auto folded2 = m.folded(2, residues);
  m.add_first(8, a4, a4);
  const auto folded3 = m.folded(3, residues);
  c[4] += m.folded(4, residues);
  m.add_first(0, a0, a0);
  c[1] += folded1;
  m.add_first(1, d0, a1);
  c[2] += folded2;
  m.add_first(2, d0, a2), m.add(2, a1, a1);
  c[3] += folded3;
  m.add(3, d0, a3), m.add(3, d1, a2);
  return {{c[0], c[1], c[2], c[3], c[4]}};
}

ISTHMUS_LANES_INLINE Fp25519x4::Wide wide_scaled(const Fp25519x4& x, std::uint32_t factor) noexcept {
  const __m256d f = _mm256_set1_pd(factor);
  const auto& residues = fma52::kScaledResidue;
  fma52::Columns m;
  auto& c = m.column;
  m.set(0, x.limb[0], f);
  m.add_first(1, x.limb[1], f), m.add_first(2, x.limb[2], f), m.add_first(3, x.limb[3], f);
  m.add_first(4, x.limb[4], f);
  c[0] += m.folded(0, residues);
  Fp25519x4::Wide r = {{c[0]}};
  for (std::size_t k = 1; k < 5; ++k) r.column[k] = c[k] + residues[k].load();
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x4::Wide operator+(const Fp25519x4::Wide& a, const Fp25519x4::Wide& b) noexcept {
  Fp25519x4::Wide r;
  for (std::size_t k = 0; k < 5; ++k) r.column[k] = a.column[k] + b.column[k];
  return r;
}
ISTHMUS_LANES_INLINE Fp25519x4::Wide operator-(const Fp25519x4::Wide& a, const Fp25519x4::Wide& b) noexcept {
  Fp25519x4::Wide r;
  for (std::size_t k = 0; k < 5; ++k) r.column[k] = a.column[k] - b.column[k];
  return r;
}
ISTHMUS_LANES_INLINE Fp25519x4::Wide operator-(const Fp25519x4::Wide& a) noexcept {
  return Fp25519x4::Wide{} - a;
}

// 2^62 makes the columns positive, since there is no arithmetic shift of 64 bits, and 2^50 makes the rest
// after the carry lie around zero. The carry is then 2^11 too large; it is below 2^11 in size without that,
// and 19 times as much below 2^16: the result is tight.
ISTHMUS_LANES_INLINE Fp25519x4 reduce(const Fp25519x4::Wide& a) noexcept {
  constexpr std::uint64_t kBias = (std::uint64_t{1} << 62) + (std::uint64_t{1} << 50);
  const __m256d offset0 = _mm256_set1_pd(0x1p52 + 0x1p50 + 19 * 0x1p11);
  const __m256d offset = _mm256_set1_pd(0x1p52 + 0x1p50 + 0x1p11);
  fma52::Vector c[5];
  for (std::size_t k = 0; k < 5; ++k) c[k] = a.column[k] + kBias;
  const auto rest = [&c](std::size_t k) { return (c[k] & kLimbMask51) | fma52::kTwo52Pattern; };
  Fp25519x4 r;
  const auto wrapped = (fma52::Vector)_mm256_mul_epu32((__m256i)(c[4] >> 51), _mm256_set1_epi64x(19));
  r.limb[0] = (__m256d)(rest(0) + wrapped) - offset0;
  for (std::size_t k = 1; k < 5; ++k) r.limb[k] = (__m256d)(rest(k) + (c[k - 1] >> 51)) - offset;
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x4 operator*(const Fp25519x4& a, const Fp25519x4& b) noexcept {
  return reduce(wide_product(a, b));
}
ISTHMUS_LANES_INLINE Fp25519x4 square(const Fp25519x4& a) noexcept { return reduce(wide_square(a)); }

ISTHMUS_LANES_INLINE Fp25519x4 sum_operand(const Fp25519x4& a, const Fp25519x4& b) noexcept {
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] + b.limb[i];
  return r;
}
ISTHMUS_LANES_INLINE Fp25519x4 difference_operand(const Fp25519x4& a, const Fp25519x4& b) noexcept {
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] - b.limb[i];
  return r;
}

// Rounds every limb to a multiple of 2^51, which the next limb takes: operands to tight.
ISTHMUS_LANES_INLINE Fp25519x4 tightened(const Fp25519x4& a) noexcept {
  const __m256d c = _mm256_set1_pd(fma52::kC);
  __m256d multiple[5];
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) {
    multiple[i] = (a.limb[i] + c) - c;
    r.limb[i] = a.limb[i] - multiple[i];
  }
  r.limb[0] = _mm256_fmadd_pd(multiple[4], _mm256_set1_pd(19 * 0x1p-51), r.limb[0]);
  for (std::size_t i = 1; i < 5; ++i) {
    r.limb[i] = _mm256_fmadd_pd(multiple[i - 1], _mm256_set1_pd(0x1p-51), r.limb[i]);
  }
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x4 carry(const Fp25519x4& a) noexcept { return a; }

ISTHMUS_LANES_INLINE Fp25519x4 operator+(const Fp25519x4& a, const Fp25519x4& b) noexcept {
  return tightened(sum_operand(a, b));
}
ISTHMUS_LANES_INLINE Fp25519x4 operator-(const Fp25519x4& a, const Fp25519x4& b) noexcept {
  return tightened(difference_operand(a, b));
}
ISTHMUS_LANES_INLINE Fp25519x4 operator-(const Fp25519x4& a) noexcept {
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) r.limb[i] = -a.limb[i];
  return r;
}
ISTHMUS_LANES_INLINE Fp25519x4 negative_operand(const Fp25519x4& a) noexcept { return -a; }

ISTHMUS_LANES_INLINE Fp25519x4 from_limbs(const Limbs<Fp25519x4::Vector>& a) noexcept {
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) {
    r.limb[i] = (__m256d)(a.limb[i] | fma52::kTwo52Pattern) - _mm256_set1_pd(0x1p52);
  }
  return tightened(r);
}

inline Fp25519x4::Fp25519x4(const Fp25519& a) noexcept {
  Limbs<Vector> limbs;
  for (std::size_t i = 0; i < 5; ++i) limbs.limb[i] = Vector{} + a.limb[i];
  *this = from_limbs(limbs);
}

inline Fp25519x4 Fp25519x4::from_lanes(const std::uint64_t* words) noexcept {
  Vector w[4];
  for (std::size_t j = 0; j < 4; ++j) {
    w[j] = (Vector)_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + j * kLanes));
  }
  return from_limbs(split_words(w));
}

// 2p lifts the limbs, of either sign and below 2^51, to positive ones below 2^53.
inline Limbs<Fp25519x4::Vector> Fp25519x4::canonical() const noexcept {
  Limbs<Vector> t;
  for (std::size_t i = 0; i < 5; ++i) {
    t.limb[i] =
        (Vector)(limb[i] + _mm256_set1_pd(fma52::kInteger)) - fma52::kLowPattern + multiple_of_p(1, i);
  }
  return canonical_limbs(t);
}

ISTHMUS_LANES_INLINE Fp25519x4::Mask is_zero(const Fp25519x4& a) noexcept {
  const auto t = a.canonical();
  const auto any = t.limb[0] | t.limb[1] | t.limb[2] | t.limb[3] | t.limb[4];
  return {_mm256_cmpeq_epi64((__m256i)any, _mm256_setzero_si256())};
}
ISTHMUS_LANES_INLINE Fp25519x4::Mask is_negative(const Fp25519x4& a) noexcept {
  return {(__m256i)(fma52::Vector{} - (a.canonical().limb[0] & 1))};
}
ISTHMUS_LANES_INLINE Fp25519x4 ct_select(Fp25519x4::Mask mask, const Fp25519x4& a,
                                         const Fp25519x4& b) noexcept {
  Fp25519x4 r;
  for (std::size_t i = 0; i < 5; ++i) {
    r.limb[i] = _mm256_blendv_pd(b.limb[i], a.limb[i], _mm256_castsi256_pd(mask.lanes));
  }
  return r;
}

}  // namespace
}  // namespace isthmus
