#pragma once
// Arithmetic on curve25519 by u-coordinates alone, over any field type F. Constant time.
// Ref: RFC 7748, section 5; Bernstein, "Curve25519: new Diffie-Hellman speed records" (PKC 2006).

#include "isthmus/core/secret.hpp"
#include "isthmus/curve/elligator2.hpp"
#include "isthmus/curve/formula.hpp"

namespace isthmus::x25519 {

inline constexpr std::uint32_t kA24 = 121665;  // (J - 2) / 4
inline constexpr std::size_t kLadderBits = 253;

/// u = x/z; z is zero at infinity, and both are for no point at all.
template <class F>
struct Projective {
  F x, z;
};

/// A projective point by what its doubling and its differential addition read: x + z and x - z. Both come
/// from the products that x and z would be reduced from, which saves a vector type the carries of sums.
template <class F>
struct Ends {
  F sum, difference;

  explicit Ends(const Projective<F>& p) noexcept : sum(p.x + p.z), difference(p.x - p.z) {}
  template <class Wide>
  ISTHMUS_FORMULA Ends(const Wide& x, const Wide& z) noexcept
      : sum(reduce(x + z)), difference(reduce(x - z)) {}
};

/// The two coordinates of 2p, and e: x = aa * bb, z = e * scaled.
template <class F>
struct Doubling {
  F aa, bb, e, scaled;

  ISTHMUS_FORMULA explicit Doubling(const Ends<F>& p) noexcept {
    const auto wide_aa = wide_square(p.sum), wide_bb = wide_square(p.difference);
    aa = reduce(wide_aa);
    bb = reduce(wide_bb);
    e = reduce(wide_aa - wide_bb);
    scaled = reduce(wide_aa + wide_scaled(e, kA24));
  }
  ISTHMUS_FORMULA Ends<F> ends() const noexcept { return {wide_product(aa, bb), wide_product(e, scaled)}; }
  Projective<F> point() const noexcept { return {aa * bb, e * scaled}; }
};

/// The sum of two points whose difference is u.
template <class F>
ISTHMUS_FORMULA Ends<F> add_differential(const Ends<F>& p, const Ends<F>& q, const F& u) noexcept {
  const auto da = wide_product(q.difference, p.sum);
  const auto cb = wide_product(q.sum, p.difference);
  return {wide_square(reduce(da + cb)), wide_product(u, square(reduce(da - cb)))};
}

/// Swaps a and b where mask is set.
template <class F>
ISTHMUS_FORMULA void ct_swap(const typename F::Mask& mask, Ends<F>& a, Ends<F>& b) noexcept {
  const Ends<F> old = a;
  a.sum = ct_select(mask, b.sum, a.sum);
  a.difference = ct_select(mask, b.difference, a.difference);
  b.sum = ct_select(mask, old.sum, b.sum);
  b.difference = ct_select(mask, old.difference, b.difference);
}

/// 8 m times the points of these u-coordinates, m < 2^253 being 32 little-endian bytes.
template <class F>
Projective<F> eightfold_multiple(const std::uint8_t* m, const F& u) noexcept {
  Ends<F> a(Projective<F>{F::one(), F::zero()});  // the multiple so far
  Ends<F> b(Projective<F>{u, F::one()});          // and the next
  std::uint64_t swapped = 0;
  for (std::size_t i = kLadderBits; i-- > 0;) {
    const std::uint64_t bit = ct_mask((m[i / 8] >> (i % 8)) & 1);
    ct_swap(F::broadcast(swapped ^ bit), a, b);
    swapped = bit;
    const Doubling<F> doubling(a);  // first: the other way round takes 8 % longer on AVX-512
    b = add_differential(a, b, u);
    a = doubling.ends();
  }
  ct_swap(F::broadcast(swapped), a, b);
  return Doubling<F>(Doubling<F>(Doubling<F>(a).ends()).ends()).point();
}

template <class F>
struct Judgement {
  typename F::Mask on_curve;     ///< u belongs to the curve, not to its twist
  typename F::Mask small_order;  ///< if so, to a point of order 1, 2, 4 or 8
};

/// What u alone tells. It is on the curve when w = u^3 + J u^2 + u is a square. (0, 0) is the only point of
/// order 2, and the doubling u -> (u^2 - 1)^2 / 4w leads to it from 1 and -1, and to 1 from the roots of
/// (u^2 - 1)^2 - 4w; no point of the curve doubles to -1, which is on the twist.
template <class F>
Judgement<F> judge_coordinate(const F& u) noexcept {
  const F one = F::one();
  const F uu = square(u);
  const F w = u * carry(uu + carry(F(elligator2::kJ) * u + one));
  const F character = square(square(power_p58(w)) * w);  // w^((p - 1) / 2)
  const F minus_one = carry(uu - one);
  const F twice_w = carry(w + w);
  const F eight = carry(square(minus_one) - carry(twice_w + twice_w));
  return {is_zero(w) | is_zero(character - one), is_zero(u * minus_one * eight)};
}

}  // namespace isthmus::x25519
