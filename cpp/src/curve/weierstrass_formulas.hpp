#pragma once
// Arithmetic on y^2 = x^3 - 3x + b over any field type F of one or several lanes. Constant time.
//
// F delays reduction where that pays: wide_product() and wide_square() are not reduced, reduce() takes such a
// value, or a sum of a few, to an F::Sum whose digits carry no bound yet, and carry() takes sums to an F. A
// sum lies within 16 moduli of zero, a wide value within 16 squared moduli. fp256.hpp reduces at once
// instead.

#include <cstddef>
#include <type_traits>

#include "isthmus/curve/formula.hpp"
#include "isthmus/curve/weierstrass.hpp"

namespace isthmus::weierstrass {

template <class F>
struct Affine {
  F x, y;
};

// (X/Z^2, Y/Z^3), the identity when Z = 0.
template <class F>
struct Jacobian {
  F x, y, z;
};

// (X/Z, Y/Z), the identity when Z = 0.
template <class F>
struct Projective {
  F x, y, z;
};

template <class F>
Affine<F> generator() noexcept {
  using Curve = typename F::Curve;
  return {F::template constant<Curve::kGeneratorX>(), F::template constant<Curve::kGeneratorY>()};
}

// --- powers
// --------------------------------------------------------------------------------------------------

template <class F>
F square_times(F a, int count) noexcept {
  for (int i = 0; i < count; ++i) a = square(a);
  return a;
}

// a^((p-3)/4). The names count the ones of the exponent's binary form.
template <class F>
F power_p34(const F& a) noexcept {
  const F ones2 = square(a) * a;
  const F ones3 = square(ones2) * a;
  const F ones6 = square_times(ones3, 3) * ones3;
  const F ones12 = square_times(ones6, 6) * ones6;
  const F ones15 = square_times(ones12, 3) * ones3;
  const F ones30 = square_times(ones15, 15) * ones15;
  const F ones31 = square(ones30) * a;
  const F ones32 = square(ones31) * a;
  F r;
  if constexpr (std::is_same_v<typename F::Curve, P256>) {
    // 2^254 - 2^222 + 2^190 + 2^94 - 1: 32 ones, 31 zeros, a one, 96 zeros, 94 ones.
    r = square_times(ones32, 32) * a;
    r = square_times(r, 128) * ones32;
    r = square_times(r, 32) * ones32;
  } else {
    // 2^254 - 2^222 - 2^94 + 2^62 - 1: 31 ones, a zero, 128 ones, 32 zeros, 62 ones.
    r = square_times(ones31, 33) * ones32;
    for (int i = 0; i < 3; ++i) r = square_times(r, 32) * ones32;
    r = square_times(r, 64) * ones32;
  }
  return square_times(r, 30) * ones30;
}

// 1/a, and 0 for 0: p - 2 = 4 (p-3)/4 + 1.
template <class F>
F inverse(const F& a) noexcept {
  return square_times(power_p34(a), 2) * a;
}

// Inverts every element in place with one inversion (Montgomery's trick); 0 stays 0.
template <class F>
void batch_invert(F* values, F* scratch, std::size_t n) noexcept {
  const F one = F::one();
  F product = one;
  for (std::size_t i = 0; i < n; ++i) {
    scratch[i] = product;
    product = product * ct_select(is_zero(values[i]), one, values[i]);
  }
  F inverse_product = inverse(product);
  for (std::size_t i = n; i-- > 0;) {
    const auto zero = is_zero(values[i]);
    const F value = ct_select(zero, one, values[i]);
    values[i] = ct_select(zero, F::zero(), inverse_product * scratch[i]);
    inverse_product = inverse_product * value;
  }
}

template <class F>
F negate_if(const typename F::Mask& mask, const F& a) noexcept {
  return ct_select(mask, carry(-a), a);
}

// --- points
// --------------------------------------------------------------------------------------------------

// 2p. Ref: Bernstein, "A software implementation of NIST P-224" (2001), for a = -3, with alpha as the
// difference of two squares that share a reduction. No point has order 2, so only the identity gives the
// identity.
template <class F>
ISTHMUS_FORMULA Jacobian<F> twice(const Jacobian<F>& p) noexcept {
  const F delta = square(p.z);
  const F gamma = square(p.y);
  const auto alpha_wide = wide_square(p.x) - wide_square(delta);
  const F beta = p.x * gamma;
  const F alpha = carry(small_multiple<3>(reduce(alpha_wide)));
  const F z = carry(small_multiple<2>(reduce(wide_product(p.y, p.z))));
  const F x = carry(reduce(wide_square(alpha)) - small_multiple<8>(beta));
  const auto gamma_squared = wide_square(gamma);
  const F rest = carry(small_multiple<4>(beta) - x);
  const F y = carry(reduce(wide_product(alpha, rest) - small_multiple<8>(gamma_squared)));
  return {x, y, z};
}

// p + q for p other than q, -q and the identity.
template <class F>
ISTHMUS_FORMULA Jacobian<F> add_different(const Jacobian<F>& p, const Affine<F>& q) noexcept {
  const F zz = square(p.z);
  const F zzz = p.z * zz;
  const F h = carry(reduce(wide_product(q.x, zz)) - p.x);
  const F r = carry(reduce(wide_product(q.y, zzz)) - p.y);
  const F hh = square(h);
  const F hhh = h * hh;
  const F v = p.x * hh;
  const F x = carry(reduce(wide_square(r)) - hhh - small_multiple<2>(v));
  const F rest = carry(v - x);
  const F y = carry(reduce(wide_product(r, rest) - wide_product(p.y, hhh)));
  return {x, y, p.z * h};
}

// p + q for p other than -q and the identity.
template <class F>
Jacobian<F> add_or_double(const Jacobian<F>& p, const Affine<F>& q) noexcept {
  const Jacobian<F> sum = add_different(p, q);
  const Jacobian<F> doubled = twice(p);
  const auto same = is_zero(sum.z);
  return {ct_select(same, doubled.x, sum.x), ct_select(same, doubled.y, sum.y),
          ct_select(same, doubled.z, sum.z)};
}

// p + q for any two points. Ref: Renes, Costello, Batina, "Complete addition formulas for prime order
// elliptic curves" (EUROCRYPT 2016), algorithm 4, with each coordinate's two products under one reduction.
template <class F>
Projective<F> add(const Projective<F>& p, const Projective<F>& q) noexcept {
  const F b = F::template constant<F::Curve::kB>();
  const F xx = p.x * q.x;
  const F yy = p.y * q.y;
  const F zz = p.z * q.z;
  const F xy = carry(reduce(wide_product(carry(p.x + p.y), carry(q.x + q.y))) - xx - yy);
  const F yz = carry(reduce(wide_product(carry(p.y + p.z), carry(q.y + q.z))) - yy - zz);
  const F xz = carry(reduce(wide_product(carry(p.x + p.z), carry(q.x + q.z))) - xx - zz);
  const F t = carry(small_multiple<3>(xz - reduce(wide_product(b, zz))));
  const F minus = carry(yy - t);
  const F plus = carry(yy + t);
  const F v = carry(small_multiple<3>(xx - zz));
  const F w = carry(small_multiple<3>(reduce(wide_product(b, xz)) - small_multiple<3>(zz) - xx));
  return {carry(reduce(wide_product(xy, plus) - wide_product(yz, w))),
          carry(reduce(wide_product(plus, minus) + wide_product(v, w))),
          carry(reduce(wide_product(yz, minus) + wide_product(xy, v)))};
}

template <class F>
Jacobian<F> to_jacobian(const Projective<F>& p) noexcept {
  return {p.x * p.z, p.y * square(p.z), p.z};
}

// The affine point of p, given 1/Z.
template <class F>
Affine<F> to_affine(const Jacobian<F>& p, const F& z_inverse) noexcept {
  const F zz = square(z_inverse);
  return {p.x * zz, p.y * (zz * z_inverse)};
}

// x^3 - 3x + b.
template <class F>
F curve_equation(const F& x) noexcept {
  const F factor = carry(square(x) - F::template constant<Words256{3, 0, 0, 0}>());
  return carry(reduce(wide_product(x, factor)) + F::template constant<F::Curve::kB>());
}

template <class F>
struct Decompressed {
  Affine<F> point;
  typename F::Mask valid;
};

// The point with this x whose y has the wanted parity; not valid when x^3 - 3x + b is not a square.
template <class F>
Decompressed<F> decompress(const F& x, const typename F::Mask& odd) noexcept {
  const F yy = curve_equation(x);
  const F y = yy * power_p34(yy);
  const auto valid = is_zero(carry(square(y) - yy));
  return {{x, negate_if(is_odd(y) ^ odd, y)}, valid};
}

// map_to_curve_simple_swu (RFC 9380, section 6.6.2 and appendix F.2) with A = -3: the point of one field
// element. The candidates for x are n/d and Z u^2 n/d; when the first fails, a root of the second's y^2
// follows from the same power.
template <class F>
Projective<F> map_to_curve(const F& u) noexcept {
  using Curve = typename F::Curve;
  constexpr std::uint64_t kMinusZ = Curve::kMinusZ;
  const F b = F::template constant<Curve::kB>();
  const F zuu = carry(-small_multiple<kMinusZ>(square(u)));
  const F s = carry(reduce(wide_square(zuu)) + zuu);
  const F n = b * carry(s + F::one());
  const F d =
      carry(small_multiple<3>(ct_select(is_zero(s), F::template constant<Words256{kMinusZ, 0, 0, 0}>(), s)));
  const F dd = square(d);
  const F ddd = dd * d;
  const F nn3dd = carry(reduce(wide_square(n)) - small_multiple<3>(dd));
  const F g = carry(reduce(wide_product(n, nn3dd) + wide_product(b, ddd)));  // d^3 times y^2 of n/d
  const F gd = g * ddd;
  const F root = gd * power_p34(gd * square(ddd));  // of g/d^3, or of -g/d^3
  const auto first = is_zero(carry(reduce(wide_product(square(root), ddd)) - g));
  const F second_root = zuu * u * root * F::template constant<Curve::kRootOfMinusZ>();
  const F x = ct_select(first, n, zuu * n);
  const F y = ct_select(first, root, second_root);
  return {x, negate_if(is_odd(y) ^ is_odd(u), y) * d, d};
}

}  // namespace isthmus::weierstrass
