// SHA-512 on four messages at a time, AVX2.

#include <immintrin.h>

#include "sha512_vector.hpp"

namespace isthmus {
namespace {

struct Avx2 {
  using Vector = std::uint64_t __attribute__((vector_size(32)));
  static constexpr std::size_t kLanes = 4;

  template <int kCount>
  static Vector rotr(Vector x) {
    return (x >> kCount) | (x << (64 - kCount));
  }
  static Vector xor3(Vector a, Vector b, Vector c) { return a ^ b ^ c; }
  static Vector choose(Vector e, Vector f, Vector g) { return g ^ (e & (f ^ g)); }
  static Vector majority(Vector a, Vector b, Vector c) { return (a & b) ^ (c & (a ^ b)); }
  static Vector load(const std::uint64_t* p) {
    return (Vector)_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store(std::uint64_t* p, Vector x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)x);
  }

  // Four words of four blocks at a time: reversed bytes, then a transposition.
  static void load_block(const std::uint8_t* const* blocks, Vector* w) {
    const __m256i reverse =
        _mm256_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607);
    for (std::size_t t = 0; t < 16; t += 4) {
      __m256i row[4];
      for (std::size_t lane = 0; lane < 4; ++lane) {
        row[lane] = _mm256_shuffle_epi8(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks[lane] + 8 * t)), reverse);
      }
      const __m256i low01 = _mm256_unpacklo_epi64(row[0], row[1]),
                    high01 = _mm256_unpackhi_epi64(row[0], row[1]);
      const __m256i low23 = _mm256_unpacklo_epi64(row[2], row[3]),
                    high23 = _mm256_unpackhi_epi64(row[2], row[3]);
      w[t] = (Vector)_mm256_permute2x128_si256(low01, low23, 0x20);
      w[t + 1] = (Vector)_mm256_permute2x128_si256(high01, high23, 0x20);
      w[t + 2] = (Vector)_mm256_permute2x128_si256(low01, low23, 0x31);
      w[t + 3] = (Vector)_mm256_permute2x128_si256(high01, high23, 0x31);
    }
  }
};

}  // namespace

const Sha512Lanes kSha512Avx2 = {Avx2::kLanes, &Sha512Vector<Avx2>::compress};

}  // namespace isthmus
