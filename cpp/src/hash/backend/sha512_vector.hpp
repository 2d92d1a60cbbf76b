#pragma once
// The compression function of FIPS 180-4, section 6.4.2, over any vector of 64-bit words. V gives the vector
// type, kLanes, rotr<n>, choose, majority, xor3, and load, which makes host words of big-endian ones.

#include "isthmus/core/secret.hpp"
#include "sha512_kernels.hpp"

namespace isthmus {
namespace {

template <class V>
class Sha512Vector {
 public:
  static void compress(std::uint64_t* state, const std::uint8_t* const* blocks) {
    using Vector = typename V::Vector;
    Vector w[16], initial[8], s[8];
    V::load_block(blocks, w);
    for (std::size_t i = 0; i < 8; ++i) s[i] = initial[i] = V::load(state + i * V::kLanes);
    for (std::size_t t = 0; t < 80; t += 16) {
      if (t > 0) extend(w);
#pragma GCC unroll 16
      for (std::size_t j = 0; j < 16; ++j) round(s, j, w[j] + kSha512Round[t + j]);
    }
    for (std::size_t i = 0; i < 8; ++i) V::store(state + i * V::kLanes, initial[i] + s[i]);
    zeroise(w, sizeof w);
  }

 private:
  using Vector = typename V::Vector;

  static inline __attribute__((always_inline)) void extend(Vector* w) {
#pragma GCC unroll 16
    for (std::size_t j = 0; j < 16; ++j) {
      const Vector x = w[(j + 1) % 16], y = w[(j + 14) % 16];
      w[j] += V::xor3(V::template rotr<1>(x), V::template rotr<8>(x), x >> 7) + w[(j + 9) % 16] +
              V::xor3(V::template rotr<19>(y), V::template rotr<61>(y), y >> 6);
    }
  }

  // The eight variables change roles instead of places: in round j, a is s[-j mod 8].
  static inline __attribute__((always_inline)) void round(Vector* s, std::size_t j, Vector input) {
    const auto at = [s, j](std::size_t role) -> Vector& { return s[(role + 16 - j) % 8]; };
    const Vector a = at(0), e = at(4);
    const Vector t1 = at(7) +
                      V::xor3(V::template rotr<14>(e), V::template rotr<18>(e), V::template rotr<41>(e)) +
                      V::choose(e, at(5), at(6)) + input;
    at(3) += t1;
    at(7) = t1 + V::xor3(V::template rotr<28>(a), V::template rotr<34>(a), V::template rotr<39>(a)) +
            V::majority(a, at(1), at(2));
  }
};

}  // namespace
}  // namespace isthmus
