#pragma once
// Montgomery reductions of four numbers at a time on AVX2 and FMA: columns of products and quotients are
// summed in memory, four rows at a time, by the multiply-adds of fma51_avx2.hpp. Internal to the file that
// includes it.
//
// Bounds. A k-by-k product adds to a column at most k low parts, each above -2^51 and below 2^51, and k high
// parts, each from 0 to 2^51. At most three such products meet there (a doubled product counting as two), or
// two for k > 81, and besides them a digit, a carry and a complement: sums above -2^51 * kLift, with kLift =
// 512, and below (6 * 81 + 3) * 2^51 or (4 * 162 + 3) * 2^51. So that columns are never negative and a
// logical shift finds the carry, they are lifted by 2^51 * kLift, at the cost of kLift in the next. They stay
// below 2^62. The exponents that multiply-adds leave in a column run past 2^64, but they are known
// beforehand: columns start at minus their sum, so that every column is exact, modulo 2^64 and therefore as
// an integer, when the last of its products has been added. A quotient reads columns before the rows of its
// own block have reached them, and makes up for these.
//
// A Montgomery reduction finds four digits of the quotient at once: the low four columns, carried, times -1/m
// modulo 2^204. That is a chain of some sixty cycles in which nothing else can happen to this number, so a
// pair reduces its two digits alternately: while the quotient of one is found, the CPU adds the rows of the
// other, which come next and do not depend on it. (The higher digit needs the lower one's quotient, and comes
// one block behind.)

#include <immintrin.h>

#include <algorithm>

#include "fma51_avx2.hpp"
#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kLanes = 4;
constexpr std::size_t kBlock = 4;       // digits of a quotient that are found at once
constexpr std::size_t kSlack = kBlock;  // columns that the last, incomplete block may look at
constexpr Limb kLift = 512;
constexpr std::size_t kMaxPairDigits = kMaxDigits / 2;  // of m, when numbers are modulo m^2

std::size_t blocks_of(std::size_t k) { return (k + kBlock - 1) / kBlock; }

// Constants of a modulus.

/// DigitContext::constants, in this order.
struct Constants {
  const Double4* m;        // k digits, the same in all lanes
  const Double4* inverse;  // -1/m mod 2^204
  const Limb* complement;  // 2^51 - 1 - m[i]
  const Limb* bias_2;      // what 2k columns start from that two products are added to
  const Limb* bias_3;      // of three

  explicit Constants(const DigitContext& c) noexcept {
    const std::size_t k = c.layout.count;
    m = reinterpret_cast<const Double4*>(c.constants.data());
    inverse = m + k;
    complement = reinterpret_cast<const Limb*>(inverse + kBlock);
    bias_2 = complement + k;
    bias_3 = bias_2 + 2 * k;
  }
};

std::size_t constant_words(std::size_t k) { return kLanes * (k + kBlock) + k + 2 * (2 * k); }

/// The sum of the exponents that a k-by-k product adds to a column.
Limb product_exponents(std::size_t column, std::size_t k) {
  const auto terms = [k](std::size_t i) { return i < k ? i + 1 : 2 * k - 1 - i; };
  const Limb high = column == 0 ? 0 : terms(column - 1);
  return terms(column) * kLowExponent + high * kHighExponent;
}

/// digits = -1/m mod 2^204: the quotient of a Montgomery reduction of 1.
void negated_inverse(const DigitContext& c, Limb (&digits)[kBlock]) {
  using Wide = unsigned __int128;
  const auto m = [&](std::size_t i) { return i < c.layout.count ? c.m[i] : Limb{0}; };
  Limb rest[kBlock] = {1, 0, 0, 0};
  for (std::size_t i = 0; i < kBlock; ++i) {
    digits[i] = (rest[i] * c.neg_inverse) & kDigitMask;
    Wide carry = 0;
    for (std::size_t j = i; j < kBlock; ++j) {
      carry += Wide{digits[i]} * m(j - i) + rest[j];
      rest[j] = static_cast<Limb>(carry) & kDigitMask;
      carry >>= kDigitBits;
    }
  }
}

void prepare(DigitContext& c) {
  const std::size_t k = c.layout.count;
  Limb inverse[kBlock];
  negated_inverse(c, inverse);
  auto* next = reinterpret_cast<Double4*>(c.constants.data());
  for (std::size_t i = 0; i < k; ++i) *next++ = to_double(all_lanes(c.m[i]));
  for (const Limb digit : inverse) *next++ = to_double(all_lanes(digit));
  auto* words = reinterpret_cast<Limb*>(next);
  for (std::size_t i = 0; i < k; ++i) *words++ = kDigitMask - c.m[i];
  for (const Limb products : {2, 3}) {
    for (std::size_t i = 0; i < 2 * k; ++i) {
      const Limb lift = i + 1 < 2 * k ? kLift << kDigitBits : 0, lent = i > 0 ? kLift : 0;
      *words++ = lift - lent - products * product_exponents(i, k);
    }
  }
}

// Reduction.

/// The Montgomery reduction (S + q*m) / R of the sum S in 2k columns, which must hold minus the exponents of
/// q*m.
class Reduction {
 public:
  Reduction(const Constants& constants, std::size_t k, Word4* columns, Double4* quotient) noexcept
      : constants_(constants), k_(k), columns_(columns), quotient_(quotient) {}

  std::size_t block_size(std::size_t block) const noexcept { return std::min(kBlock, k_ - kBlock * block); }

  /// The quotient digits of a block, when the rows of earlier blocks are in: its columns, carried, times -1/m
  /// modulo 2^204.
  void find_quotient(std::size_t block) noexcept {
    Word4* const t = columns_ + kBlock * block;
    if (block > 0) carry(t - kBlock, kBlock);
    // Columns, whose exponents are still short of those that the rows of this block will add.
    const Word4 t0 = add(t[0], all_lanes(kLowExponent));
    const Word4 t1 = add(add(t[1], all_lanes(2 * kLowExponent + kHighExponent)), above_digit(t0));
    const Word4 t2 = add(add(t[2], all_lanes(3 * kLowExponent + 2 * kHighExponent)), above_digit(t1));
    const Word4 t3 = add(t[3], above_digit(t2));  // only its low bits count
    const Double4 d0 = to_double(t0), d1 = to_double(t1), d2 = to_double(t2), d3 = to_double(t3);
    const Double4* const inverse = constants_.inverse;
    constexpr Limb kUp = kLift << kDigitBits;  // lifted like columns
    Word4 u0 = all_lanes(kUp - kLowExponent),
          u1 = all_lanes(kUp - kLift - (2 * kLowExponent + kHighExponent)),
          u2 = all_lanes(kUp - kLift - (3 * kLowExponent + 2 * kHighExponent)), u3 = all_lanes(0 - kLift);
    multiply_add(u0, u1, d0, inverse[0]);
    multiply_add(u1, u2, d0, inverse[1]);
    multiply_add(u1, u2, d1, inverse[0]);
    multiply_add(u2, u3, d0, inverse[2]);
    multiply_add(u2, u3, d1, inverse[1]);
    multiply_add(u2, u3, d2, inverse[0]);
    multiply_add_low(u3, d0, inverse[3]);
    multiply_add_low(u3, d1, inverse[2]);
    multiply_add_low(u3, d2, inverse[1]);
    multiply_add_low(u3, d3, inverse[0]);
    u1 = add(u1, above_digit(u0));
    u2 = add(u2, above_digit(u1));
    u3 = add(u3, above_digit(u2));
    Double4* const q = quotient_ + kBlock * block;
    q[0] = to_double(u0);
    q[1] = to_double(u1);
    q[2] = to_double(u2);
    q[3] = to_double(u3);
  }

  /// Adds the products of a block's quotient digits with the digits [from, to) of m.
  void add_quotient_rows(std::size_t block, std::size_t from, std::size_t to) noexcept {
    const std::size_t first = kBlock * block;
    add_rows(columns_ + first + from, constants_.m + from, to - from, quotient_ + first, block_size(block));
  }

  /// Adds R - q of another reduction, but for 1, at a block's digits.
  void add_complement(const Reduction& other, std::size_t block) noexcept {
    const std::size_t first = kBlock * block, last = first + block_size(block);
    for (std::size_t i = first; i < last; ++i) {
      columns_[i] = add(columns_[i], digit_complement(other.quotient_[i]));
    }
  }

  /// After the last block: out = v mod m for v = (S + q*m) / R - less < 2m, in words; less is 0 or -1 (for
  /// 1) in each lane. Returns -1 in the lanes where v >= m, else 0. Two carry chains side by side: v, and v
  /// plus the complement of m. A 1 is taken off as R - 1 is added, whose carry out of the top is in both.
  Word4 canonical(Word4* out, Word4 less) noexcept {
    const std::size_t last = kBlock * (blocks_of(k_) - 1);
    carry(columns_ + last, k_ - last);
    const Word4 addend = low_digit(less);
    Word4 carry_kept = _mm256_setzero_si256(), carry_reduced = all_lanes(1);
    Word4* const reduced = columns_;  // the low columns have been used up
    for (std::size_t i = 0; i < k_; ++i) {
      const Word4 v = add(columns_[k_ + i], addend);
      const Word4 kept = add(v, carry_kept);
      const Word4 difference = add(add(v, all_lanes(constants_.complement[i])), carry_reduced);
      out[i] = low_digit(kept);
      reduced[i] = low_digit(difference);
      carry_kept = above_digit(kept);
      carry_reduced = above_digit(difference);
    }
    const Word4 above = sub(carry_kept, carry_reduced);
    for (std::size_t i = 0; i < k_; ++i) out[i] = _mm256_blendv_epi8(out[i], reduced[i], above);
    return above;
  }

 private:
  /// Carries from `count` columns, whose own digits no longer matter, into the next.
  static void carry(Word4* t, std::size_t count) noexcept {
    Word4 sum = t[0];
    for (std::size_t i = 1; i <= count; ++i) sum = add(t[i], above_digit(sum));
    t[count] = sum;
  }

  const Constants& constants_;
  std::size_t k_;
  Word4* columns_;
  Double4* quotient_;
};

/// One number alone: the next digits of the quotient are found as soon as the first few steps have finished
/// their columns.
void reduce(Reduction& reduction, std::size_t k) noexcept {
  constexpr std::size_t kReady = 10;  // steps of add_four_rows; they finish as many columns, of which 8 count
  const std::size_t blocks = blocks_of(k), ready = std::min(k, kReady);
  reduction.find_quotient(0);
  for (std::size_t j = 0; j < blocks; ++j) {
    reduction.add_quotient_rows(j, 0, ready);
    if (j + 1 < blocks) reduction.find_quotient(j + 1);
    reduction.add_quotient_rows(j, ready, k);
  }
}

/// Both digits of a pair: low = X0*Y0, high = X0*Y1 + X1*Y0 + 1. With X0*Y0 = R*t - q*m, the high digit is
/// REDC(X0*Y1 + X1*Y0 + R - q) - [t < m], whose argument is above zero, so that the subtraction stays above
/// -1. With R >= 4m, t and this are below 2m.
void reduce_pair(Reduction& low, Reduction& high, Word4* out, std::size_t k, Lines& ahead) noexcept {
  const std::size_t blocks = blocks_of(k);
  ahead.spread(2 * blocks);
  Word4 at_least_m = _mm256_setzero_si256();
  low.find_quotient(0);
  for (std::size_t j = 0; j < blocks; ++j) {
    high.add_complement(low, j);
    high.find_quotient(j);
    ahead.step();
    low.add_quotient_rows(j, 0, k);
    ahead.step();
    if (j + 1 < blocks) {
      low.find_quotient(j + 1);
    } else {
      at_least_m = low.canonical(out, _mm256_setzero_si256());
    }
    high.add_quotient_rows(j, 0, k);
  }
  high.canonical(out + k, _mm256_xor_si256(at_least_m, all_lanes(~Limb{0})));
}

}  // namespace
}  // namespace isthmus::bigint
