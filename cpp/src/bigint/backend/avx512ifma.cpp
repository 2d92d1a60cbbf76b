// Eight (or four) products at a time on AVX-512 IFMA.

#include "constant_products_avx512ifma.hpp"

namespace isthmus::bigint {
namespace {

/// Calls f with the number of columns to keep in registers, which divides the number of digits.
template <class F>
ISTHMUS_INLINE void with_columns(std::size_t digits, const F& f) {
  if (digits % 4 == 0) return f(Index<4>{});
  f(Index<3>{});
}

/// Fewest digits with R = 2^(52 * digits) >= 4m for which there is a number of columns.
DigitLayout layout(std::size_t modulus_bits) {
  std::size_t count = (modulus_bits + 2 + kDigitBits - 1) / kDigitBits;
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
void pair_mul_ahead(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  with_columns(c.layout.count,
               [&](auto columns) { Products<V, columns.value>::pair_mul(c, out, a, b, ahead); });
}
template <class V>
void pair_mul(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  Lines none;
  pair_mul_ahead<V>(c, out, a, b, none);
}
template <class V>
void pair_sqr(const DigitContext& c, Limb* out, const Limb* a) {
  with_columns(c.layout.count, [&](auto columns) { Products<V, columns.value>::pair_sqr(c, out, a); });
}
template <class V>
void pair_mul_digit(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead) {
  with_columns(c.layout.count,
               [&](auto columns) { Products<V, columns.value>::pair_mul_digit(c, out, a, b, ahead); });
}

template <class V>
void pair_mul_constant(const DigitContext& c, Limb* out, const Limb* x, const Limb* b, Lines& ahead) {
  with_columns(c.layout.count,
               [&](auto columns) { ConstantProducts<V, columns.value>::pair_mul(c, out, x, b, ahead); });
}
template <class V>
void quotient_of_constant(const DigitContext& c, Limb* out, const Limb* a) {
  with_columns(c.layout.count,
               [&](auto columns) { ConstantProducts<V, columns.value>::quotient(c, out, a); });
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

template <class V>
void gather(Limb* block, const Limb* const* elements, std::size_t words) {
  typename V::T x[V::kLanes];
  for (std::size_t i = 0; i < words; i += V::kLanes) {
    const typename V::Mask some = V::first(words - i);
    for (std::size_t l = 0; l < V::kLanes; ++l) x[l] = V::load(some, elements[l] + i);
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
    const typename V::Mask some = V::first(words - i);
    for (std::size_t l = 0; l < V::kLanes; ++l) V::store(elements[l] + i, some, x[l]);
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
constexpr ConstantKernels kConstant = {quotient_of_constant<V>, pair_mul_constant<V>, settle<V>};

template <class V>
constexpr LaneKernels kernels_of() {
  return {V::kLanes,
          gather<V>,
          scatter<V>,
          pick<V>,
          0.08,
          select<V>,
          add<V>,
          {mod_mul<V>, mod_sqr<V>},
          {pair_mul<V>, pair_sqr<V>},
          pair_mul_ahead<V>,
          pair_mul_digit<V>,
          pair_sqr_select<V>,
          &kConstant<V>};
}

}  // namespace

constinit const KernelTable kAvx512IfmaKernels = {layout, words_for_constants, prepare_for_constants,
                                                  kernels_of<Eight>(), kernels_of<Four>()};

}  // namespace isthmus::bigint
