#pragma once
// Products by constants, on AVX-512 IFMA.
//
// For a constant b < m and w = floor(b * R / m), the quotient of x*b by m is almost q = floor(x*w / R), for
// which the upper half of a product is enough, and what is left, x*b - q*m, is found modulo R, from two lower
// halves. Of the product's lower half only the highest column is formed, with what the next one below carries
// into it left out: that is less than 2k at 2^(52*(k - 1)), and q is the floor of a number above
// x*b/m - x/R - 2k * 2^-52. So for x < R the rest is below m * (1 + x/R + 2k * 2^-52), and q <= x*b/m.
//
// The product of X0 + m*X1 is (X0*b - q*m) + m * ((X1*b - q'*m) + q). With X0 < 3/2 m, X1 < 7/2 m and R >= 4m
// the first term is below 11/8 m and a little, q below 3/2 m, and what is left of X1*b below 15/8 m and a
// little: the bounds hold again.
//
// Ref       Shoup's products modulo word-sized primes (NTL, MulModPrecon);
//           Harvey, "Faster arithmetic for number-theoretic transforms", J. Symbolic Computation 60 (2014).

#include "products_avx512ifma.hpp"

namespace isthmus::bigint {
namespace {

template <class V, int C>
struct ConstantProducts {
  using T = typename V::T;
  using Sums = Columns<V, C>;
  using Number = Blocks<V>;

  static void quotient(const DigitContext& c, Limb* out, const Limb* a) {
    const Shared<V> inverse{c.constants.data()};
    const Number x = number(a);
    T product[kMaxDigits];  // out may be a
    low_half(c, product, kIdle, [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
      s.add_low_columns(x, inverse, first);
    });
    std::copy_n(product, c.layout.count, reinterpret_cast<T*>(out));
  }

  static void pair_mul(const DigitContext& c, Limb* out, const Limb* x, const Limb* b, Lines& ahead) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(x), x1 = x0 + k, factor = number(b), ratio = factor + k;
    const Shared<V> complement{c.constants.data() + k};
    T* const digits = reinterpret_cast<T*>(out);
    T q_0[kMaxDigits], q_1[kMaxDigits];
    ahead.spread(4 * k / C);
    high_half(c, q_0, x0, ratio, ahead);
    low_half(c, digits, ahead, [&](Sums& s, std::size_t first) __attribute__((always_inline)) {
      s.add_low_columns(x0, factor, first);
      s.add_low_columns(Number{q_0}, complement, first);
    });
    high_half(c, q_1, x1, ratio, ahead);
    low_half(c, digits + k, ahead, [&](Sums& s, std::size_t first) __attribute__((always_inline)) {
      s.add_low_columns(x1, factor, first);
      s.add_low_columns(Number{q_1}, complement, first);
      unroll<0, C>([&](auto r) __attribute__((always_inline)) {
        s.low[r.value] = V::add(s.low[r.value], q_0[first + r.value]);
      });
    });
  }

 private:
  static ISTHMUS_INLINE Number number(const Limb* block) { return {reinterpret_cast<const T*>(block)}; }

  /// Takes C columns off s, from digit `first` on; returns the carry out.
  static ISTHMUS_INLINE T take_digits(const Sums& s, T* digits, T carry) {
    unroll<0, C>([&](auto r) __attribute__((always_inline)) {
      const T sum = V::add(s.low[r.value], carry);
      digits[r.value] = V::masked(sum);
      carry = V::add(V::above(sum), s.high[r.value]);
    });
    return carry;
  }

  /// The sum modulo R of what add() adds to each C columns.
  template <class Side, class Add>
  static ISTHMUS_INLINE void low_half(const DigitContext& c, T* out, Side& side, const Add& add) {
    T carry = V::zero();
    for (std::size_t first = 0; first < c.layout.count; first += C) {
      Sums s;
      s.clear();
      add(s, first);
      carry = take_digits(s, out + first, carry);
      side.step();
    }
  }

  /// floor(a*b / R), or one less.
  static ISTHMUS_INLINE void high_half(const DigitContext& c, T* out, Number a, Number b, Lines& side) {
    const std::size_t k = c.layout.count;
    T carry = carry_of_low_half(a, b, k);
    for (std::size_t first = k; first < 2 * k; first += C) {
      Sums s;
      s.clear();
      s.add_high_columns(a, b, k, first);
      carry = take_digits(s, out + (first - k), carry);
      side.step();
    }
  }

  /// What columns 0 to k - 1 carry into column k, but for what columns below k - 1 carry.
  static ISTHMUS_INLINE T carry_of_low_half(Number a, Number b, std::size_t k) {
    T low[C], high[C], from_below[C];
    unroll<0, C>([&](auto r) __attribute__((always_inline)) {
      low[r.value] = high[r.value] = from_below[r.value] = V::zero();
    });
    const auto add = [&](auto r, std::size_t i) __attribute__((always_inline)) {
      const auto j = static_cast<std::ptrdiff_t>(k - 1 - i);
      const T x = a[static_cast<std::ptrdiff_t>(i)];
      low[r.value] = V::low(low[r.value], x, b[j]);
      high[r.value] = V::high(high[r.value], x, b[j]);
      return x;
    };
    for (std::size_t i = 0; i + C < k; i += C) {
      unroll<0, C>([&](auto r) __attribute__((always_inline)) {
        const T x = add(r, i + r.value);
        from_below[r.value] =
            V::high(from_below[r.value], x, b[static_cast<std::ptrdiff_t>(k - 2 - i - r.value)]);
      });
    }
    unroll<0, C>([&](auto r) __attribute__((always_inline)) {
      const std::size_t i = k - C + r.value;
      const T x = add(r, i);
      if constexpr (r.value + 1 < C)
        from_below[r.value] = V::high(from_below[r.value], x, b[C - 2 - r.value]);
    });
    unroll<1, C>([&](auto r) __attribute__((always_inline)) {
      low[0] = V::add(low[0], low[r.value]);
      high[0] = V::add(high[0], high[r.value]);
      from_below[0] = V::add(from_below[0], from_below[r.value]);
    });
    return V::add(V::above(V::add(low[0], from_below[0])), high[0]);
  }
};

template <class V>
void settle(const DigitContext& c, Limb* x) {
  using T = typename V::T;
  const std::size_t k = c.layout.count;
  T *const low = reinterpret_cast<T*>(x), *const high = low + k;
  const T below = subtract_once<V>(c, low, low);
  T carry = V::sub(V::all(1), below);
  for (std::size_t i = 0; i < k; ++i) {
    const T sum = V::add(high[i], carry);
    high[i] = V::masked(sum);
    carry = V::above(sum);
  }
  for (int times = 0; times < 3; ++times) subtract_once<V>(c, high, high);
}

}  // namespace
}  // namespace isthmus::bigint
