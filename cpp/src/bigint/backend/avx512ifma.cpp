// Eight (or four) products at a time on AVX-512 IFMA, whose multiply-add takes 52-bit digits and adds the
// low or the high half of their product to a 64-bit sum.
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

#include <immintrin.h>

#include "radix52.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in the intrinsics' own header (GCC bug 105593)
#endif

namespace isthmus::bigint {
namespace {

#define ISTHMUS_INLINE __attribute__((always_inline)) inline

struct Eight {
  using T = __m512i;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 8;
  static ISTHMUS_INLINE T zero() { return _mm512_setzero_si512(); }
  static ISTHMUS_INLINE T all(Limb x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  static ISTHMUS_INLINE T low(T sum, T a, T b) { return _mm512_madd52lo_epu64(sum, a, b); }
  static ISTHMUS_INLINE T high(T sum, T a, T b) { return _mm512_madd52hi_epu64(sum, a, b); }
  static ISTHMUS_INLINE T add(T a, T b) { return _mm512_add_epi64(a, b); }
  static ISTHMUS_INLINE T sub(T a, T b) { return _mm512_sub_epi64(a, b); }
  static ISTHMUS_INLINE T masked(T a) { return _mm512_and_si512(a, all(kDigitMask)); }
  static ISTHMUS_INLINE T above(T a) { return _mm512_srai_epi64(a, kDigitBits); }
  static ISTHMUS_INLINE Mask negative(T a) { return _mm512_movepi64_mask(a); }
  static ISTHMUS_INLINE T select(Mask mask, T a, T b) { return _mm512_mask_blend_epi64(mask, b, a); }
  static ISTHMUS_INLINE T or_and(T sum, T a, T b) { return _mm512_ternarylogic_epi64(sum, a, b, 0xf8); }
  static ISTHMUS_INLINE Mask any_bit(T a, T b) { return _mm512_test_epi64_mask(a, b); }
  /// Lane l: word index[l] mod 2 * kLanes of the two vectors.
  static ISTHMUS_INLINE T permute(T low, T index, T high) {
    return _mm512_permutex2var_epi64(low, index, high);
  }
};

struct Four {
  using T = __m256i;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 4;
  static ISTHMUS_INLINE T zero() { return _mm256_setzero_si256(); }
  static ISTHMUS_INLINE T all(Limb x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  static ISTHMUS_INLINE T low(T sum, T a, T b) { return _mm256_madd52lo_epu64(sum, a, b); }
  static ISTHMUS_INLINE T high(T sum, T a, T b) { return _mm256_madd52hi_epu64(sum, a, b); }
  static ISTHMUS_INLINE T add(T a, T b) { return _mm256_add_epi64(a, b); }
  static ISTHMUS_INLINE T sub(T a, T b) { return _mm256_sub_epi64(a, b); }
  static ISTHMUS_INLINE T masked(T a) { return _mm256_and_si256(a, all(kDigitMask)); }
  static ISTHMUS_INLINE T above(T a) { return _mm256_srai_epi64(a, kDigitBits); }
  static ISTHMUS_INLINE Mask negative(T a) { return _mm256_movepi64_mask(a); }
  static ISTHMUS_INLINE T select(Mask mask, T a, T b) { return _mm256_mask_blend_epi64(mask, b, a); }
  static ISTHMUS_INLINE T or_and(T sum, T a, T b) { return _mm256_ternarylogic_epi64(sum, a, b, 0xf8); }
  static ISTHMUS_INLINE Mask any_bit(T a, T b) { return _mm256_test_epi64_mask(a, b); }
  /// Lane l: word index[l] mod 2 * kLanes of the two vectors.
  static ISTHMUS_INLINE T permute(T low, T index, T high) {
    return _mm256_permutex2var_epi64(low, index, high);
  }
};

template <int I>
struct Index {
  static constexpr int value = I;
};

/// f(Index<From>), ..., f(Index<To - 1>), unrolled.
template <int From, int To, class F>
ISTHMUS_INLINE void unroll(const F& f) {
  if constexpr (From < To) {
    f(Index<From>{});
    unroll<From + 1, To>(f);
  }
}

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
  template <class Low0, class High0, class Low1, class High1, class Side = const Idle>
  static ISTHMUS_INLINE void pair_product(const DigitContext& c, Limb* out, Low0 low_0, High0 high_0,
                                          Low1 low_1, High1 high_1, Side& side = kIdle) {
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

  static void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(a), x1 = x0 + k, y0 = number(b), y1 = y0 + k;
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
        });
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

  static void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
    const std::size_t k = c.layout.count;
    const Number x0 = number(a), x1 = x0 + k, y0 = number(b);
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
        });
  }
};

/// Calls f with the number of columns to keep in registers, which divides the number of digits.
template <class F>
ISTHMUS_INLINE void with_columns(std::size_t digits, const F& f) {
  if (digits % 4 == 0) return f(Index<4>{});
  f(Index<3>{});
}

DigitLayout layout(std::size_t modulus_bits) {
  std::size_t count = fewest_digits(modulus_bits);
  while (count % 4 != 0 && count % 3 != 0) ++count;
  return {count, kDigitBits};
}

template <class V>
void mod_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  with_columns(c.layout.count, [&](auto columns) { Products<V, columns.value>::mod_mul(c, out, a, b); });
}
template <class V>
void mod_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  with_columns(c.layout.count, [&](auto columns) { Products<V, columns.value>::mod_sqr(c, out, a); });
}
template <class V>
void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  with_columns(c.layout.count, [&](auto columns) { Products<V, columns.value>::pair_mul(c, out, a, b); });
}
template <class V>
void pair_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  with_columns(c.layout.count, [&](auto columns) { Products<V, columns.value>::pair_sqr(c, out, a); });
}
template <class V>
void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  with_columns(c.layout.count,
               [&](auto columns) { Products<V, columns.value>::pair_mul_digit(c, out, a, b); });
}

template <class V>
void select(const Selection& s);

template <class V>
void pair_sqr_select(const DigitContext& c, Limb* x, std::size_t times, const Selection& s) {
  if (s.entries % SteppedSelection<V>::kAtOnce != 0) {
    for (std::size_t i = 0; i < times; ++i) pair_sqr<V>(c, x, x);
    return select<V>(s);
  }
  with_columns(c.layout.count,
               [&](auto columns) { Products<V, columns.value>::pair_sqr_select(c, x, times, s); });
}

/// Transposes 8 rows of 8 words: pairs of words, then of pairs, then of quadruples.
ISTHMUS_INLINE void transpose(__m512i (&x)[8]) {
  __m512i y[8];
  for (int i = 0; i < 8; i += 2) {
    y[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      x[i + j] = _mm512_shuffle_i64x2(y[i + j], y[i + j + 2], 0x88);
      x[i + j + 2] = _mm512_shuffle_i64x2(y[i + j], y[i + j + 2], 0xdd);
    }
  }
  for (int j = 0; j < 4; ++j) {
    y[j] = _mm512_shuffle_i64x2(x[j], x[j + 4], 0x88);
    y[j + 4] = _mm512_shuffle_i64x2(x[j], x[j + 4], 0xdd);
  }
  for (int i = 0; i < 8; ++i) x[i] = y[i];
}

ISTHMUS_INLINE void transpose(__m256i (&x)[4]) {
  const __m256i y[4] = {_mm256_unpacklo_epi64(x[0], x[1]), _mm256_unpackhi_epi64(x[0], x[1]),
                        _mm256_unpacklo_epi64(x[2], x[3]), _mm256_unpackhi_epi64(x[2], x[3])};
  for (int j = 0; j < 2; ++j) {
    x[j] = _mm256_permute2x128_si256(y[j], y[j + 2], 0x20);
    x[j + 2] = _mm256_permute2x128_si256(y[j], y[j + 2], 0x31);
  }
}

ISTHMUS_INLINE __m512i load(__mmask8 words, const Limb* from, Eight) {
  return _mm512_maskz_loadu_epi64(words, from);
}
ISTHMUS_INLINE __m256i load(__mmask8 words, const Limb* from, Four) {
  return _mm256_maskz_loadu_epi64(words, from);
}
ISTHMUS_INLINE void store(Limb* to, __mmask8 words, __m512i x) { _mm512_mask_storeu_epi64(to, words, x); }
ISTHMUS_INLINE void store(Limb* to, __mmask8 words, __m256i x) { _mm256_mask_storeu_epi64(to, words, x); }

/// Lowest `words` of the lanes, at most all of them.
template <class V>
ISTHMUS_INLINE __mmask8 first_words(std::size_t words) {
  return static_cast<__mmask8>(words >= V::kLanes ? (1U << V::kLanes) - 1 : (1U << words) - 1);
}

template <class V>
void gather(Limb* block, const Limb* const* elements, std::size_t words) {
  typename V::T x[V::kLanes];
  for (std::size_t i = 0; i < words; i += V::kLanes) {
    const __mmask8 some = first_words<V>(words - i);
    for (std::size_t l = 0; l < V::kLanes; ++l) x[l] = load(some, elements[l] + i, V{});
    transpose(x);
    auto* const out = reinterpret_cast<typename V::T*>(block) + i;
    for (std::size_t l = 0; l < V::kLanes && i + l < words; ++l) out[l] = x[l];
  }
}

template <class V>
void scatter(Limb* const* elements, const Limb* block, std::size_t words) {
  typename V::T x[V::kLanes];
  for (std::size_t i = 0; i < words; i += V::kLanes) {
    const auto* const in = reinterpret_cast<const typename V::T*>(block) + i;
    for (std::size_t l = 0; l < V::kLanes; ++l) x[l] = i + l < words ? in[l] : V::zero();
    transpose(x);
    const __mmask8 some = first_words<V>(words - i);
    for (std::size_t l = 0; l < V::kLanes; ++l) store(elements[l] + i, some, x[l]);
  }
}

/// Words [first, first + N) of the picked block.
template <class V, int N>
ISTHMUS_INLINE void select_words(typename V::T* out, const typename V::T* table, std::size_t entries,
                                 std::size_t words, std::size_t index) {
  typename V::T sum[N];
  unroll<0, N>([&](auto i) __attribute__((always_inline)) { sum[i.value] = V::zero(); });
  for (std::size_t e = 0; e < entries; ++e, table += words) {
    const typename V::T mask = V::all(ct_equal(e, index));
    unroll<0, N>([&](auto i) __attribute__((always_inline)) {
      sum[i.value] = V::or_and(sum[i.value], mask, table[i.value]);
    });
  }
  unroll<0, N>([&](auto i) __attribute__((always_inline)) { out[i.value] = sum[i.value]; });
}

template <class V>
void select(const Selection& s) {
  constexpr int kAtOnce = 20;  // sums that registers hold; divides the usual numbers of words
  const auto* const rows = reinterpret_cast<const typename V::T*>(s.table);
  auto* const picked = reinterpret_cast<typename V::T*>(s.out);
  std::size_t i = 0;
  for (; i + kAtOnce <= s.words; i += kAtOnce) {
    select_words<V, kAtOnce>(picked + i, rows + i, s.entries, s.words, s.index);
  }
  for (; i + 2 <= s.words; i += 2) select_words<V, 2>(picked + i, rows + i, s.entries, s.words, s.index);
  if (i < s.words) select_words<V, 1>(picked + i, rows + i, s.entries, s.words, s.index);
}

/// The vector whose lanes come from chunk `number` of `Count` neighbours, by the bits of `number`, lowest
/// first.
template <class V, int Count>
ISTHMUS_INLINE typename V::T choose(typename V::T* chunks, const typename V::Mask* bits) {
  if constexpr (Count == 1) {
    return chunks[0];
  } else {
    unroll<0, Count / 2>([&](auto i) __attribute__((always_inline)) {
      chunks[i.value] = V::select(bits[0], chunks[2 * i.value + 1], chunks[2 * i.value]);
    });
    return choose<V, Count / 2>(chunks, bits + 1);
  }
}

/// pick() for B blocks from Chunks pairs of vectors, each of which a permutation searches in one instruction.
template <class V, int Chunks, int B>
ISTHMUS_INLINE void pick_from(Limb* out, const Limb* table, std::size_t words, const Limb* index) {
  using T = typename V::T;
  constexpr int kBits = Chunks == 1 ? 0 : Chunks == 2 ? 1 : Chunks == 4 ? 2 : Chunks == 8 ? 3 : 4;
  T wanted[B];
  typename V::Mask bits[B][kBits + 1];
  unroll<0, B>([&](auto b) __attribute__((always_inline)) {
    wanted[b.value] = reinterpret_cast<const T*>(index)[b.value];
    unroll<0, kBits>([&](auto i) __attribute__((always_inline)) {
      bits[b.value][i.value] = V::any_bit(wanted[b.value], V::all(Limb{2 * V::kLanes} << i.value));
    });
  });
  T* const to = reinterpret_cast<T*>(out);
  const T* entries = reinterpret_cast<const T*>(table);
  for (std::size_t i = 0; i < words; ++i, entries += 2 * Chunks) {
    unroll<0, B>([&](auto b) __attribute__((always_inline)) {
      T found[Chunks];
      unroll<0, Chunks>([&](auto c) __attribute__((always_inline)) {
        found[c.value] = V::permute(entries[2 * c.value], wanted[b.value], entries[2 * c.value + 1]);
      });
      to[b.value * words + i] = choose<V, Chunks>(found, bits[b.value]);
    });
  }
}

template <class V, int Chunks>
void pick_blocks(Limb* out, const Limb* table, std::size_t words, const Limb* index, std::size_t blocks) {
  if (blocks == 1) return pick_from<V, Chunks, 1>(out, table, words, index);
  pick_from<V, Chunks, 2>(out, table, words, index);
}

template <class V>
void pick(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index,
          std::size_t blocks) {
  switch (entries / (2 * V::kLanes)) {
    case 1:
      return pick_blocks<V, 1>(out, table, words, index, blocks);
    case 2:
      return pick_blocks<V, 2>(out, table, words, index, blocks);
    case 4:
      return pick_blocks<V, 4>(out, table, words, index, blocks);
    case 8:
      return pick_blocks<V, 8>(out, table, words, index, blocks);
    default:
      return pick_blocks<V, 16>(out, table, words, index, blocks);
  }
}

template <class V>
void add(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  using T = typename V::T;
  const auto *const x = reinterpret_cast<const T*>(a), *const y = reinterpret_cast<const T*>(b);
  T sum[kMaxDigits], carry = V::zero();
  for (std::size_t i = 0; i < c.layout.count; ++i) {
    carry = V::add(carry, V::add(x[i], y[i]));
    sum[i] = V::masked(carry);
    carry = V::above(carry);
  }
  subtract_once<V>(c, reinterpret_cast<T*>(out), sum);
}

template <class V>
constexpr LaneKernels kernels_of() {
  return {V::kLanes,
          gather<V>,
          scatter<V>,
          pick<V>,
          select<V>,
          add<V>,
          {mod_mul<V>, mod_sqr<V>},
          {pair_mul<V>, pair_sqr<V>},
          pair_mul_digit<V>,
          pair_sqr_select<V>};
}

#undef ISTHMUS_INLINE

std::size_t constant_words(std::size_t) { return 0; }
void prepare(DigitContext&) {}

}  // namespace

constinit const KernelTable kAvx512IfmaKernels = {layout, constant_words, prepare, kernels_of<Eight>(),
                                                  kernels_of<Four>()};

}  // namespace isthmus::bigint
