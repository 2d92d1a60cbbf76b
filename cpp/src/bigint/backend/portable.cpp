// Product scanning over digits of about 60 bits, in plain C++.
//
// A whole column of products of such digits fits an unsigned 128-bit sum, so the inner loop is one
// multiplication and one two-word addition, without carries to chase: at 1024 to 4096 bits the extra digits
// (35 where 64-bit limbs need 32) cost less than those carries. Bound: a column holds at most 3k products
// below 2^(2*width), and a carry and an addend smaller than one more. Ref       Koc, Acar and Kaliski,
// "Analyzing and comparing Montgomery multiplication algorithms" (1996), FIPS.

#include <algorithm>
#include <array>

#include "../digits.hpp"
#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

using Wide = unsigned __int128;

DigitLayout layout(std::size_t modulus_bits) {
  for (unsigned width = 61;; --width) {
    const std::size_t count = (modulus_bits + 2 + width - 1) / width;  // two spare bits: R >= 4m
    if (3 * count + 1 <= std::size_t{1} << (128 - 2 * width)) return {count, width};
  }
}

/// sum of a[j] * b[-j]. Two accumulators, because one chain of additions would bound the loop by its latency.
inline Wide dot(const Limb* a, const Limb* b, std::size_t n) noexcept {
  Wide even = 0;
  Wide odd = 0;
  std::size_t j = 0;
  for (; j + 2 <= n; j += 2) {
    even += Wide{a[j]} * b[-static_cast<std::ptrdiff_t>(j)];
    odd += Wide{a[j + 1]} * b[-static_cast<std::ptrdiff_t>(j + 1)];
  }
  if (j < n) even += Wide{a[j]} * b[-static_cast<std::ptrdiff_t>(j)];
  return even + odd;
}

/// The digits of columns i of a product of k by k digits: first index lo, number of terms.
struct Column {
  std::size_t index;
  std::size_t first;
  std::size_t terms;
};

inline Wide column_product(const Limb* a, const Limb* b, const Column& c) noexcept {
  return dot(a + c.first, b + (c.index - c.first), c.terms);
}

/// Column of 2*a*b for a == b: every cross product once, doubled.
inline Wide column_square(const Limb* a, const Column& c) noexcept {
  const Wide cross = dot(a + c.first, a + (c.index - c.first), c.terms / 2);
  const Wide middle = c.terms % 2 != 0 ? Wide{a[c.index / 2]} * a[c.index / 2] : Wide{0};
  return 2 * cross + middle;
}

/// out = (S + q*m) / R for S = sum of column(i) * 2^(width*i), with q chosen so that the division is exact.
/// Requires  S < R*m, so that out < 2m < R.
template <class ColumnSum>
inline void reduce(const DigitContext& c, Limb* out, Limb* q, ColumnSum column) noexcept {
  const std::size_t k = c.layout.count;
  const Limb* m = c.m.data();
  Wide carry = 0;
  for (std::size_t i = 0; i < k; ++i) {
    Wide sum = carry + column(Column{i, 0, i + 1}) + dot(q, m + i, i);
    q[i] = (static_cast<Limb>(sum) * c.neg_inverse) & c.mask;
    sum += Wide{q[i]} * m[0];
    carry = sum >> c.layout.width;
  }
  for (std::size_t i = k; i < 2 * k - 1; ++i) {
    const std::size_t first = i - k + 1;
    const Wide sum = carry + column(Column{i, first, k - first}) + dot(q + first, m + k - 1, k - first);
    out[i - k] = static_cast<Limb>(sum) & c.mask;
    carry = sum >> c.layout.width;
  }
  out[k - 1] = static_cast<Limb>(carry);
}

/// out = t - (t >= m ? m : 0) for t < 2m; returns 1 when t < m.
inline Limb subtract_once(const DigitContext& c, Limb* out, const Limb* t) noexcept {
  const std::size_t k = c.layout.count;
  const Limb* m = c.m.data();
  DigitScratch reduced;
  Limb borrow = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb d = t[i] - m[i] - borrow;
    reduced[i] = d & c.mask;
    borrow = d >> 63;
  }
  const Limb keep = ct_mask(borrow);
  for (std::size_t i = 0; i < k; ++i) out[i] = ct_select(keep, t[i], reduced[i]);
  return borrow;
}

/// out = (u - less) mod m for 0 < u < 2m and less in {0, 1}.
inline void finish_high_digit(const DigitContext& c, Limb* out, const Limb* u, Limb less) noexcept {
  const std::size_t k = c.layout.count;
  DigitScratch kept;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb d = u[i] - less;
    kept[i] = d & c.mask;
    less = d >> 63;
  }
  subtract_once(c, out, kept.data());
}

/// The pair product: low(i) and high(i) are the column sums of X0*Y0 and of X0*Y1 + X1*Y0.
/// With X0*Y0 = R*t - q*m and R - q = sum (mask - q_i) 2^(width*i) + 1, the high digit is
/// REDC(high + (R - q)) - 1 + [t >= m], whose argument is above zero, and with it the result of REDC.
template <class LowSum, class HighSum>
inline void pair_product(const DigitContext& c, Limb* out, LowSum low, HighSum high) noexcept {
  const std::size_t k = c.layout.count;
  DigitScratch t, u, q, q_high;
  reduce(c, t.data(), q.data(), low);
  reduce(c, u.data(), q_high.data(), [&](const Column& column) {
    const std::size_t i = column.index;
    const Wide minus_q = i < k ? Wide{c.mask - q[i]} + (i == 0 ? 1 : 0) : Wide{0};
    return high(column) + minus_q;
  });
  const Limb less = subtract_once(c, out, t.data());
  finish_high_digit(c, out + k, u.data(), less);
}

void mod_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  DigitScratch t, q;
  reduce(c, t.data(), q.data(), [=](const Column& i) { return column_product(a, b, i); });
  subtract_once(c, out, t.data());
}

void mod_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  DigitScratch t, q;
  reduce(c, t.data(), q.data(), [=](const Column& i) { return column_square(a, i); });
  subtract_once(c, out, t.data());
}

void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  const std::size_t k = c.layout.count;
  const Limb *a1 = a + k, *b1 = b + k;
  pair_product(
      c, out, [=](const Column& i) { return column_product(a, b, i); },
      [=](const Column& i) { return column_product(a, b1, i) + column_product(a1, b, i); });
}

void pair_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  const Limb* a1 = a + c.layout.count;
  pair_product(
      c, out, [=](const Column& i) { return column_square(a, i); },
      [=](const Column& i) { return 2 * column_product(a, a1, i); });
}

void pair_mul_ahead(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  ahead.fetch_all();
  pair_mul(c, out, a, b);
}

void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  ahead.fetch_all();
  const Limb* a1 = a + c.layout.count;
  pair_product(
      c, out, [=](const Column& i) { return column_product(a, b, i); },
      [=](const Column& i) { return column_product(a1, b, i); });
}

/// out = the sum of column(i) * 2^(width*i) modulo R.
template <class ColumnSum>
inline void low_half(const DigitContext& c, Limb* out, ColumnSum column) noexcept {
  Wide carry = 0;
  for (std::size_t i = 0; i < c.layout.count; ++i) {
    const Wide sum = carry + column(Column{i, 0, i + 1});
    out[i] = static_cast<Limb>(sum) & c.mask;
    carry = sum >> c.layout.width;
  }
}

/// out = floor(a*b / R), or one less: columns below k - 2 are left out, which are less than 2k / 2^width * R.
inline void high_half(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) noexcept {
  const std::size_t k = c.layout.count;
  Wide carry = 0;
  for (std::size_t i = k < 2 ? 0 : k - 2; i < 2 * k - 1; ++i) {
    const std::size_t first = i < k ? 0 : i - k + 1;
    const Wide sum = carry + column_product(a, b, Column{i, first, i + 1 - 2 * first});
    if (i >= k) out[i - k] = static_cast<Limb>(sum) & c.mask;
    carry = sum >> c.layout.width;
  }
  out[k - 1] = static_cast<Limb>(carry);
}

void quotient_of_constant(const DigitContext& c, Limb* out, const Limb* a) {
  const Limb* const inverse = c.constants.data();
  DigitScratch product;  // out may be a
  low_half(c, product.data(), [=](const Column& i) { return column_product(a, inverse, i); });
  std::copy_n(product.data(), c.layout.count, out);
}

/// q is the floor of a number above x*b/m - x/R - 2k / 2^width. With X0 < 3/2 m, X1 < 7/2 m and R >= 4m, what
/// is left of X0*b is below 11/8 m and a little, of X1*b below 15/8 m and a little, and q below 3/2 m: the
/// bounds hold again.
void pair_mul_constant(const DigitContext& c, Limb* out, const Limb* x, const Limb* b, Lines& ahead) {
  ahead.fetch_all();
  const std::size_t k = c.layout.count;
  const Limb *const x1 = x + k, *const ratio = b + k, *const complement = c.constants.data() + k;
  DigitScratch q_0, q_1;
  high_half(c, q_0.data(), x, ratio);
  low_half(c, out, [&](const Column& i) {
    return column_product(x, b, i) + column_product(q_0.data(), complement, i);
  });
  high_half(c, q_1.data(), x1, ratio);
  low_half(c, out + k, [&](const Column& i) {
    return column_product(x1, b, i) + column_product(q_1.data(), complement, i) + q_0[i.index];
  });
}

void settle(const DigitContext& c, Limb* x) {
  const std::size_t k = c.layout.count;
  Limb *const high = x + k, carry = subtract_once(c, x, x) ^ 1;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb sum = high[i] + carry;
    high[i] = sum & c.mask;
    carry = sum >> c.layout.width;
  }
  for (int times = 0; times < 3; ++times) subtract_once(c, high, high);
}

// One lane: a block is an element.
void gather(Limb* block, const Limb* const* elements, std::size_t words) {
  std::copy_n(elements[0], words, block);
}
void scatter(Limb* const* elements, const Limb* block, std::size_t words) {
  std::copy_n(block, words, elements[0]);
}

void select(const Selection& s) {
  std::fill_n(s.out, s.words, Limb{0});
  for (std::size_t e = 0; e < s.entries; ++e) {
    const Limb mask = ct_equal(e, s.index);
    const Limb* const row = s.table + e * s.words;
    for (std::size_t i = 0; i < s.words; ++i) s.out[i] |= row[i] & mask;
  }
}

void pick(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index,
          std::size_t blocks) {
  constexpr std::size_t kRows = 16;
  for (std::size_t b = 0; b < blocks; ++b, out += words) {
    std::fill_n(out, words, Limb{0});
    for (std::size_t first = 0; first < entries; first += kRows) {
      std::array<Limb, kRows> mask;
      for (std::size_t e = 0; e < kRows; ++e) mask[e] = ct_equal(first + e, index[b]);
      for (std::size_t i = 0; i < words; ++i) {
        const Limb* const rows = table + i * entries + first;
        Limb picked = 0;
        for (std::size_t e = 0; e < kRows; ++e) picked |= rows[e] & mask[e];
        out[i] |= picked;
      }
    }
  }
}

void add(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) { add_modulo(c, out, a, b); }

constexpr ConstantKernels kConstant = {quotient_of_constant, pair_mul_constant, settle};

constexpr LaneKernels kOneLane = {1,
                                  gather,
                                  scatter,
                                  pick,
                                  0.25,
                                  select,
                                  add,
                                  {mod_mul, mod_sqr},
                                  {pair_mul, pair_sqr},
                                  pair_mul_ahead,
                                  pair_mul_digit,
                                  nullptr,
                                  &kConstant};

}  // namespace

constinit const KernelTable kPortableKernels = {layout, words_for_constants, prepare_for_constants, kOneLane,
                                                kOneLane};

}  // namespace isthmus::bigint
