// Four products at a time on AVX2 and FMA: columns of products and quotients are summed in memory, four rows
// at a time, by the multiply-adds of fma51_avx2.hpp.
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

DigitLayout layout(std::size_t modulus_bits) {  // R >= 4m
  return {(modulus_bits + 2 + kDigitBits - 1) / kDigitBits, kDigitBits};
}

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

// Products.

/// Scratch memory of one product, handed out from the front so that it stays dense in the cache.
template <std::size_t Vectors>
class Scratch {
 public:
  Word4* columns(std::size_t k) noexcept {
    Word4* const columns = take(2 * k + kSlack);
    std::fill_n(columns + 2 * k, kSlack, _mm256_setzero_si256());
    return columns;
  }
  Double4* digits(std::size_t k) noexcept { return reinterpret_cast<Double4*>(take(k + kSlack)); }

 private:
  Word4* take(std::size_t count) noexcept {
    used_ += count;
    return memory_ + used_ - count;
  }
  std::size_t used_ = 0;
  alignas(64) Word4 memory_[Vectors];
};
using ModScratch = Scratch<5 * kMaxDigits + 4 * kSlack>;
using PairScratch = Scratch<10 * kMaxPairDigits + 8 * kSlack>;

void load(Double4* out, const Limb* block, std::size_t k) noexcept {
  const auto* const words = reinterpret_cast<const Word4*>(block);
  for (std::size_t i = 0; i < k; ++i) out[i] = to_double(words[i]);
}

void start_columns(Word4* columns, const Limb* bias, std::size_t k) noexcept {
  for (std::size_t i = 0; i < 2 * k; ++i) columns[i] = all_lanes(bias[i]);
}

void clear_columns(Word4* columns, std::size_t k) noexcept {
  std::fill_n(columns, 2 * k, _mm256_setzero_si256());
}

/// The columns of a product twice, plus bias.
void double_columns(Word4* columns, const Limb* bias, std::size_t k) noexcept {
  for (std::size_t i = 0; i < 2 * k; ++i) {
    columns[i] = add(add(columns[i], columns[i]), all_lanes(bias[i]));
  }
}

/// a^2, biased for its reduction.
void square_columns(Word4* columns, const Double4* a, const Limb* bias, std::size_t k) noexcept {
  clear_columns(columns, k);
  add_cross_products(columns, a, k);
  double_columns(columns, bias, k);
  for (std::size_t i = 0; i < k; ++i) multiply_add(columns[2 * i], columns[2 * i + 1], a[i], a[i]);
}

void mod_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  const Constants constants(c);
  const std::size_t k = c.layout.count;
  ModScratch scratch;
  Double4 *const x = scratch.digits(k), *const y = scratch.digits(k);
  Word4* const columns = scratch.columns(k);
  load(x, a, k);
  load(y, b, k);
  start_columns(columns, constants.bias_2, k);
  add_product(columns, x, y, k);
  Reduction reduction(constants, k, columns, x);
  reduce(reduction, k);
  reduction.canonical(reinterpret_cast<Word4*>(out), _mm256_setzero_si256());
}

void mod_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  const Constants constants(c);
  const std::size_t k = c.layout.count;
  ModScratch scratch;
  Double4* const x = scratch.digits(k);
  Word4* const columns = scratch.columns(k);
  load(x, a, k);
  square_columns(columns, x, constants.bias_2, k);
  Reduction reduction(constants, k, columns, x);
  reduce(reduction, k);
  reduction.canonical(reinterpret_cast<Word4*>(out), _mm256_setzero_si256());
}

void pair_mul_ahead(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  const Constants constants(c);
  const std::size_t k = c.layout.count;
  PairScratch scratch;
  Double4 *const x0 = scratch.digits(k), *const x1 = scratch.digits(k), *const y0 = scratch.digits(k),
                 *const y1 = scratch.digits(k);
  Word4 *const low = scratch.columns(k), *const high = scratch.columns(k);
  load(x0, a, k);
  load(x1, a + kLanes * k, k);
  load(y0, b, k);
  load(y1, b + kLanes * k, k);
  start_columns(low, constants.bias_2, k);
  start_columns(high, constants.bias_3, k);
  add_product(low, x0, y0, k);
  add_product(high, x0, y1, k);
  add_product(high, x1, y0, k);
  high[0] = add(high[0], all_lanes(1));
  Reduction reduce_low(constants, k, low, x0), reduce_high(constants, k, high, x1);
  reduce_pair(reduce_low, reduce_high, reinterpret_cast<Word4*>(out), k, ahead);
}

void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  Lines none;
  pair_mul_ahead(c, out, a, b, none);
}

void pair_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  const Constants constants(c);
  const std::size_t k = c.layout.count;
  PairScratch scratch;
  Double4 *const x0 = scratch.digits(k), *const x1 = scratch.digits(k);
  Word4 *const low = scratch.columns(k), *const high = scratch.columns(k);
  load(x0, a, k);
  load(x1, a + kLanes * k, k);
  square_columns(low, x0, constants.bias_2, k);
  clear_columns(high, k);
  add_product(high, x0, x1, k);
  double_columns(high, constants.bias_3, k);
  high[0] = add(high[0], all_lanes(1));
  Reduction reduce_low(constants, k, low, x0), reduce_high(constants, k, high, x1);
  Lines none;
  reduce_pair(reduce_low, reduce_high, reinterpret_cast<Word4*>(out), k, none);
}

void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  const Constants constants(c);
  const std::size_t k = c.layout.count;
  PairScratch scratch;
  Double4 *const x0 = scratch.digits(k), *const x1 = scratch.digits(k), *const y0 = scratch.digits(k);
  Word4 *const low = scratch.columns(k), *const high = scratch.columns(k);
  load(x0, a, k);
  load(x1, a + kLanes * k, k);
  load(y0, b, k);
  start_columns(low, constants.bias_2, k);
  start_columns(high, constants.bias_2, k);
  add_product(low, x0, y0, k);
  add_product(high, x1, y0, k);
  high[0] = add(high[0], all_lanes(1));
  Reduction reduce_low(constants, k, low, x0), reduce_high(constants, k, high, x1);
  reduce_pair(reduce_low, reduce_high, reinterpret_cast<Word4*>(out), k, ahead);
}

// Blocks.

inline void transpose(const Word4 (&in)[4], Word4 (&out)[4]) noexcept {
  const Word4 even01 = _mm256_unpacklo_epi64(in[0], in[1]), odd01 = _mm256_unpackhi_epi64(in[0], in[1]);
  const Word4 even23 = _mm256_unpacklo_epi64(in[2], in[3]), odd23 = _mm256_unpackhi_epi64(in[2], in[3]);
  out[0] = _mm256_permute2x128_si256(even01, even23, 0x20);
  out[1] = _mm256_permute2x128_si256(odd01, odd23, 0x20);
  out[2] = _mm256_permute2x128_si256(even01, even23, 0x31);
  out[3] = _mm256_permute2x128_si256(odd01, odd23, 0x31);
}

void gather(Limb* block, const Limb* const* elements, std::size_t words) {
  std::size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    Word4 rows[4], columns[4];
    for (std::size_t l = 0; l < 4; ++l) {
      rows[l] = _mm256_loadu_si256(reinterpret_cast<const Word4*>(elements[l] + i));
    }
    transpose(rows, columns);
    for (std::size_t l = 0; l < 4; ++l) reinterpret_cast<Word4*>(block)[i + l] = columns[l];
  }
  for (; i < words; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) block[kLanes * i + l] = elements[l][i];
  }
}

void scatter(Limb* const* elements, const Limb* block, std::size_t words) {
  std::size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    Word4 rows[4], columns[4];
    for (std::size_t l = 0; l < 4; ++l) columns[l] = reinterpret_cast<const Word4*>(block)[i + l];
    transpose(columns, rows);
    for (std::size_t l = 0; l < 4; ++l) {
      _mm256_storeu_si256(reinterpret_cast<Word4*>(elements[l] + i), rows[l]);
    }
  }
  for (; i < words; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) elements[l][i] = block[kLanes * i + l];
  }
}

void select(const Selection& s) {
  const auto* const rows = reinterpret_cast<const Word4*>(s.table);
  auto* const picked = reinterpret_cast<Word4*>(s.out);
  std::fill_n(picked, s.words, _mm256_setzero_si256());
  for (std::size_t e = 0; e < s.entries; ++e) {
    const Word4 mask = all_lanes(ct_equal(e, s.index));
    for (std::size_t i = 0; i < s.words; ++i) {
      picked[i] = _mm256_or_si256(picked[i], _mm256_and_si256(rows[e * s.words + i], mask));
    }
  }
}

void pick_block(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index) {
  const Word4 wanted = *reinterpret_cast<const Word4*>(index);
  // The two halves of word `wanted` mod 4 of a vector, as vpermd counts them.
  const Word4 low_half = _mm256_slli_epi64(_mm256_and_si256(wanted, all_lanes(3)), 1);
  const Word4 halves = _mm256_or_si256(low_half, _mm256_slli_epi64(add(low_half, all_lanes(1)), 32));
  const Word4 vector = _mm256_srli_epi64(wanted, 2);
  for (std::size_t i = 0; i < words; ++i, table += entries) {
    Word4 picked = _mm256_setzero_si256();
    for (std::size_t v = 0; v < entries / 4; ++v) {
      const Word4 entry = _mm256_permutevar8x32_epi32(reinterpret_cast<const Word4*>(table)[v], halves);
      const Word4 mask = _mm256_cmpeq_epi64(vector, all_lanes(v));
      picked = _mm256_or_si256(picked, _mm256_and_si256(entry, mask));
    }
    reinterpret_cast<Word4*>(out)[i] = picked;
  }
}

void pick(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index,
          std::size_t blocks) {
  for (std::size_t b = 0; b < blocks; ++b) {
    pick_block(out + b * words * kLanes, table, entries, words, index + b * kLanes);
  }
}

void mod_add(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  const std::size_t k = c.layout.count;
  const auto *const x = reinterpret_cast<const Word4*>(a), *const y = reinterpret_cast<const Word4*>(b);
  auto* const sum = reinterpret_cast<Word4*>(out);
  Word4 reduced[kMaxDigits];
  Word4 carry_kept = _mm256_setzero_si256(), carry_reduced = all_lanes(1);
  for (std::size_t i = 0; i < k; ++i) {  // the sum, and the sum plus R - m
    const Word4 digit = add(x[i], y[i]);
    const Word4 kept = add(digit, carry_kept);
    const Word4 difference = add(add(digit, all_lanes(kDigitMask - c.m[i])), carry_reduced);
    sum[i] = low_digit(kept);
    reduced[i] = low_digit(difference);
    carry_kept = above_digit(kept);
    carry_reduced = above_digit(difference);
  }
  const Word4 at_least_m = sub(_mm256_setzero_si256(), carry_reduced);
  for (std::size_t i = 0; i < k; ++i) sum[i] = _mm256_blendv_epi8(sum[i], reduced[i], at_least_m);
}

constexpr LaneKernels kFourLanes = {
    kLanes,         gather,         scatter, pick, select, mod_add, {mod_mul, mod_sqr}, {pair_mul, pair_sqr},
    pair_mul_ahead, pair_mul_digit, nullptr};

}  // namespace

constinit const KernelTable kAvx2Kernels = {layout, constant_words, prepare, kFourLanes, kFourLanes};

}  // namespace isthmus::bigint
