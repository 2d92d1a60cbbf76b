#pragma once
// Products of 52-bit digits on AVX-512 IFMA, whose multiply-add takes 52-bit digits and adds the low or the
// high half of their product to a 64-bit sum.
//
// Product scanning: `C` neighbouring columns at a time stay in registers, low and high halves apart, so that
// a step is two loads and 2*C multiply-adds on 2*C independent sums, and sums never go through memory.
// Columns of a product and of its reduction q*m are summed together; a quotient digit is one multiplication
// by -1/m modulo 2^52. Its latency hides behind the next columns, which do not need it.
//
// Bounds: digits are below 2^52. At most three products of k digits meet in a column, one of them possibly
// doubled cross products, which count as two: a sum of low (or high) halves stays below 3k * 2^52 < 2^61 for
// k <= 162 digits, and a column with its carry (< 2^10), its low halves and its left neighbour's high halves
// below 2^62.
// Ref       Gueron and Krasnov, "Accelerating big integer arithmetic using Intel IFMA extensions", ARITH
// 2016.

#include "kernels.hpp"
#include "vector_avx512ifma.hpp"

namespace isthmus::bigint {
namespace {

/// The digits of one number per lane.
template <class V>
struct Blocks {
  const typename V::T* digits;
  ISTHMUS_INLINE typename V::T operator[](std::ptrdiff_t i) const { return digits[i]; }
  ISTHMUS_INLINE Blocks operator+(std::ptrdiff_t i) const { return {digits + i}; }
};

/// The digits of one number, the same in all lanes.
template <class V>
struct Shared {
  const Limb* digits;
  ISTHMUS_INLINE typename V::T operator[](std::ptrdiff_t i) const { return V::all(digits[i]); }
  ISTHMUS_INLINE Shared operator+(std::ptrdiff_t i) const { return {digits + i}; }
};

/// Sums of C neighbouring columns. high[r] belongs to the column left of low[r]'s.
template <class V, int C>
struct Columns {
  using T = typename V::T;
  T low[C], high[C];

  ISTHMUS_INLINE void clear() {
    unroll<0, C>([&](auto r) __attribute__((always_inline)) { low[r.value] = high[r.value] = V::zero(); });
  }
  ISTHMUS_INLINE void twice() {
    unroll<0, C>([&](auto r) __attribute__((always_inline)) {
      low[r.value] = V::add(low[r.value], low[r.value]);
      high[r.value] = V::add(high[r.value], high[r.value]);
    });
  }
  template <int R>
  ISTHMUS_INLINE void add_product(T a, T b) {
    low[R] = V::low(low[R], a, b);
    high[R] = V::high(high[R], a, b);
  }

  /// Column r: += a[i] * b[r - i] for i < C * steps.
  template <class A, class B>
  ISTHMUS_INLINE void add_band(A a, B b, std::size_t steps) {
    for (; steps != 0; --steps, a = a + C, b = b + -C) {
      unroll<0, C>([&](auto i) __attribute__((always_inline)) {
        const T x = a[i.value];
        unroll<0, C>([&](auto r) __attribute__((always_inline)) {
          this->template add_product<r.value>(x, b[r.value - i.value]);
        });
      });
    }
  }
  /// Column r: += a[i] * b[r - i] for 0 <= i <= r.
  template <class A, class B>
  ISTHMUS_INLINE void add_lower_triangle(A a, B b) {
    unroll<0, C>([&](auto i) __attribute__((always_inline)) {
      const T x = a[i.value];
      unroll<i.value, C>([&](auto r) __attribute__((always_inline)) {
        this->template add_product<r.value>(x, b[r.value - i.value]);
      });
    });
  }
  /// Column r: += a[i] * b[C + r - i] for r < i < C.
  template <class A, class B>
  ISTHMUS_INLINE void add_upper_triangle(A a, B b) {
    unroll<1, C>([&](auto i) __attribute__((always_inline)) {
      const T x = a[i.value];
      unroll<0, i.value>([&](auto r) __attribute__((always_inline)) {
        this->template add_product<r.value>(x, b[C + r.value - i.value]);
      });
    });
  }

  // Columns [first, first + C) of the product of two numbers of k digits; C divides first and k.
  template <class A, class B>
  ISTHMUS_INLINE void add_low_columns(A a, B b, std::size_t first) {
    add_band(a, b + first, first / C);
    add_lower_triangle(a + first, b);
  }
  template <class A, class B>
  ISTHMUS_INLINE void add_high_columns(A a, B b, std::size_t k, std::size_t first) {
    const std::size_t skipped = first - k;
    add_band(a + (skipped + C), b + (k - C), (k - skipped) / C - 1);
    add_upper_triangle(a + skipped, b + (k - C));
  }

  // What add_low_columns and add_high_columns leave of a square next to its diagonal: cross products
  // a[h + i] * a[n - h + r - i], h + i < n - h + r - i, for n = 2h (Odd = 0) or n = 2h + C (Odd = 1).
  template <int Odd, bool Last>
  ISTHMUS_INLINE void add_cross_products(Blocks<V> a) {
    unroll<0, C>([&](auto i) __attribute__((always_inline)) {
      constexpr int from = 2 * i.value - Odd * C + 1;
      constexpr int to = Last ? i.value : C;
      unroll<(from > 0 ? from : 0), to>([&](auto r) __attribute__((always_inline)) {
        this->template add_product<r.value>(a[i.value], a[Odd * C + r.value - i.value]);
      });
    });
  }
  template <int Odd, bool Last>
  ISTHMUS_INLINE void add_squares(Blocks<V> a) {
    unroll<0, C>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = 2 * i.value - Odd * C;
      if constexpr (r >= 0 && r < (Last ? i.value : C)) this->template add_product<r>(a[i.value], a[i.value]);
    });
  }
  template <int Odd, bool Last = false>
  ISTHMUS_INLINE void add_diagonal(Blocks<V> a) {
    add_cross_products<Odd, Last>(a);
    twice();
    add_squares<Odd, Last>(a);
  }
  // The square's columns, from cleared sums.
  ISTHMUS_INLINE void square_low_columns(Blocks<V> a, std::size_t first) {
    const std::size_t blocks = first / C, half = blocks / 2;
    add_band(a, a + first, half);
    if (blocks % 2 == 0) {
      add_diagonal<0>(a + half * C);
    } else {
      add_diagonal<1>(a + half * C);
    }
  }
  ISTHMUS_INLINE void square_high_columns(Blocks<V> a, std::size_t k, std::size_t first) {
    const std::size_t blocks = first / C, half = blocks / 2, skipped = first - k;
    if (first + C == 2 * k) {
      add_diagonal<1, true>(a + half * C);
      return;
    }
    add_band(a + (skipped + C), a + (k - C), half - skipped / C - 1);
    add_upper_triangle(a + skipped, a + (k - C));
    if (blocks % 2 == 0) {
      add_diagonal<0>(a + half * C);
    } else {
      add_diagonal<1>(a + half * C);
    }
  }
};

/// out = v mod m for v < 2m; returns 1 in the lanes where v < m. out may be v.
template <class V>
ISTHMUS_INLINE typename V::T subtract_once(const DigitContext& c, typename V::T* out,
                                           const typename V::T* v) {
  const std::size_t k = c.layout.count;
  const Shared<V> m{c.m.data()};
  using T = typename V::T;
  T reduced[kMaxDigits];
  T borrow = V::zero();
  for (std::size_t i = 0; i < k; ++i) {
    const T difference = V::add(V::sub(v[i], m[i]), borrow);
    reduced[i] = V::masked(difference);
    borrow = V::above(difference);
  }
  const typename V::Mask keep = V::negative(borrow);
  for (std::size_t i = 0; i < k; ++i) out[i] = V::select(keep, v[i], reduced[i]);
  return V::sub(V::zero(), borrow);
}

/// What is done between column blocks: nothing.
struct Idle {
  ISTHMUS_INLINE void step() const {}
};
constexpr Idle kIdle;

/// A selection in small steps, which hide behind the multiply-adds around them: it waits for the second-level
/// cache, they wait for one another.
template <class V>
class SteppedSelection {
 public:
  using T = typename V::T;

  explicit SteppedSelection(const Selection& s)
      : out_(reinterpret_cast<T*>(s.out)),
        table_(reinterpret_cast<const T*>(s.table)),
        entries_(s.entries),
        words_(s.words) {
    for (std::size_t e = 0; e < entries_; ++e) masks_[e] = ct_equal(e, s.index);
    for (std::size_t i = 0; i < words_; ++i) out_[i] = V::zero();
  }

  /// Some entries of two words.
  ISTHMUS_INLINE void step() {
    if (word_ + 2 > words_) return;
    const T* from = table_ + entry_ * words_ + word_;
    T first = out_[word_], second = out_[word_ + 1];
    for (std::size_t i = 0; i < kAtOnce; ++i, from += words_) {
      const T mask = V::all(masks_[entry_ + i]);
      first = V::or_and(first, mask, from[0]);
      second = V::or_and(second, mask, from[1]);
    }
    out_[word_] = first;
    out_[word_ + 1] = second;
    entry_ += kAtOnce;
    if (entry_ < entries_) return;
    entry_ = 0;
    word_ += 2;
  }
  bool done() const { return word_ >= words_; }

  static constexpr std::size_t kAtOnce = 8;  // divides the number of entries

 private:
  T* out_;
  const T* table_;
  std::size_t entries_, words_;
  std::size_t word_ = 0, entry_ = 0;
  Limb masks_[64];
};

/// Products for digit counts that C divides.
template <class V, int C>
struct Products {
  using T = typename V::T;
  using Sums = Columns<V, C>;
  using Number = Blocks<V>;

  static ISTHMUS_INLINE Number number(const Limb* block) { return {reinterpret_cast<const T*>(block)}; }

  /// The quotient digits of columns [first, first + C), which they make vanish; returns the carry out.
  static ISTHMUS_INLINE T quotients(const DigitContext& c, Sums& s, T* q, T carry) {
    const Shared<V> m{c.m.data()};
    const T inverse = V::all(c.neg_inverse);
    unroll<0, C>([&](auto r) __attribute__((always_inline)) {
      T sum = V::add(s.low[r.value], carry);
      const T digit = V::low(V::zero(), sum, inverse);
      q[r.value] = digit;
      sum = V::low(sum, digit, m[0]);
      s.high[r.value] = V::high(s.high[r.value], digit, m[0]);
      unroll<r.value + 1, C>([&](auto j) __attribute__((always_inline)) {
        s.template add_product<j.value>(digit, m[j.value - r.value]);
      });
      carry = V::add(V::above(sum), s.high[r.value]);
    });
    return carry;
  }

  /// v = (S + q*m) / R - less, for S = carry + sum of the columns that the two functions add. Signed carries.
  template <class Low, class High, class Side>
  static ISTHMUS_INLINE void reduce(const DigitContext& c, T* v, T* q, T carry, T less, Low add_low,
                                    High add_high, Side& side) {
    const std::size_t k = c.layout.count;
    const Shared<V> m{c.m.data()};
    Sums s;
    for (std::size_t first = 0; first < k; first += C) {
      add_low(s, first);
      s.add_band(Number{q}, m + first, first / C);
      carry = quotients(c, s, q + first, carry);
      side.step();
    }
    carry = V::sub(carry, less);
    for (std::size_t first = k; first < 2 * k; first += C) {
      add_high(s, first);
      s.add_high_columns(Number{q}, m, k, first);
      unroll<0, C>([&](auto r) __attribute__((always_inline)) {
        const T sum = V::add(s.low[r.value], carry);
        v[first - k + r.value] = V::masked(sum);
        carry = V::add(V::above(sum), s.high[r.value]);
      });
      side.step();
    }
  }

  template <class Low, class High>
  static ISTHMUS_INLINE void mod_product(const DigitContext& c, Limb* out, Low low, High high) {
    T v[kMaxDigits], q[kMaxDigits];
    reduce(c, v, q, V::zero(), V::zero(), low, high, kIdle);
    subtract_once<V>(c, reinterpret_cast<T*>(out), v);
  }

  static void mod_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
    const Number x = number(a), y = number(b);
    mod_product(
        c, out,
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x, y, first);
        },
        [=, k = c.layout.count](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x, y, k, first);
        });
  }

  static void mod_sqr(const DigitContext& c, Limb* out, const Limb* a) {
    const Number x = number(a);
    mod_product(
        c, out,
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.square_low_columns(x, first);
        },
        [=, k = c.layout.count](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.square_high_columns(x, k, first);
        });
  }

  /// The pair product whose digits have the columns that low_0, high_0 and low_1, high_1 add to clear sums.
  /// With X0*Y0 = R*t - q*m and R - q = 1 + sum (2^52 - 1 - q_i) 2^(52*i), the high digit is
  /// REDC(X0*Y1 + X1*Y0 + R - q) - [t < m] modulo m. The reduction's argument is above zero, and its result
  /// with it: the subtraction cannot fall below zero.
  template <class Low0, class High0, class Low1, class High1, class Side>
  static ISTHMUS_INLINE void pair_product(const DigitContext& c, Limb* out, Low0 low_0, High0 high_0,
                                          Low1 low_1, High1 high_1, Side& side) {
    const std::size_t k = c.layout.count;
    T t[kMaxDigits], u[kMaxDigits], q[kMaxDigits], q_1[kMaxDigits];
    reduce(c, t, q, V::zero(), V::zero(), low_0, high_0, side);
    const T less = subtract_once<V>(c, t, t);
    reduce(
        c, u, q_1, V::all(1), less,
        [&](Sums& s, std::size_t first) __attribute__((always_inline)) {
          low_1(s, first);
          unroll<0, C>([&](auto r) __attribute__((always_inline)) {
            s.low[r.value] = V::add(s.low[r.value], V::sub(V::all(kDigitMask), q[first + r.value]));
          });
        },
        high_1, side);
    T* const digits = reinterpret_cast<T*>(out);
    for (std::size_t i = 0; i < k; ++i) digits[i] = t[i];
    subtract_once<V>(c, digits + k, u);
  }

  /// Times that pair_product calls its side.
  static std::size_t steps(const DigitContext& c) { return 4 * c.layout.count / C; }

  static void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(a), x1 = x0 + k, y0 = number(b), y1 = y0 + k;
    ahead.spread(steps(c));
    pair_product(
        c, out,
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x0, y0, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x0, y0, k, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x0, y1, first);
          s.add_low_columns(x1, y0, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x0, y1, k, first);
          s.add_high_columns(x1, y0, k, first);
        },
        ahead);
  }

  static void pair_sqr(const DigitContext& c, Limb* out, const Limb* a) { square(c, out, a, kIdle); }

  static void pair_sqr_select(const DigitContext& c, Limb* x, std::size_t times, const Selection& selection) {
    SteppedSelection<V> steps(selection);
    for (std::size_t i = 0; i < times; ++i) square(c, x, x, steps);
    while (!steps.done()) steps.step();
  }

  template <class Side>
  static ISTHMUS_INLINE void square(const DigitContext& c, Limb* out, const Limb* a, Side& side) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(a), x1 = x0 + k;
    pair_product(
        c, out,
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.square_low_columns(x0, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.square_high_columns(x0, k, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x0, x1, first);
          s.twice();
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x0, x1, k, first);
          s.twice();
        },
        side);
  }

  static void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(a), x1 = x0 + k, y0 = number(b);
    ahead.spread(steps(c));
    pair_product(
        c, out,
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x0, y0, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x0, y0, k, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_low_columns(x1, y0, first);
        },
        [=](Sums& s, std::size_t first) __attribute__((always_inline)) {
          s.clear();
          s.add_high_columns(x1, y0, k, first);
        },
        ahead);
  }
};

}  // namespace
}  // namespace isthmus::bigint
