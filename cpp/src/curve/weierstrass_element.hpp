#pragma once
// The field type of weierstrass_formulas.hpp with one element: Fp256, which reduces at once. Files with
// instruction set flags must not include this.

#include "weierstrass_formulas.hpp"

namespace isthmus::weierstrass {

// All ones or zero.
struct ElementMask {
  std::uint64_t bits;

  friend ElementMask operator^(ElementMask a, ElementMask b) noexcept { return {a.bits ^ b.bits}; }
  friend std::uint64_t lane_of(ElementMask mask, std::size_t) noexcept { return mask.bits; }
};

// Fp256 with the interface of weierstrass_formulas.hpp; sums and products are reduced at once.
template <class C>
struct Element {
  using Curve = C;
  using Mask = ElementMask;
  using Sum = Element;
  static constexpr std::size_t kLanes = 1;

  Fp256<C> value;

  template <Words256 kValue>
  static Element constant() noexcept {
    return {Fp256<C>::constant(kValue)};
  }
  static Element zero() noexcept { return {Fp256<C>::zero()}; }
  static Element one() noexcept { return {Fp256<C>::one()}; }
  static Element load(const Words256* words) noexcept { return {Fp256<C>::from_words(*words)}; }
  void store(Words256* words) const noexcept { *words = value.to_words(); }
  static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    return {ct_equal(*bytes, wanted)};
  }

  friend Element operator+(const Element& a, const Element& b) noexcept { return {a.value + b.value}; }
  friend Element operator-(const Element& a, const Element& b) noexcept { return {a.value - b.value}; }
  friend Element operator-(const Element& a) noexcept { return {-a.value}; }
  friend Element operator*(const Element& a, const Element& b) noexcept { return {a.value * b.value}; }
  friend Element square(const Element& a) noexcept { return {square(a.value)}; }
  friend Element wide_product(const Element& a, const Element& b) noexcept { return a * b; }
  friend Element wide_square(const Element& a) noexcept { return square(a); }
  friend Element reduce(const Element& a) noexcept { return a; }
  friend Element carry(const Element& a) noexcept { return a; }
  friend Mask is_zero(const Element& a) noexcept { return {is_zero(a.value)}; }
  friend Mask is_odd(const Element& a) noexcept { return {ct_mask(a.value.to_words()[0] & 1)}; }
  friend Element ct_select(Mask mask, const Element& a, const Element& b) noexcept {
    return {ct_select(mask.bits, a.value, b.value)};
  }
};

// kFactor a, by doubling and adding.
template <int kFactor, class C>
Element<C> small_multiple(const Element<C>& a) noexcept {
  if constexpr (kFactor == 1) {
    return a;
  } else {
    const Element<C> half = small_multiple<kFactor / 2>(a);
    const Element<C> even = half + half;
    if constexpr (kFactor % 2 == 1) return even + a;
    return even;
  }
}

}  // namespace isthmus::weierstrass
