#pragma once
// What the vector field types modulo 2^255 - 19 share: vectors of unsigned 64-bit words, one lane per
// element, five limbs of radix 2^51. Included only by backends; everything has internal linkage.

#include <cstddef>
#include <cstdint>

#include "isthmus/field/fp25519.hpp"

namespace isthmus {
namespace {

#define ISTHMUS_LANES_INLINE inline __attribute__((always_inline))

constexpr std::uint64_t kLimbMask51 = (std::uint64_t{1} << 51) - 1;

/// Limbs of p and of small multiples of it: limb i of 2^e p.
constexpr std::uint64_t multiple_of_p(int exponent, std::size_t limb) {
  return (kLimbMask51 - (limb == 0 ? 18 : 0)) << exponent;
}

template <class Vector>
struct Limbs {
  Vector limb[5];
};

/// Splits 255-bit integers, given as words[j] = the j-th 64-bit word of every lane; the top bits are dropped.
template <class Vector>
ISTHMUS_LANES_INLINE Limbs<Vector> split_words(const Vector* w) noexcept {
  return {{w[0] & kLimbMask51, ((w[0] >> 51) | (w[1] << 13)) & kLimbMask51,
           ((w[1] >> 38) | (w[2] << 26)) & kLimbMask51, ((w[2] >> 25) | (w[3] << 39)) & kLimbMask51,
           (w[3] >> 12) & kLimbMask51}};
}

/// The inverse of split_words, for limbs below 2^51.
template <class Vector>
ISTHMUS_LANES_INLINE void join_words(const Limbs<Vector>& a, Vector* w) noexcept {
  w[0] = a.limb[0] | (a.limb[1] << 51);
  w[1] = (a.limb[1] >> 13) | (a.limb[2] << 38);
  w[2] = (a.limb[2] >> 26) | (a.limb[3] << 25);
  w[3] = (a.limb[3] >> 39) | (a.limb[4] << 12);
}

/// Nineteen times x < 2^59.
template <class Vector>
ISTHMUS_LANES_INLINE Vector nineteen_times(Vector x) noexcept {
  return (x << 4) + (x + x) + x;
}

/// Carries every limb once; limbs may hold any 59 bits.
template <class Vector>
ISTHMUS_LANES_INLINE Limbs<Vector> carry_limbs(const Limbs<Vector>& a) noexcept {
  const Vector* v = a.limb;
  return {{(v[0] & kLimbMask51) + nineteen_times(v[4] >> 51), (v[1] & kLimbMask51) + (v[0] >> 51),
           (v[2] & kLimbMask51) + (v[1] >> 51), (v[3] & kLimbMask51) + (v[2] >> 51),
           (v[4] & kLimbMask51) + (v[3] >> 51)}};
}

/// The values modulo p with every limb below 2^51, for limbs below 2^54.
template <class Vector>
ISTHMUS_LANES_INLINE Limbs<Vector> canonical_limbs(const Limbs<Vector>& a) noexcept {
  Limbs<Vector> t = carry_limbs(carry_limbs(a));
  // t < 2p now, so the quotient by p is the carry out of t + 19.
  Vector quotient = (t.limb[0] + 19) >> 51;
  for (std::size_t i = 1; i < 5; ++i) quotient = (t.limb[i] + quotient) >> 51;
  t.limb[0] += nineteen_times(quotient);
  for (std::size_t i = 0; i < 4; ++i) {
    t.limb[i + 1] += t.limb[i] >> 51;
    t.limb[i] &= kLimbMask51;
  }
  t.limb[4] &= kLimbMask51;
  return t;
}

}  // namespace
}  // namespace isthmus
