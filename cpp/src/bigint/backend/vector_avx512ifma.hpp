#pragma once
// Vectors of 64-bit words on AVX-512, and loops that are always unrolled.
//
// Everything here is internal to the file that includes it: a copy compiled for a newer CPU must never be
// the one that other files are linked with.

#include <immintrin.h>

#include "kernels.hpp"

#if defined(__GNUC__) && !defined(__clang__)
// In the intrinsics' own header (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define ISTHMUS_INLINE __attribute__((always_inline)) inline

namespace isthmus::bigint {
namespace {

constexpr unsigned kDigitBits = 52;
constexpr Limb kDigitMask = (Limb{1} << kDigitBits) - 1;

template <std::size_t Lanes>
struct Register;
template <>
struct Register<8> {
  using T = __m512i;
};
template <>
struct Register<4> {
  using T = __m256i;
};

/// Arithmetic on vectors of one word for each of `Lanes` lanes, 8 or 4.
template <std::size_t Lanes>
struct Vector {
  static constexpr bool kWide = Lanes == 8;
  static constexpr std::size_t kLanes = Lanes;
  using T = typename Register<Lanes>::T;
  using Mask = __mmask8;

  static ISTHMUS_INLINE T zero() { return T{}; }
  static ISTHMUS_INLINE T all(Limb x) {
    if constexpr (kWide)
      return _mm512_set1_epi64(static_cast<long long>(x));
    else
      return _mm256_set1_epi64x(static_cast<long long>(x));
  }
  /// sum plus the low, or the high, 52 bits of a*b.
  static ISTHMUS_INLINE T low(T sum, T a, T b) {
    if constexpr (kWide)
      return _mm512_madd52lo_epu64(sum, a, b);
    else
      return _mm256_madd52lo_epu64(sum, a, b);
  }
  static ISTHMUS_INLINE T high(T sum, T a, T b) {
    if constexpr (kWide)
      return _mm512_madd52hi_epu64(sum, a, b);
    else
      return _mm256_madd52hi_epu64(sum, a, b);
  }
  static ISTHMUS_INLINE T add(T a, T b) {
    if constexpr (kWide)
      return _mm512_add_epi64(a, b);
    else
      return _mm256_add_epi64(a, b);
  }
  static ISTHMUS_INLINE T sub(T a, T b) {
    if constexpr (kWide)
      return _mm512_sub_epi64(a, b);
    else
      return _mm256_sub_epi64(a, b);
  }
  static ISTHMUS_INLINE T masked(T a) {
    if constexpr (kWide)
      return _mm512_and_si512(a, all(kDigitMask));
    else
      return _mm256_and_si256(a, all(kDigitMask));
  }
  static ISTHMUS_INLINE T above(T a) {
    if constexpr (kWide)
      return _mm512_srai_epi64(a, kDigitBits);
    else
      return _mm256_srai_epi64(a, kDigitBits);
  }
  static ISTHMUS_INLINE Mask negative(T a) {
    if constexpr (kWide)
      return _mm512_movepi64_mask(a);
    else
      return _mm256_movepi64_mask(a);
  }
  static ISTHMUS_INLINE T select(Mask mask, T a, T b) {
    if constexpr (kWide)
      return _mm512_mask_blend_epi64(mask, b, a);
    else
      return _mm256_mask_blend_epi64(mask, b, a);
  }
  static ISTHMUS_INLINE T or_and(T sum, T a, T b) {
    if constexpr (kWide)
      return _mm512_ternarylogic_epi64(sum, a, b, 0xf8);
    else
      return _mm256_ternarylogic_epi64(sum, a, b, 0xf8);
  }
  static ISTHMUS_INLINE Mask any_bit(T a, T b) {
    if constexpr (kWide)
      return _mm512_test_epi64_mask(a, b);
    else
      return _mm256_test_epi64_mask(a, b);
  }
  /// Lane l: word index[l] mod 2 * kLanes of the two vectors.
  static ISTHMUS_INLINE T permute(T low, T index, T high) {
    if constexpr (kWide)
      return _mm512_permutex2var_epi64(low, index, high);
    else
      return _mm256_permutex2var_epi64(low, index, high);
  }

  /// The lowest `words` of the lanes, at most all of them.
  static ISTHMUS_INLINE Mask first(std::size_t words) {
    return static_cast<Mask>(words >= kLanes ? (1U << kLanes) - 1 : (1U << words) - 1);
  }
  static ISTHMUS_INLINE T load(Mask words, const Limb* from) {
    if constexpr (kWide)
      return _mm512_maskz_loadu_epi64(words, from);
    else
      return _mm256_maskz_loadu_epi64(words, from);
  }
  static ISTHMUS_INLINE void store(Limb* to, Mask words, T x) {
    if constexpr (kWide)
      _mm512_mask_storeu_epi64(to, words, x);
    else
      _mm256_mask_storeu_epi64(to, words, x);
  }
};
using Eight = Vector<8>;
using Four = Vector<4>;

template <int I>
struct Index {
  static constexpr int value = I;
};

/// f(Index<From>), ..., f(Index<To - 1>), unrolled.
template <int From, int To, class F>
ISTHMUS_INLINE void unroll(const F& f) {
  if constexpr (From < To) {
    f(Index<From>{});
    unroll<From + 1, To>(f);
  }
}

}  // namespace
}  // namespace isthmus::bigint
