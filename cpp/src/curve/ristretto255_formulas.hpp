#pragma once
// The maps between ristretto255 encodings and points of edwards25519, over any field type F.
// Ref: RFC 9496, section 4. Constant time but for the count of points.

#include <span>

#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/curve/ristretto255.hpp"

namespace isthmus::ristretto255 {

// Constants of RFC 9496, section 4.1.
inline constexpr Fp25519 kSqrtAdMinusOne =
    Fp25519::from_words({0x7e97f6a0497b2e1b, 0xaf9d8e0c1b7854bd, 0x0f3cfcc931f5d1fd, 0x376931bf2b8348ac});
inline constexpr Fp25519 kInvSqrtAMinusD =
    Fp25519::from_words({0x99c8fdaa805d40ea, 0x9d2f16175a4172be, 0x16c27b91fe01d840, 0x786c8905cfaffca2});
inline constexpr Fp25519 kOneMinusDSquared =
    Fp25519::from_words({0xe27c09c1945fc176, 0x2c81a138cd5e350f, 0x9994abddbe70dfe4, 0x029072a8b2b3e0d7});
inline constexpr Fp25519 kDMinusOneSquared =
    Fp25519::from_words({0x31ad5aaa44ed4d20, 0xd29e4a2cb01e1999, 0x4cdcd32f529b4eeb, 0x5968b37af66c2241});

template <class F>
using Point = edwards25519::Point<F>;

template <class F>
struct DecodedPoint {
  Point<F> point;
  typename F::Mask valid;
};

/// The point of the canonical, non-negative field element s (section 4.3.1).
template <class F>
DecodedPoint<F> decode(const F& s) noexcept {
  const F one = F::one();
  const F ss = square(s);
  const F u1 = one - ss;
  const F u2 = one + ss;
  const F u2_squared = square(u2);
  const F v = carry(-(F(edwards25519::kD) * square(u1)) - u2_squared);
  const auto [was_square, inverse_root] = sqrt_ratio_m1(one, v * u2_squared);
  const F den_x = inverse_root * u2;
  const F den_y = inverse_root * den_x * v;
  const F x = absolute((s + s) * den_x);
  const F y = u1 * den_y;
  const F t = x * y;
  return {{x, y, one, t}, was_square & ~is_negative(t) & ~is_zero(y)};
}

/// The canonical encoding of p's class, as a field element (section 4.3.2).
template <class F>
F encode(const Point<F>& p) noexcept {
  const F i = F(kSqrtMinusOne);
  const F u1 = (p.z + p.y) * (p.z - p.y);
  const F u2 = p.x * p.y;
  const F inverse_root = sqrt_ratio_m1(F::one(), u1 * square(u2)).root;
  const F den1 = inverse_root * u1;
  const F den2 = inverse_root * u2;
  const F z_inverse = den1 * den2 * p.t;
  const auto rotate = is_negative(p.t * z_inverse);
  const F x = ct_select(rotate, p.y * i, p.x);
  const F y = ct_select(rotate, p.x * i, p.y);
  const F den_inverse = ct_select(rotate, den1 * F(kInvSqrtAMinusD), den2);
  return absolute(den_inverse * (p.z - negate_if(is_negative(x * z_inverse), y)));
}

/// The encoding of 2p, given the inverse of to_invert(): a batch shares one inversion, and no square root is
/// left.
///
/// 2p = (e/f, g/h) with e = 2XY, f = Z^2 + dT^2, g = Y^2 + X^2, h = Z^2 - dT^2, so its extended coordinates
/// are (eh, fg, fh, eg). The curve equation Y^2 - X^2 = f gives h^2 - g^2 = (a - d) e^2, which turns the
/// radicand of section 4.3.2, (Z^2 - Y^2)(XY)^2, into (a - d)(e^2 f^2 g h)^2: its root is known. When efgh =
/// 0, 2p is the identity's class and 0, the identity's encoding, comes out for an inverse of 0.
template <class F>
struct DoubledEncoder {
  F e, f, g, h, eg, fh;

  DoubledEncoder() = default;
  explicit DoubledEncoder(const Point<F>& p) noexcept {
    const F zz = square(p.z);
    const F dtt = square(p.t) * F(edwards25519::kD);
    e = p.x * (p.y + p.y);
    f = carry(zz + dtt);
    g = carry(square(p.y) + square(p.x));
    h = carry(zz - dtt);
    eg = e * g;
    fh = f * h;
  }

  F to_invert() const noexcept { return eg * fh; }

  F encode(const F& inverse) const noexcept {
    const F i = F(kSqrtMinusOne);
    const F z_inverse = eg * inverse;
    const F t_inverse = fh * inverse;
    const auto rotate = is_negative(eg * z_inverse);
    const F e2 = ct_select(rotate, g, e);
    const F g2 = ct_select(rotate, carry(-e), g);
    const F h2 = ct_select(rotate, f * i, h);
    const F factor = ct_select(rotate, i, F(kInvSqrtAMinusD));
    const F g3 = negate_if(is_negative(h2 * e2 * z_inverse), g2);
    return absolute((h2 - g3) * factor * (g3 * t_inverse));
  }
};

/// MAP of section 4.3.4: the point of one field element.
template <class F>
Point<F> map_to_point(const F& t) noexcept {
  const F one = F::one();
  const F minus_one = carry(-one);
  const F d = F(edwards25519::kD);
  const F r = F(kSqrtMinusOne) * square(t);
  const F u = (r + one) * F(kOneMinusDSquared);
  const F v = (minus_one - r * d) * (r + d);
  const auto [was_square, root] = sqrt_ratio_m1(u, v);
  const F s = ct_select(was_square, root, carry(-absolute(root * t)));
  const F c = ct_select(was_square, minus_one, r);
  const F n = carry(c * (r - one) * F(kDMinusOneSquared) - v);
  const F w0 = (s + s) * v;
  const F w1 = n * F(kSqrtAdMinusOne);
  const F ss = square(s);
  const F w2 = one - ss;
  const F w3 = one + ss;
  return {w0 * w3, w2 * w1, w1 * w3, w0 * w2};
}

}  // namespace isthmus::ristretto255
