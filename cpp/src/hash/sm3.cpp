#include "isthmus/hash/sm3.hpp"

#include <bit>

#include "block_hash.hpp"

namespace isthmus {
namespace {

using Word = std::uint32_t;

Word p0(Word x) noexcept { return x ^ std::rotl(x, 9) ^ std::rotl(x, 17); }
Word p1(Word x) noexcept { return x ^ std::rotl(x, 15) ^ std::rotl(x, 23); }

// Constant T_j rotated left by j (section 4.2 and 5.3.3), for rounds 0 to 15 and 16 to 63.
constexpr Word round_constant(int j) noexcept {
  return std::rotl(j < 16 ? Word{0x79cc4519} : 0x7a879d8a, j % 32);
}

// One round of section 5.3.3. The caller renames the variables instead of moving them: D takes A's place and
// H takes E's, B and F are rotated where they are.
template <bool kEarly>
inline void round(Word a, Word& b, Word c, Word& d, Word e, Word& f, Word g, Word& h, Word constant, Word w,
                  Word w_prime) noexcept {
  const Word a12 = std::rotl(a, 12);
  const Word ss1 = std::rotl(a12 + e + constant, 7);
  const Word ff = kEarly ? a ^ b ^ c : (a & b) | (c & (a | b));
  const Word gg = kEarly ? e ^ f ^ g : g ^ (e & (f ^ g));
  d += ff + (ss1 ^ a12) + w_prime;
  h = p0(h + gg + ss1 + w);
  b = std::rotl(b, 9);
  f = std::rotl(f, 19);
}

// Four rounds, after which every variable is back in its place; message expansion runs one group ahead.
template <bool kEarly>
inline void four_rounds(std::array<Word, 8>& s, const Word* w, int j) noexcept {
  auto& [a, b, c, d, e, f, g, h] = s;
  round<kEarly>(a, b, c, d, e, f, g, h, round_constant(j), w[0], w[0] ^ w[4]);
  round<kEarly>(d, a, b, c, h, e, f, g, round_constant(j + 1), w[1], w[1] ^ w[5]);
  round<kEarly>(c, d, a, b, g, h, e, f, round_constant(j + 2), w[2], w[2] ^ w[6]);
  round<kEarly>(b, c, d, a, f, g, h, e, round_constant(j + 3), w[3], w[3] ^ w[7]);
}

}  // namespace

// Section 4.1.
const std::array<Word, 8> Sm3Algorithm::kInitial = {
    0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
};

void Sm3Algorithm::compress(std::array<Word, 8>& state, const std::uint8_t* block) noexcept {
  std::array<Word, 68> w;
  const ZeroiseGuard<std::array<Word, 68>> wipe(w);
  for (std::size_t j = 0; j < 16; ++j) w[j] = load_be32(block + 4 * j);
  for (std::size_t j = 16; j < 68; ++j) {
    w[j] = p1(w[j - 16] ^ w[j - 9] ^ std::rotl(w[j - 3], 15)) ^ std::rotl(w[j - 13], 7) ^ w[j - 6];
  }
  std::array<Word, 8> s = state;
  for (int j = 0; j < 16; j += 4) four_rounds<true>(s, w.data() + j, j);
  for (int j = 16; j < 64; j += 4) four_rounds<false>(s, w.data() + j, j);
  for (std::size_t i = 0; i < 8; ++i) state[i] ^= s[i];
}

template class BlockHash<Sm3Algorithm>;

Sm3::Digest sm3(ByteSpan data) noexcept { return Sm3().update(data).finish(); }

}  // namespace isthmus
