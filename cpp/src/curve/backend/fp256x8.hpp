#pragma once
// Eight elements modulo the prime of P-256 or SM2, one per 64-bit lane, on the 52-bit multiply-add of AVX-512
// IFMA. For *avx512ifma.cpp only; everything has internal linkage.
//
// An element a is held as a R modulo p, R = 2^260, in five limbs of 52 bits. Bounds:
//   element   limbs < 2^52, value < 1.08 p.
//   Sum       signed limbs below 2^60, value within 16 p of zero.
//   Wide      signed columns below 2^60, value within 16 p^2 of zero: what reduce() takes.
// A product of elements divided by R is below 0.08 p, and reduce() adds a multiple q p / R < p; so products
// are elements again. A column of a product is below 10 * 2^52, and no sum of the formulas has more than ten
// of them.
//
// Both primes are -1 modulo 2^52. So the quotient digit of Montgomery's reduction is the lowest limb itself,
// and q p cancels it and leaves q (p + 1) / 2^52, whose limbs are few.

#include <immintrin.h>

#include "fp256_lanes.hpp"

namespace isthmus::weierstrass {
namespace {

constexpr std::uint64_t kMask52 = (std::uint64_t{1} << 52) - 1;

using Vector8 = std::uint64_t __attribute__((vector_size(64)));
using Limbs52 = std::array<std::uint64_t, 5>;

constexpr Limbs52 split52(const Words256& w) noexcept {
  return {w[0] & kMask52, ((w[0] >> 52) | (w[1] << 12)) & kMask52, ((w[1] >> 40) | (w[2] << 24)) & kMask52,
          ((w[2] >> 28) | (w[3] << 36)) & kMask52, w[3] >> 16};
}

// The two primes. 2^48 - 2^16 is what both have in the top limb of (p + 1) / 2^52.
constexpr std::uint64_t kTopFactor = (std::uint64_t{1} << 48) - (std::uint64_t{1} << 16);

template <class Curve>
struct Prime;

template <>
struct Prime<P256> {
  // (p + 1) / 2^52 = 2^44 + 2^36 2^104 + (2^48 - 2^16) 2^156.
  static constexpr Limbs52 kFactor = {std::uint64_t{1} << 44, 0, std::uint64_t{1} << 36, kTopFactor, 0};
  static constexpr bool kMinusOne = false;
  // c += q (2^256 - p), 2^256 - p = 2^224 - 2^192 - 2^96 + 1, for small q of either sign.
  ISTHMUS_LANES_INLINE static void add_complement(Vector8* c, Vector8 q) noexcept {
    c[0] += q;
    c[1] -= q << 44;
    c[3] -= q << 36;
    c[4] += q << 16;
  }
};

template <>
struct Prime<Sm2> {
  // (p + 1) / 2^52 = 2^12 - 2^44 + (2^48 - 2^16) 2^156; in place of -2^44, 2^52 - 2^44 and then -1 in the
  // next limb.
  static constexpr Limbs52 kFactor = {
      (std::uint64_t{1} << 52) - (std::uint64_t{1} << 44) + (std::uint64_t{1} << 12), 0, 0, kTopFactor, 0};
  static constexpr bool kMinusOne = true;
  // 2^256 - p = 2^224 + 2^96 - 2^64 + 1.
  ISTHMUS_LANES_INLINE static void add_complement(Vector8* c, Vector8 q) noexcept {
    c[0] += q;
    c[1] += (q << 44) - (q << 12);
    c[4] += q << 16;
  }
};

template <class C>
class Fp256x8 {
 public:
  using Curve = C;
  using Vector = Vector8;
  static constexpr std::size_t kLanes = 8;

  struct Mask {
    __mmask8 lanes;
    friend Mask operator|(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes | b.lanes)}; }
    friend Mask operator^(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes ^ b.lanes)}; }
    friend std::uint64_t lane_of(Mask mask, std::size_t lane) noexcept {
      return std::uint64_t{0} - ((std::uint64_t{mask.lanes} >> lane) & 1);
    }
  };

  // Everything is copied vector by vector: the compiler would copy the whole in smaller pieces, and loads
  // would wait for them.

  struct Sum {
    Vector limb[5];

    Sum() = default;
    ISTHMUS_LANES_INLINE Sum(const Sum& a) noexcept
        : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
    ISTHMUS_LANES_INLINE Sum(const Fp256x8& a) noexcept
        : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  };
  struct Wide {
    Vector column[10];

    Wide() = default;
    ISTHMUS_LANES_INLINE Wide(const Wide& a) noexcept
        : column{a.column[0], a.column[1], a.column[2], a.column[3], a.column[4],
                 a.column[5], a.column[6], a.column[7], a.column[8], a.column[9]} {}
  };

  Vector limb[5];

  Fp256x8() = default;
  ISTHMUS_LANES_INLINE Fp256x8(const Fp256x8& a) noexcept
      : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  ISTHMUS_LANES_INLINE Fp256x8& operator=(const Fp256x8& a) noexcept {
    limb[0] = a.limb[0], limb[1] = a.limb[1], limb[2] = a.limb[2];
    limb[3] = a.limb[3], limb[4] = a.limb[4];
    return *this;
  }

  template <Words256 kValue>
  ISTHMUS_LANES_INLINE static Fp256x8 constant() noexcept {
    static constexpr Limbs52 kLimbs = split52(fp256::shift_left_mod(kValue, 260, C::kModulus));
    return broadcast(kLimbs);
  }
  ISTHMUS_LANES_INLINE static Fp256x8 zero() noexcept { return broadcast({}); }
  ISTHMUS_LANES_INLINE static Fp256x8 one() noexcept { return constant<Words256{1, 0, 0, 0}>(); }

  // Reads kLanes integers, any below 2^256.
  static Fp256x8 load(const Words256* words) noexcept {
    Vector w[4];
    load_words<Fp256x8>(words, w);
    Fp256x8 r;
    r.limb[0] = w[0] & kMask52;
    r.limb[1] = ((w[0] >> 52) | (w[1] << 12)) & kMask52;
    r.limb[2] = ((w[1] >> 40) | (w[2] << 24)) & kMask52;
    r.limb[3] = ((w[2] >> 28) | (w[3] << 36)) & kMask52;
    r.limb[4] = w[3] >> 16;
    constexpr Words256 kRadix = fp256::shift_left_mod({1, 0, 0, 0}, 260, C::kModulus);
    return r * constant<kRadix>();
  }

  // Writes the canonical values.
  void store(Words256* words) const noexcept {
    const Fp256x8 value = canonical();
    const Vector* v = value.limb;
    const Vector w[4] = {v[0] | (v[1] << 52), (v[1] >> 12) | (v[2] << 40), (v[2] >> 24) | (v[3] << 28),
                         (v[3] >> 36) | (v[4] << 16)};
    store_words<Fp256x8>(w, words);
  }

  ISTHMUS_LANES_INLINE static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return equal((Vector)_mm512_maskz_cvtepu8_epi64(0xff, eight), Vector{} + wanted);
  }

  // --- sums ---

  ISTHMUS_LANES_INLINE friend Sum operator+(const Sum& a, const Sum& b) noexcept {
    Sum r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] + b.limb[i];
    return r;
  }
  ISTHMUS_LANES_INLINE friend Sum operator-(const Sum& a, const Sum& b) noexcept {
    Sum r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] - b.limb[i];
    return r;
  }
  ISTHMUS_LANES_INLINE friend Sum operator-(const Sum& a) noexcept {
    Sum r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = Vector{} - a.limb[i];
    return r;
  }
  template <int kFactor>
  ISTHMUS_LANES_INLINE friend Sum scale(const Sum& a) noexcept {
    Sum r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = scaled<kFactor>(a.limb[i]);
    return r;
  }

  // The element of a sum. Its multiple of 2^256 comes from the top limb, to which lower ones can carry no
  // more than 2^12; taking a little less, 2^21 of the limb's units, leaves what remains positive, and below
  // 2^256 + 2^230, after the multiple times 2^256 - p < 2^225 was added in return.
  ISTHMUS_LANES_INLINE friend Fp256x8 carry(const Sum& a) noexcept {
    const Vector q = shift_right<48>(a.limb[4] - (std::uint64_t{1} << 21));
    Sum r = a;
    r.limb[4] -= q << 48;
    Prime<C>::add_complement(r.limb, q);
    return pass_carries(r);
  }

  // --- products ---

  ISTHMUS_LANES_INLINE friend Wide operator+(const Wide& a, const Wide& b) noexcept {
    Wide r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] + b.column[k];
    return r;
  }
  ISTHMUS_LANES_INLINE friend Wide operator-(const Wide& a, const Wide& b) noexcept {
    Wide r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] - b.column[k];
    return r;
  }
  template <int kFactor>
  ISTHMUS_LANES_INLINE friend Wide scale(const Wide& a) noexcept {
    Wide r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = scaled<kFactor>(a.column[k]);
    return r;
  }

  // Column by column, so that few are open at a time.
  ISTHMUS_LANES_INLINE friend Wide wide_product(const Fp256x8& a, const Fp256x8& b) noexcept {
    Wide r;
    for (auto& column : r.column) column = Vector{};
#pragma GCC unroll 9
    for (std::size_t k = 0; k < 9; ++k) {
#pragma GCC unroll 5
      for (std::size_t i = k < 5 ? 0 : k - 4; i < 5 && i <= k; ++i) {
        multiply(r.column[k], r.column[k + 1], a.limb[i], b.limb[k - i]);
      }
    }
    return r;
  }

  // Products of different limbs occur twice.
  ISTHMUS_LANES_INLINE friend Wide wide_square(const Fp256x8& a) noexcept {
    Wide r;
    for (auto& column : r.column) column = Vector{};
#pragma GCC unroll 7
    for (std::size_t k = 1; k < 8; ++k) {
#pragma GCC unroll 2
      for (std::size_t i = k < 5 ? 0 : k - 4; 2 * i < k; ++i) {
        multiply(r.column[k], r.column[k + 1], a.limb[i], a.limb[k - i]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t k = 1; k < 9; ++k) r.column[k] += r.column[k];
#pragma GCC unroll 5
    for (std::size_t i = 0; i < 5; ++i) {
      multiply(r.column[2 * i], r.column[2 * i + 1], a.limb[i], a.limb[i]);
    }
    return r;
  }

  // Montgomery's reduction.
  ISTHMUS_LANES_INLINE friend Sum reduce(const Wide& a) noexcept {
    using P = Prime<C>;
    Wide t = a;
    Vector* c = t.column;
#pragma GCC unroll 5
    for (std::size_t row = 0; row < 5; ++row) {
      const Vector q = c[row] & kMask52;
      c[row + 1] += shift_right<52>(c[row]);
#pragma GCC unroll 4
      for (std::size_t k = 0; k < 4; ++k) {
        if (P::kFactor[k] == 0) continue;
        multiply(c[row + k + 1], c[row + k + 2], q, Vector{} + P::kFactor[k]);
      }
      if constexpr (P::kMinusOne) c[row + 2] -= q;
    }
    Sum r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = c[i + 5];
    return r;
  }

  ISTHMUS_LANES_INLINE friend Fp256x8 operator*(const Fp256x8& a, const Fp256x8& b) noexcept {
    return pass_carries(reduce(wide_product(a, b)));
  }
  ISTHMUS_LANES_INLINE friend Fp256x8 square(const Fp256x8& a) noexcept {
    return pass_carries(reduce(wide_square(a)));
  }

  // --- questions ---

  ISTHMUS_LANES_INLINE friend Mask is_zero(const Fp256x8& a) noexcept {
    constexpr Limbs52 kPrime = split52(C::kModulus);
    Vector zero{}, prime{};
    for (std::size_t i = 0; i < 5; ++i) {
      zero |= a.limb[i];
      prime |= a.limb[i] ^ kPrime[i];
    }
    return equal(zero, Vector{}) | equal(prime, Vector{});
  }
  friend Mask is_odd(const Fp256x8& a) noexcept { return equal(a.canonical().limb[0] & 1, Vector{} + 1); }
  ISTHMUS_LANES_INLINE friend Fp256x8 ct_select(Mask mask, const Fp256x8& a, const Fp256x8& b) noexcept {
    Fp256x8 r;
    for (std::size_t i = 0; i < 5; ++i) {
      r.limb[i] = (Vector)_mm512_mask_mov_epi64((__m512i)b.limb[i], mask.lanes, (__m512i)a.limb[i]);
    }
    return r;
  }

 private:
  ISTHMUS_LANES_INLINE static Fp256x8 broadcast(const Limbs52& limbs) noexcept {
    Fp256x8 r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = Vector{} + limbs[i];
    return r;
  }
  ISTHMUS_LANES_INLINE static void multiply(Vector& low, Vector& high, Vector a, Vector b) noexcept {
    low = (Vector)_mm512_madd52lo_epu64((__m512i)low, (__m512i)a, (__m512i)b);
    high = (Vector)_mm512_madd52hi_epu64((__m512i)high, (__m512i)a, (__m512i)b);
  }
  template <int kBits>
  ISTHMUS_LANES_INLINE static Vector shift_right(Vector v) noexcept {
    using Signed = std::int64_t __attribute__((vector_size(64)));
    return (Vector)((Signed)v >> kBits);
  }
  ISTHMUS_LANES_INLINE static Mask equal(Vector a, Vector b) noexcept {
    return {_mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b)};
  }

  // The element of a value in [0, 2^260): carries go up to the top limb.
  ISTHMUS_LANES_INLINE static Fp256x8 pass_carries(const Sum& a) noexcept {
    Fp256x8 r;
    Vector v = a.limb[0];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      r.limb[i] = v & kMask52;
      v = a.limb[i + 1] + shift_right<52>(v);
    }
    r.limb[4] = v;
    return r;
  }

  // The value itself: reducing the limbs as an integer gives at most p, and p only for zero.
  Fp256x8 canonical() const noexcept {
    Wide wide;
    for (std::size_t i = 0; i < 5; ++i) wide.column[i] = limb[i], wide.column[i + 5] = Vector{};
    const Fp256x8 value = pass_carries(reduce(wide));
    return ct_select(is_zero(value), zero(), value);
  }
};

template <int kFactor, class C>
ISTHMUS_LANES_INLINE auto small_multiple(const Fp256x8<C>& a) noexcept {
  return scale<kFactor>(typename Fp256x8<C>::Sum(a));
}
template <int kFactor, class S>
ISTHMUS_LANES_INLINE S small_multiple(const S& a) noexcept {
  return scale<kFactor>(a);
}

}  // namespace
}  // namespace isthmus::weierstrass
