#pragma once
// Eight elements modulo p = 2^255 - 19, one per 64-bit lane, on the 52-bit multiply-add of AVX-512 IFMA.
// For *avx512ifma.cpp only; everything has internal linkage.
//
// Radix 2^51, five unsigned limbs. The multiplier reads 52 bits of each factor, hence these bounds:
//   tight     limbs < 2^51 + 2^17: every element but the next.
//   operand   limbs < 2^52: what negative_operand() returns; fit for a product and nothing else.
//   wide      columns < 2^63: sums of products before their carries.
// A column of one product is below 267 * 2^52 < 2^60.1: column k adds up n(k) low and 2 n(k-1) high halves,
// each below 2^52, where n = 1 2 3 4 5 4 3 2 1, and 19 times as many of column k + 5; column 0 is the
// largest, 1 + 19 (4 + 2 * 5). The factor 2 is there because a high half weighs 2^52, not 2^51.

#include <immintrin.h>

#include "lanes25519.hpp"

namespace isthmus {
namespace {

class Fp25519x8 {
 public:
  static constexpr std::size_t kLanes = 8;
  using Vector = std::uint64_t __attribute__((vector_size(64)));

  struct Mask {
    __mmask8 lanes;
    friend Mask operator&(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes & b.lanes)}; }
    friend Mask operator|(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes | b.lanes)}; }
    friend Mask operator~(Mask a) noexcept { return {static_cast<__mmask8>(~a.lanes)}; }
  };
  static Mask broadcast(std::uint64_t mask) noexcept { return {static_cast<__mmask8>(mask)}; }
  ISTHMUS_LANES_INLINE static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return {_mm512_cmpeq_epi64_mask(_mm512_maskz_cvtepu8_epi64(0xff, eight), _mm512_set1_epi64(wanted))};
  }
  static unsigned bits(Mask mask) noexcept { return mask.lanes; }

  struct Wide {
    Vector column[5];
  };

  Vector limb[5];

  Fp25519x8() = default;
  // Vector by vector: the compiler would copy the whole in smaller pieces, and loads would wait for them.
  ISTHMUS_LANES_INLINE Fp25519x8(const Fp25519x8& a) noexcept
      : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  ISTHMUS_LANES_INLINE Fp25519x8& operator=(const Fp25519x8& a) noexcept {
    limb[0] = a.limb[0], limb[1] = a.limb[1], limb[2] = a.limb[2], limb[3] = a.limb[3], limb[4] = a.limb[4];
    return *this;
  }
  ISTHMUS_LANES_INLINE explicit Fp25519x8(const Fp25519& a) noexcept {
    for (std::size_t i = 0; i < 5; ++i) limb[i] = Vector{} + a.limb[i];
  }
  ISTHMUS_LANES_INLINE explicit Fp25519x8(const Limbs<Vector>& a) noexcept {
    for (std::size_t i = 0; i < 5; ++i) limb[i] = a.limb[i];
  }
  ISTHMUS_LANES_INLINE static Fp25519x8 zero() noexcept { return Fp25519x8(Limbs<Vector>{}); }
  ISTHMUS_LANES_INLINE static Fp25519x8 one() noexcept { return Fp25519x8(Limbs<Vector>{{Vector{} + 1}}); }

  static Fp25519x8 from_lanes(const std::uint64_t* words) noexcept {
    Vector w[4];
    for (std::size_t j = 0; j < 4; ++j) w[j] = (Vector)_mm512_loadu_si512(words + j * kLanes);
    return Fp25519x8(split_words(w));
  }
  void to_lanes(std::uint64_t* words) const noexcept {
    Vector w[4];
    join_words(canonical(), w);
    for (std::size_t j = 0; j < 4; ++j) _mm512_storeu_si512(words + j * kLanes, (__m512i)w[j]);
  }

  ISTHMUS_LANES_INLINE Limbs<Vector> canonical() const noexcept {
    return canonical_limbs(Limbs<Vector>{{limb[0], limb[1], limb[2], limb[3], limb[4]}});
  }
};

namespace ifma {

using Vector = Fp25519x8::Vector;
using Wide = Fp25519x8::Wide;

ISTHMUS_LANES_INLINE void add_low(Vector& sum, Vector a, Vector b) noexcept {
  sum = (Vector)_mm512_madd52lo_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}
ISTHMUS_LANES_INLINE void add_high(Vector& sum, Vector a, Vector b) noexcept {
  sum = (Vector)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

// Ten columns to five: 2^255 is 19.
ISTHMUS_LANES_INLINE Wide fold(const Vector* column) noexcept {
  Vector nineteen = Vector{} + 19;
  __asm__("" : "+v"(nineteen));  // one product each, not the shifts and sums of a known factor
  Wide r;
  for (std::size_t k = 0; k < 5; ++k) {
    r.column[k] = column[k] + (Vector)_mm512_mullo_epi64((__m512i)column[k + 5], (__m512i)nineteen);
  }
  return r;
}

}  // namespace ifma

ISTHMUS_LANES_INLINE Fp25519x8::Wide wide_product(const Fp25519x8& a, const Fp25519x8& b) noexcept {
  ifma::Vector column[10] = {};
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (std::size_t j = 0; j < 5; ++j) ifma::add_high(column[i + j + 1], a.limb[i], b.limb[j]);
  }
#pragma GCC unroll 9
  for (std::size_t k = 1; k < 10; ++k) column[k] += column[k];
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (std::size_t j = 0; j < 5; ++j) ifma::add_low(column[i + j], a.limb[i], b.limb[j]);
  }
  return ifma::fold(column);
}

// Column k is 2 (2 H + h + L) + l: H and L are the high and low halves of products of different limbs, each
// of which occurs twice, and h and l those of squares of limbs.
ISTHMUS_LANES_INLINE Fp25519x8::Wide wide_square(const Fp25519x8& a) noexcept {
  ifma::Vector column[10] = {};
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (std::size_t j = i + 1; j < 5; ++j) ifma::add_high(column[i + j + 1], a.limb[i], a.limb[j]);
  }
#pragma GCC unroll 7
  for (std::size_t k = 2; k < 9; ++k) column[k] += column[k];
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) ifma::add_high(column[2 * i + 1], a.limb[i], a.limb[i]);
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (std::size_t j = i + 1; j < 5; ++j) ifma::add_low(column[i + j], a.limb[i], a.limb[j]);
  }
#pragma GCC unroll 9
  for (std::size_t k = 1; k < 10; ++k) column[k] += column[k];
#pragma GCC unroll 5
  for (std::size_t i = 0; i < 5; ++i) ifma::add_low(column[2 * i], a.limb[i], a.limb[i]);
  return ifma::fold(column);
}

ISTHMUS_LANES_INLINE Fp25519x8::Wide wide_scaled(const Fp25519x8& a, std::uint32_t factor) noexcept {
  const ifma::Vector f = ifma::Vector{} + factor;
  ifma::Vector high[5] = {};
  Fp25519x8::Wide r = {};
  for (std::size_t i = 0; i < 5; ++i) ifma::add_high(high[i], a.limb[i], f);
  r.column[0] = nineteen_times(high[4] + high[4]);
  for (std::size_t i = 1; i < 5; ++i) r.column[i] = high[i - 1] + high[i - 1];
  for (std::size_t i = 0; i < 5; ++i) ifma::add_low(r.column[i], a.limb[i], f);
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x8::Wide operator+(const Fp25519x8::Wide& a, const Fp25519x8::Wide& b) noexcept {
  Fp25519x8::Wide r;
  for (std::size_t k = 0; k < 5; ++k) r.column[k] = a.column[k] + b.column[k];
  return r;
}

// For b up to three products, below 2^61.7, and a one: 2^11 p, whose columns lie below 2^62 by at most 2^16,
// keeps the difference positive and below 2^63.
ISTHMUS_LANES_INLINE Fp25519x8::Wide operator-(const Fp25519x8::Wide& a, const Fp25519x8::Wide& b) noexcept {
  Fp25519x8::Wide r;
  for (std::size_t k = 0; k < 5; ++k) r.column[k] = a.column[k] + multiple_of_p(11, k) - b.column[k];
  return r;
}
ISTHMUS_LANES_INLINE Fp25519x8::Wide operator-(const Fp25519x8::Wide& a) noexcept {
  return Fp25519x8::Wide{} - a;
}

// A column below 2^63 carries less than 2^12, and 19 times that is below 2^17: the result is tight.
ISTHMUS_LANES_INLINE Fp25519x8 reduce(const Fp25519x8::Wide& a) noexcept {
  const ifma::Vector nineteen = ifma::Vector{} + 19;
  Fp25519x8 r;
  r.limb[0] = a.column[0] & kLimbMask51;
  ifma::add_low(r.limb[0], a.column[4] >> 51, nineteen);
  for (std::size_t i = 1; i < 5; ++i) {
    r.limb[i] = (a.column[i] & kLimbMask51) + (a.column[i - 1] >> 51);
  }
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x8 operator*(const Fp25519x8& a, const Fp25519x8& b) noexcept {
  return reduce(wide_product(a, b));
}
ISTHMUS_LANES_INLINE Fp25519x8 square(const Fp25519x8& a) noexcept { return reduce(wide_square(a)); }

ISTHMUS_LANES_INLINE Fp25519x8 carry(const Fp25519x8& a) noexcept { return a; }

ISTHMUS_LANES_INLINE Fp25519x8 operator+(const Fp25519x8& a, const Fp25519x8& b) noexcept {
  Fp25519x8::Wide sum;
  for (std::size_t i = 0; i < 5; ++i) sum.column[i] = a.limb[i] + b.limb[i];
  return reduce(sum);
}
ISTHMUS_LANES_INLINE Fp25519x8 operator-(const Fp25519x8& a, const Fp25519x8& b) noexcept {
  Fp25519x8::Wide difference;
  for (std::size_t i = 0; i < 5; ++i) difference.column[i] = a.limb[i] + multiple_of_p(2, i) - b.limb[i];
  return reduce(difference);
}
ISTHMUS_LANES_INLINE Fp25519x8 operator-(const Fp25519x8& a) noexcept { return Fp25519x8::zero() - a; }

ISTHMUS_LANES_INLINE Fp25519x8 sum_operand(const Fp25519x8& a, const Fp25519x8& b) noexcept { return a + b; }
ISTHMUS_LANES_INLINE Fp25519x8 difference_operand(const Fp25519x8& a, const Fp25519x8& b) noexcept {
  return a - b;
}
// The limbs of 2p are 2^52 - 38 and 2^52 - 2.
ISTHMUS_LANES_INLINE Fp25519x8 negative_operand(const Fp25519x8& a) noexcept {
  Fp25519x8 r;
  for (std::size_t i = 0; i < 5; ++i) r.limb[i] = multiple_of_p(1, i) - a.limb[i];
  return r;
}

ISTHMUS_LANES_INLINE Fp25519x8::Mask is_zero(const Fp25519x8& a) noexcept {
  const auto t = a.canonical();
  const auto any = t.limb[0] | t.limb[1] | t.limb[2] | t.limb[3] | t.limb[4];
  return {_mm512_testn_epi64_mask((__m512i)any, (__m512i)any)};
}
ISTHMUS_LANES_INLINE Fp25519x8::Mask is_negative(const Fp25519x8& a) noexcept {
  return {_mm512_test_epi64_mask((__m512i)a.canonical().limb[0], _mm512_set1_epi64(1))};
}
ISTHMUS_LANES_INLINE Fp25519x8 ct_select(Fp25519x8::Mask mask, const Fp25519x8& a,
                                         const Fp25519x8& b) noexcept {
  Fp25519x8 r;
  for (std::size_t i = 0; i < 5; ++i) {
    r.limb[i] = (ifma::Vector)_mm512_mask_mov_epi64((__m512i)b.limb[i], mask.lanes, (__m512i)a.limb[i]);
  }
  return r;
}

}  // namespace
}  // namespace isthmus
