#pragma once
// The twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2 over 2^255 - 19, in extended coordinates.
//
// x = X/Z, y = Y/Z, T = XY/Z. The formulas are complete: they hold for every pair of points, the identity
// included, so there is no case to branch on. They are templates over the field type F of fp25519.hpp, so
// that a backend with several points per vector reuses them. Every coordinate of a point is tight. Sums of
// products are formed before the products are reduced, which saves a vector type their carries. Ref:
// Hisil, Wong, Carter, Dawson, "Twisted Edwards curves revisited" (ASIACRYPT 2008).

#include <array>
#include <cstddef>
#include <cstdint>

#include "isthmus/core/secret.hpp"
#include "isthmus/curve/formula.hpp"
#include "isthmus/field/fp25519.hpp"

namespace isthmus::edwards25519 {

/// d = -121665/121666.
inline constexpr Fp25519 kD =
    Fp25519::from_words({0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73});
inline constexpr Fp25519 kTwoD =
    Fp25519::from_words({0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7});

template <class F>
struct Point {
  F x, y, z, t;

  static Point identity() noexcept { return {F::zero(), F::one(), F::one(), F::zero()}; }
};

/// A point prepared as the second operand of additions; every coordinate is tight.
template <class F>
struct Cached {
  F y_minus_x, y_plus_x, z2, t2d;

  static Cached identity() noexcept { return {F::one(), F::one(), carry(F::one() + F::one()), F::zero()}; }
};

template <class F>
ISTHMUS_FORMULA Cached<F> cache(const Point<F>& p) noexcept {
  return {carry(p.y - p.x), carry(p.y + p.x), carry(p.z + p.z), p.t * F(kTwoD)};
}

// The last step shared by additions and doublings: (x, y) = (E/G, H/F). Doubling does not read t, so what is
// doubled next can do without.
template <class F, bool kWithT>
ISTHMUS_FORMULA Point<F> complete(const F& e, const F& f, const F& g, const F& h) noexcept {
  if constexpr (kWithT) return {e * f, g * h, f * g, e * h};
  return {e * f, g * h, f * g, F::zero()};
}

/// p + q; 8 products, one less without t.
template <class F, bool kWithT = true>
ISTHMUS_FORMULA Point<F> add(const Point<F>& p, const Cached<F>& q) noexcept {
  const auto a = wide_product(difference_operand(p.y, p.x), q.y_minus_x);
  const auto b = wide_product(sum_operand(p.y, p.x), q.y_plus_x);
  const auto c = wide_product(p.t, q.t2d);
  const auto d = wide_product(p.z, q.z2);
  return complete<F, kWithT>(reduce(b - a), reduce(d - c), reduce(d + c), reduce(b + a));
}

/// 2p; 4 squares and 4 products, one less without t.
template <class F, bool kWithT = true>
ISTHMUS_FORMULA Point<F> twice(const Point<F>& p) noexcept {
  const auto a = wide_square(p.x);
  const auto b = wide_square(p.y);
  const auto zz = wide_square(p.z);
  const auto sum = a + b;                            // -H of the paper
  const F e = reduce(wide_square(p.x + p.y) - sum);  // 2xy
  const F g = reduce(b - a);                         // D + B with D = -A
  const F f = reduce(b - (a + zz + zz));             // G - C
  const F h = reduce(-sum);                          // D - B
  return complete<F, kWithT>(e, f, g, h);
}

/// Secret scalars below 2^253, one for each row of a tile, as 64 digits in [-8, 8): the sum of
/// digit[i] * 16^i. Security  As secret as the scalars; zeroised on destruction.
class ScalarDigits {
 public:
  static constexpr std::size_t kCount = 64;
  static constexpr std::size_t kRows = 256;

  /// Row r has the scalar at scalars + r * stride, for r < n, and rows from n on the last one. Stride 0 gives
  /// all rows one scalar.
  ScalarDigits(const std::uint8_t* scalars, std::size_t n, std::size_t stride) noexcept;
  ~ScalarDigits();
  ScalarDigits(const ScalarDigits&) = delete;
  ScalarDigits& operator=(const ScalarDigits&) = delete;

  /// The absolute value of digit i of every row.
  const std::uint8_t* magnitude(std::size_t i) const noexcept { return magnitude_[i].data(); }
  /// 1 where digit i is negative.
  const std::uint8_t* negative(std::size_t i) const noexcept { return negative_[i].data(); }

 private:
  using Row = std::array<std::uint8_t, kRows>;
  std::array<Row, kCount> magnitude_;
  std::array<Row, kCount> negative_;
};

/// The multiples p, 2p, ..., 8p, read by scanning the whole table.
template <class F>
class WindowTable {
 public:
  explicit WindowTable(const Point<F>& p) noexcept {
    multiple_[0] = cache(p);
    Point<F> next = twice(p);
    for (std::size_t k = 1; k < kSize; ++k) {
      multiple_[k] = cache(next);
      next = add(next, multiple_[0]);
    }
  }

  ~WindowTable() { zeroise(multiple_, sizeof multiple_); }
  WindowTable(const WindowTable&) = delete;
  WindowTable& operator=(const WindowTable&) = delete;

  /// Digit i of the rows from `row` on, times p, as an operand of add(). Every entry is read, whatever the
  /// digit.
  Cached<F> lookup(const ScalarDigits& digits, std::size_t i, std::size_t row) const noexcept {
    const std::uint8_t* magnitude = digits.magnitude(i) + row;
    typename F::Mask hits[kSize];
    for (std::size_t k = 0; k < kSize; ++k) {
      hits[k] = F::bytes_equal(magnitude, static_cast<std::uint8_t>(k + 1));
    }
    const auto scan = [&](F r, F Cached<F>::* coordinate) {
      for (std::size_t k = 0; k < kSize; ++k) r = ct_select(hits[k], multiple_[k].*coordinate, r);
      return r;
    };
    const Cached<F> neutral = Cached<F>::identity();
    const F y_minus_x = scan(neutral.y_minus_x, &Cached<F>::y_minus_x);
    const F y_plus_x = scan(neutral.y_plus_x, &Cached<F>::y_plus_x);
    const F z2 = scan(neutral.z2, &Cached<F>::z2);
    const F t2d = scan(neutral.t2d, &Cached<F>::t2d);
    const auto sign = F::bytes_equal(digits.negative(i) + row, 1);
    return {ct_select(sign, y_plus_x, y_minus_x), ct_select(sign, y_minus_x, y_plus_x), z2,
            ct_select(sign, negative_operand(t2d), t2d)};
  }

 private:
  static constexpr std::size_t kSize = 8;
  Cached<F> multiple_[kSize];
};

/// The scalars behind the rows of `digits` from `row` on, times p.
/// Timing    Constant in the scalars and in p.
template <class F>
Point<F> mult(const ScalarDigits& digits, std::size_t row, const Point<F>& p) noexcept {
  const WindowTable<F> table(p);
  Point<F> sum = add<F, false>(Point<F>::identity(), table.lookup(digits, ScalarDigits::kCount - 1, row));
  const auto times_sixteen = [&sum] {
    sum = twice<F, false>(sum);
    sum = twice<F, false>(sum);
    sum = twice<F, false>(sum);
    sum = twice(sum);
  };
  for (std::size_t i = ScalarDigits::kCount - 1; i > 1; --i) {
    times_sixteen();
    sum = add<F, false>(sum, table.lookup(digits, i - 1, row));
  }
  times_sixteen();
  return add(sum, table.lookup(digits, 0, row));
}

}  // namespace isthmus::edwards25519
