#pragma once
// A field type of P-256 or SM2 that counts products and squares, to be put in place of a backend's own. Every
// lane holds lane 0's value; one operation of kLanes lanes counts once.

#include "../cpp/src/curve/weierstrass_element.hpp"
#include "kernel_times.hpp"

namespace isthmus::weierstrass {

template <class C, std::size_t kLaneCount>
struct CountedElement {
  using Curve = C;
  using Mask = ElementMask;
  using Sum = CountedElement;
  static constexpr std::size_t kLanes = kLaneCount;
  inline static Counts counts;

  Element<C> value;

  template <Words256 kValue>
  static CountedElement constant() {
    return {Element<C>::template constant<kValue>()};
  }
  static CountedElement zero() { return {Element<C>::zero()}; }
  static CountedElement one() { return {Element<C>::one()}; }
  static CountedElement load(const Words256* words) {
    if (kLanes > 1) counts.products += 1;  // into Montgomery's form
    return {Element<C>::load(words)};
  }
  void store(Words256* words) const {
    Words256 own;
    value.store(&own);
    for (std::size_t lane = 0; lane < kLanes; ++lane) words[lane] = own;
  }
  static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) {
    return Element<C>::bytes_equal(bytes, wanted);
  }

  friend CountedElement wide_product(const CountedElement& a, const CountedElement& b) {
    counts.products += 1;
    return {a.value * b.value};
  }
  friend CountedElement wide_square(const CountedElement& a) {
    counts.squares += 1;
    return {square(a.value)};
  }
  friend CountedElement reduce(const CountedElement& a) { return a; }
  friend CountedElement carry(const CountedElement& a) { return a; }
  friend CountedElement operator*(const CountedElement& a, const CountedElement& b) {
    return wide_product(a, b);
  }
  friend CountedElement square(const CountedElement& a) { return wide_square(a); }
  friend CountedElement operator+(const CountedElement& a, const CountedElement& b) {
    return {a.value + b.value};
  }
  friend CountedElement operator-(const CountedElement& a, const CountedElement& b) {
    return {a.value - b.value};
  }
  friend CountedElement operator-(const CountedElement& a) { return {-a.value}; }
  friend Mask is_zero(const CountedElement& a) { return is_zero(a.value); }
  friend Mask is_odd(const CountedElement& a) { return is_odd(a.value); }
  friend CountedElement ct_select(Mask mask, const CountedElement& a, const CountedElement& b) {
    return {ct_select(mask, a.value, b.value)};
  }
};

template <int kFactor, class C, std::size_t kLaneCount>
CountedElement<C, kLaneCount> small_multiple(const CountedElement<C, kLaneCount>& a) {
  return {small_multiple<kFactor>(a.value)};
}

}  // namespace isthmus::weierstrass
