#pragma once
// Arithmetic on curve25519 by u-coordinates alone, over any field type F. Constant time.
// Ref: RFC 7748, section 5; Bernstein, "Curve25519: new Diffie-Hellman speed records" (PKC 2006).

#include "isthmus/core/secret.hpp"
#include "isthmus/curve/elligator2.hpp"

namespace isthmus::x25519 {

inline constexpr std::uint32_t kA24 = 121665;  // (J - 2) / 4
inline constexpr std::size_t kLadderBits = 253;

/// u = x/z; z is zero at infinity, and both are for no point at all.
template <class F>
struct Projective {
  F x, z;
};

template <class F>
Projective<F> twice(const Projective<F>& p) noexcept {
  const auto aa = wide_square(p.x + p.z);
  const auto bb = wide_square(p.x - p.z);
  const F e = reduce(aa - bb);
  const F sum_squared = reduce(aa);
  return {sum_squared * reduce(bb), e * reduce(aa + wide_scaled(e, kA24))};
}

/// Swaps a and b where mask is set.
template <class F>
void ct_swap(const typename F::Mask& mask, Projective<F>& a, Projective<F>& b) noexcept {
  const Projective<F> old = a;
  a = {ct_select(mask, b.x, a.x), ct_select(mask, b.z, a.z)};
  b = {ct_select(mask, old.x, b.x), ct_select(mask, old.z, b.z)};
}

/// 8 m times the points of these u-coordinates, m < 2^253 being 32 little-endian bytes.
template <class F>
Projective<F> eightfold_multiple(const std::uint8_t* m, const F& u) noexcept {
  Projective<F> a = {F::one(), F::zero()};  // the multiple so far
  Projective<F> b = {u, F::one()};          // and the next
  std::uint64_t swapped = 0;
  for (std::size_t i = kLadderBits; i-- > 0;) {
    const std::uint64_t bit = ct_mask((m[i / 8] >> (i % 8)) & 1);
    ct_swap(F::broadcast(swapped ^ bit), a, b);
    swapped = bit;
    const F sum = a.x + a.z;
    const F difference = a.x - a.z;
    const auto da = wide_product(difference_operand(b.x, b.z), sum);
    const auto cb = wide_product(sum_operand(b.x, b.z), difference);
    const auto aa = wide_square(sum);
    const auto bb = wide_square(difference);
    const F e = reduce(aa - bb);
    b = {square(reduce(da + cb)), u * square(reduce(da - cb))};
    a = {reduce(aa) * reduce(bb), e * reduce(aa + wide_scaled(e, kA24))};
  }
  ct_swap(F::broadcast(swapped), a, b);
  return twice(twice(twice(a)));
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
