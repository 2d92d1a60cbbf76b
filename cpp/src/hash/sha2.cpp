#include "isthmus/hash/sha2.hpp"

#include <bit>

#include "backend/sha512_kernels.hpp"
#include "block_hash.hpp"

namespace isthmus {
namespace {

template <class Word>
struct Constants;

template <>
struct Constants<std::uint32_t> {
  // FIPS 180-4, section 5.3.3.
  static constexpr std::array<std::uint32_t, 8> kInitial = {
      0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  };
  // FIPS 180-4, section 4.2.2.
  static constexpr std::array<std::uint32_t, 64> kRound = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  };
  // FIPS 180-4, section 4.1.2: the rotations of Sigma0, Sigma1, and (rotation, rotation, shift) of sigma0,
  // sigma1.
  static constexpr int kBigSigma[2][3] = {{2, 13, 22}, {6, 11, 25}};
  static constexpr int kSmallSigma[2][3] = {{7, 18, 3}, {17, 19, 10}};
};

template <>
struct Constants<std::uint64_t> {
  // FIPS 180-4, section 5.3.5.
  static constexpr std::array<std::uint64_t, 8> kInitial = {
      0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
      0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
  };
  // FIPS 180-4, section 4.2.3.
  static constexpr std::array<std::uint64_t, 80> kRound = {
      0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
      0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
      0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
      0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
      0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
      0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
      0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
      0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
      0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
      0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
      0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
      0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
      0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
      0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
      0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
      0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
  };
  // FIPS 180-4, section 4.1.3.
  static constexpr int kBigSigma[2][3] = {{28, 34, 39}, {14, 18, 41}};
  static constexpr int kSmallSigma[2][3] = {{1, 8, 7}, {19, 61, 6}};
};

template <class Word>
inline Word big_sigma(int which, Word x) noexcept {
  const auto& r = Constants<Word>::kBigSigma[which];
  return std::rotr(x, r[0]) ^ std::rotr(x, r[1]) ^ std::rotr(x, r[2]);
}

template <class Word>
inline Word small_sigma(int which, Word x) noexcept {
  const auto& r = Constants<Word>::kSmallSigma[which];
  return std::rotr(x, r[0]) ^ std::rotr(x, r[1]) ^ (x >> r[2]);
}

// One round of section 6.2.2 / 6.4.2; the caller renames the variables instead of moving them.
template <class Word>
inline void round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g, Word& h, Word input) noexcept {
  const Word t1 = h + big_sigma<Word>(1, e) + ((e & f) ^ (~e & g)) + input;
  const Word t2 = big_sigma<Word>(0, a) + ((a & b) ^ (a & c) ^ (b & c));
  d += t1;
  h = t1 + t2;
}

template <class Word>
void compress_block(std::array<Word, 8>& state, const std::uint8_t* block) noexcept {
  using C = Constants<Word>;
  std::array<Word, 16> w;
  const ZeroiseGuard<std::array<Word, 16>> wipe(w);
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_be(block + t * sizeof(Word), Word{});
  std::array<Word, 8> s = state;
  for (std::size_t t = 0; t < C::kRound.size(); t += 16) {
    for (std::size_t j = 0; t > 0 && j < 16; ++j) {
      w[j] +=
          small_sigma<Word>(0, w[(j + 1) % 16]) + w[(j + 9) % 16] + small_sigma<Word>(1, w[(j + 14) % 16]);
    }
    for (std::size_t j = 0; j < 16; j += 8) {
      const Word* k = C::kRound.data() + t + j;
      round(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], Word(w[j] + k[0]));
      round(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], Word(w[j + 1] + k[1]));
      round(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], Word(w[j + 2] + k[2]));
      round(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], Word(w[j + 3] + k[3]));
      round(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], Word(w[j + 4] + k[4]));
      round(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], Word(w[j + 5] + k[5]));
      round(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], Word(w[j + 6] + k[6]));
      round(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], Word(w[j + 7] + k[7]));
    }
  }
  for (std::size_t i = 0; i < 8; ++i) state[i] += s[i];
}

}  // namespace

const std::array<std::uint32_t, 8> Sha256Algorithm::kInitial = Constants<std::uint32_t>::kInitial;
void Sha256Algorithm::compress(std::array<std::uint32_t, 8>& state, const std::uint8_t* block) noexcept {
  compress_block<std::uint32_t>(state, block);
}
const std::array<std::uint64_t, 8> Sha512Algorithm::kInitial = Constants<std::uint64_t>::kInitial;
void Sha512Algorithm::compress(std::array<std::uint64_t, 8>& state, const std::uint8_t* block) noexcept {
  compress_block<std::uint64_t>(state, block);
}

const std::uint64_t* const kSha512Round = Constants<std::uint64_t>::kRound.data();

template class BlockHash<Sha256Algorithm>;
template class BlockHash<Sha512Algorithm>;

Sha256::Digest sha256(ByteSpan data) noexcept { return Sha256().update(data).finish(); }
Sha512::Digest sha512(ByteSpan data) noexcept { return Sha512().update(data).finish(); }

}  // namespace isthmus
