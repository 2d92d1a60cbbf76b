// Four products at a time on AVX2 and FMA.

#include <bit>

#include "reduction_avx2.hpp"

namespace isthmus::bigint {
namespace {

DigitLayout layout(std::size_t modulus_bits) {  // R >= 4m
  return {(modulus_bits + 2 + kDigitBits - 1) / kDigitBits, kDigitBits};
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

/// The vector that each lane finds, by the bits of its number, among `Count` neighbours: bits[0] has the
/// lowest in the sign, where blends look.
template <std::size_t Count>
[[gnu::always_inline]] inline Double4 choose(const Word4* vectors, Word4 halves,
                                             const Double4* bits) noexcept {
  if constexpr (Count == 1) {
    return _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(*vectors, halves));
  } else {
    constexpr std::size_t kHalf = Count / 2;
    constexpr int kBit = std::countr_zero(kHalf);
    return _mm256_blendv_pd(choose<kHalf>(vectors, halves, bits),
                            choose<kHalf>(vectors + kHalf, halves, bits), bits[kBit]);
  }
}

/// pick() for one block, from entries in Count vectors a word.
template <std::size_t Count>
void pick_block(Limb* out, const Limb* table, std::size_t words, const Limb* index) {
  const Word4 wanted = *reinterpret_cast<const Word4*>(index);
  // The two halves of word `wanted` mod 4 of a vector, as vpermd counts them.
  const Word4 low_half = _mm256_slli_epi64(_mm256_and_si256(wanted, all_lanes(3)), 1);
  const Word4 halves = _mm256_or_si256(low_half, _mm256_slli_epi64(add(low_half, all_lanes(1)), 32));
  constexpr int kBits = std::countr_zero(Count);
  Double4 bits[kBits];
  for (int b = 0; b < kBits; ++b) bits[b] = _mm256_castsi256_pd(_mm256_slli_epi64(wanted, 61 - b));
  const auto* vectors = reinterpret_cast<const Word4*>(table);
  auto* const picked = reinterpret_cast<Double4*>(out);
  for (std::size_t i = 0; i < words; ++i, vectors += Count) picked[i] = choose<Count>(vectors, halves, bits);
}

template <std::size_t Count>
void pick_blocks(Limb* out, const Limb* table, std::size_t words, const Limb* index, std::size_t blocks) {
  for (std::size_t b = 0; b < blocks; ++b) {
    pick_block<Count>(out + b * words * kLanes, table, words, index + b * kLanes);
  }
}

void pick(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index,
          std::size_t blocks) {
  switch (entries / kLanes) {
    case 4:
      return pick_blocks<4>(out, table, words, index, blocks);
    case 8:
      return pick_blocks<8>(out, table, words, index, blocks);
    case 16:
      return pick_blocks<16>(out, table, words, index, blocks);
    default:
      return pick_blocks<32>(out, table, words, index, blocks);
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

constexpr LaneKernels kFourLanes = {kLanes,
                                    gather,
                                    scatter,
                                    pick,
                                    0.09,
                                    select,
                                    mod_add,
                                    {mod_mul, mod_sqr},
                                    {pair_mul, pair_sqr},
                                    pair_mul_ahead,
                                    pair_mul_digit,
                                    nullptr,
                                    nullptr};

}  // namespace

constinit const KernelTable kAvx2Kernels = {layout, constant_words, prepare, kFourLanes, kFourLanes};

}  // namespace isthmus::bigint
