#pragma once
// Elligator 2 for curve25519 and edwards25519, over any field type F. Ref: RFC 9380,
// sections 5.2, 6.7.1, 6.8.2 and appendix D.1. Constant time.

#include <cstddef>
#include <cstdint>

#include "isthmus/core/bytes.hpp"
#include "isthmus/curve/edwards25519.hpp"

namespace isthmus::elligator2 {

inline constexpr std::size_t kFieldElementBytes = 48;  // L of RFC 9380, section 5.1

// v^2 = u^3 + J u^2 + u.
inline constexpr Fp25519 kJ = Fp25519::from_words({486662, 0, 0, 0});
// The non-negative square root of -486664 = -(J + 2): the factor of the birational map.
inline constexpr Fp25519 kMapFactor =
    Fp25519::from_words({0xcc6e04aaff457e06, 0xc5a1d3d14b7d1a82, 0xd27b08dc03fc4f7e, 0x0f26edf460a006bb});
// 1 - i, a square root of -2i, where i is kSqrtMinusOne.
inline constexpr Fp25519 kOneMinusI =
    Fp25519::from_words({0x3b11e4d8b5f15f3e, 0xd0bce7f952d01b87, 0xd4b2ff66c2042858, 0x547cdb7fb03e20f4});
inline constexpr Fp25519 kNineteen = Fp25519::from_words({19, 0, 0, 0});

/// Lane i is the 48-byte big-endian integer at bytes + i * stride, modulo p, for i < count, and zero above.
template <class F>
F field_elements(const std::uint8_t* bytes, std::size_t stride, std::size_t count) noexcept {
  std::uint64_t low[4 * F::kLanes] = {};
  std::uint64_t high[4 * F::kLanes] = {};  // the bits from 2^255, which is 19, up
  for (std::size_t lane = 0; lane < F::kLanes && lane < count; ++lane) {
    std::uint64_t words[6];
    for (std::size_t j = 0; j < 6; ++j) words[j] = load_be64(bytes + lane * stride + 8 * (5 - j));
    for (std::size_t j = 0; j < 4; ++j) low[j * F::kLanes + lane] = words[j];
    high[lane] = (words[3] >> 63) | (words[4] << 1);
    high[F::kLanes + lane] = (words[4] >> 63) | (words[5] << 1);
    high[2 * F::kLanes + lane] = words[5] >> 63;
  }
  return carry(F::from_lanes(low) + F::from_lanes(high) * F(kNineteen));
}

/// map_to_curve_elligator2 with Z = 2, and its image on edwards25519. The candidates for u are
/// n/d = -J/(1 + 2r^2) and 2r^2 n/d; d is never zero because -1/2 is not a square. When g(n/d) is not a
/// square, root^2 = i g(n/d), so the other candidate's g, 2r^2 g(n/d), has the root r root (1 - i).
template <class F>
edwards25519::Point<F> map_to_edwards(const F& r) noexcept {
  const F one = F::one();
  const F j = F(kJ);
  const F rr = square(r);
  const F two_rr = carry(rr + rr);
  const F d = carry(one + two_rr);
  const F n1 = carry(-j);
  const F dd = square(d);
  const F g = n1 * carry(carry(square(n1) + j * (n1 * d)) + dd);  // d^3 g(n1/d)
  const auto [first, root] = sqrt_ratio_m1(g, dd * d);
  // sgn0(v) is 1 for the first candidate and 0 for the second; `root` has sgn0 0.
  const F v = ct_select(first, carry(-root), absolute(r * root * F(kOneMinusI)));
  const F n = ct_select(first, n1, n1 * two_rr);
  // x = factor u/v, y = (u - 1)/(u + 1) with u = n/d; the exceptional points go to the identity.
  const F plus = n + d;
  const F minus = n - d;
  const F dv = d * v;
  const F factor_n = F(kMapFactor) * n;
  const F z = dv * plus;
  const auto exceptional = is_zero(z);
  return {ct_select(exceptional, F::zero(), factor_n * plus), ct_select(exceptional, one, minus * dv),
          ct_select(exceptional, one, z), ct_select(exceptional, F::zero(), factor_n * minus)};
}

/// 8p.
template <class F>
edwards25519::Point<F> clear_cofactor(const edwards25519::Point<F>& p) noexcept {
  using edwards25519::twice;
  return twice(twice<F, false>(twice<F, false>(p)));
}

}  // namespace isthmus::elligator2
