#pragma once
// Two field elements, or two vectors of them, that go through the same formulas side by side. A power is one
// long chain of dependent products; two chains at once keep the multipliers busy while each waits.

#include <cstddef>

#include "isthmus/curve/edwards25519.hpp"

namespace isthmus {

template <class F>
struct LanePair {
  struct Mask {
    typename F::Mask a, b;
    friend Mask operator&(const Mask& x, const Mask& y) noexcept { return {x.a & y.a, x.b & y.b}; }
    friend Mask operator|(const Mask& x, const Mask& y) noexcept { return {x.a | y.a, x.b | y.b}; }
    friend Mask operator~(const Mask& x) noexcept { return {~x.a, ~x.b}; }
  };

  F a, b;

  LanePair() = default;
  LanePair(const F& first, const F& second) noexcept : a(first), b(second) {}
  explicit LanePair(const Fp25519& both) noexcept : a(both), b(both) {}
  static LanePair zero() noexcept { return {F::zero(), F::zero()}; }
  static LanePair one() noexcept { return {F::one(), F::one()}; }

  friend LanePair operator+(const LanePair& x, const LanePair& y) noexcept { return {x.a + y.a, x.b + y.b}; }
  friend LanePair operator-(const LanePair& x, const LanePair& y) noexcept { return {x.a - y.a, x.b - y.b}; }
  friend LanePair operator-(const LanePair& x) noexcept { return {-x.a, -x.b}; }
  friend LanePair operator*(const LanePair& x, const LanePair& y) noexcept { return {x.a * y.a, x.b * y.b}; }
  friend LanePair square(const LanePair& x) noexcept { return {square(x.a), square(x.b)}; }
  friend LanePair carry(const LanePair& x) noexcept { return {carry(x.a), carry(x.b)}; }
  friend Mask is_zero(const LanePair& x) noexcept { return {is_zero(x.a), is_zero(x.b)}; }
  friend Mask is_negative(const LanePair& x) noexcept { return {is_negative(x.a), is_negative(x.b)}; }
  friend LanePair ct_select(const Mask& mask, const LanePair& x, const LanePair& y) noexcept {
    return {ct_select(mask.a, x.a, y.a), ct_select(mask.b, x.b, y.b)};
  }
};

template <class F>
edwards25519::Point<F> first_of(const edwards25519::Point<LanePair<F>>& p) noexcept {
  return {p.x.a, p.y.a, p.z.a, p.t.a};
}
template <class F>
edwards25519::Point<F> second_of(const edwards25519::Point<LanePair<F>>& p) noexcept {
  return {p.x.b, p.y.b, p.z.b, p.t.b};
}

}  // namespace isthmus
