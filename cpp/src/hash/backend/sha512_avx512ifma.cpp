// SHA-512 on eight messages at a time, AVX-512: it rotates, and has any function of three bits.

#include <immintrin.h>

#include "sha512_vector.hpp"

namespace isthmus {
namespace {

struct Avx512 {
  using Vector = std::uint64_t __attribute__((vector_size(64)));
  static constexpr std::size_t kLanes = 8;

  template <int kCount>
  static Vector rotr(Vector x) {
    return (x >> kCount) | (x << (64 - kCount));  // one rotation
  }
  // The last argument is the truth table: the result for (a, b, c) = 000 in bit 0 up to 111 in bit 7.
  static Vector xor3(Vector a, Vector b, Vector c) {
    return (Vector)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
  }
  static Vector choose(Vector e, Vector f, Vector g) {
    return (Vector)_mm512_ternarylogic_epi64((__m512i)e, (__m512i)f, (__m512i)g, 0xca);
  }
  static Vector majority(Vector a, Vector b, Vector c) {
    return (Vector)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0xe8);
  }
  static Vector load(const std::uint64_t* p) { return (Vector)_mm512_loadu_si512(p); }
  static void store(std::uint64_t* p, Vector x) { _mm512_storeu_si512(p, (__m512i)x); }

  // Words one by one into the lanes, then their bytes reversed.
  static void load_block(const std::uint8_t* const* blocks, Vector* w) {
    constexpr long long kHigh = 0x08090a0b0c0d0e0f, kLow = 0x0001020304050607;
    const __m512i reverse = _mm512_set_epi64(kHigh, kLow, kHigh, kLow, kHigh, kLow, kHigh, kLow);
    alignas(64) std::uint64_t words[16][kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t t = 0; t < 16; ++t) __builtin_memcpy(&words[t][lane], blocks[lane] + 8 * t, 8);
    }
    for (std::size_t t = 0; t < 16; ++t) {
      w[t] = (Vector)_mm512_shuffle_epi8(_mm512_load_si512(words[t]), reverse);
    }
    zeroise(words, sizeof words);
  }
};

}  // namespace

const Sha512Lanes kSha512Avx512Ifma = {Avx512::kLanes, &Sha512Vector<Avx512>::compress};

}  // namespace isthmus
