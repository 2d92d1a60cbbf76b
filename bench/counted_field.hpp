#pragma once
// A field type modulo 2^255 - 19 that counts products and squares, to be put in place of a backend's own.
// Every lane holds lane 0's value; one operation of kLanes lanes counts once.

#include "isthmus/field/fp25519.hpp"
#include "kernel_times.hpp"

namespace isthmus {

template <std::size_t kLaneCount>
struct Counted {
  static constexpr std::size_t kLanes = kLaneCount;
  inline static Counts counts;
  using Mask = std::uint64_t;

  // Sums of products before their reduction.
  struct Wide {
    Fp25519 value;
    friend Wide operator+(const Wide& a, const Wide& b) { return {a.value + b.value}; }
    friend Wide operator-(const Wide& a, const Wide& b) { return {a.value - b.value}; }
    friend Wide operator-(const Wide& a) { return {-a.value}; }
    friend Counted reduce(const Wide& a) { return Counted(a.value); }
  };

  Fp25519 value;

  Counted() = default;
  explicit Counted(const Fp25519& a) : value(a) {}
  static Counted zero() { return Counted(Fp25519::zero()); }
  static Counted one() { return Counted(Fp25519::one()); }
  static Mask broadcast(std::uint64_t mask) { return mask; }
  static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) {
    return Fp25519::bytes_equal(bytes, wanted);
  }
  static unsigned bits(Mask mask) { return mask != 0 ? (1U << kLanes) - 1 : 0; }
  static Counted from_lanes(const std::uint64_t* words) {
    return Counted(Fp25519::from_words({words[0], words[kLanes], words[2 * kLanes], words[3 * kLanes]}));
  }
  void to_lanes(std::uint64_t* words) const {
    std::uint64_t own[4];
    value.to_lanes(own);
    for (std::size_t i = 0; i < 4 * kLanes; ++i) words[i] = own[i / kLanes];
  }

  friend Wide wide_product(const Counted& a, const Counted& b) {
    counts.products += 1;
    return {a.value * b.value};
  }
  friend Wide wide_square(const Counted& a) {
    counts.squares += 1;
    return {square(a.value)};
  }
  // A fifth of a product's partial products.
  friend Wide wide_scaled(const Counted& a, std::uint32_t factor) {
    counts.products += 0.2;
    return {wide_scaled(a.value, factor)};
  }
  friend Counted operator*(const Counted& a, const Counted& b) { return reduce(wide_product(a, b)); }
  friend Counted square(const Counted& a) { return reduce(wide_square(a)); }
  friend Counted operator+(const Counted& a, const Counted& b) { return Counted(a.value + b.value); }
  friend Counted operator-(const Counted& a, const Counted& b) { return Counted(a.value - b.value); }
  friend Counted operator-(const Counted& a) { return Counted(-a.value); }
  friend Counted carry(const Counted& a) { return Counted(carry(a.value)); }
  friend Counted sum_operand(const Counted& a, const Counted& b) { return a + b; }
  friend Counted difference_operand(const Counted& a, const Counted& b) { return a - b; }
  friend Counted negative_operand(const Counted& a) { return -a; }
  friend Mask is_zero(const Counted& a) { return is_zero(a.value); }
  friend Mask is_negative(const Counted& a) { return is_negative(a.value); }
  friend Counted ct_select(Mask mask, const Counted& a, const Counted& b) {
    return Counted(ct_select(mask, a.value, b.value));
  }
};

}  // namespace isthmus
