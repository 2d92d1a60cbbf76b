#include "isthmus/hash/sha2.hpp"
#include "sha512_kernels.hpp"

namespace isthmus {
namespace {

void compress_one(std::uint64_t* state, const std::uint8_t* const* blocks) {
  std::array<std::uint64_t, 8> words;
  for (std::size_t i = 0; i < 8; ++i) words[i] = state[i];
  Sha512Algorithm::compress(words, blocks[0]);
  for (std::size_t i = 0; i < 8; ++i) state[i] = words[i];
}

struct LanesRow {
  Backend backend;
  const Sha512Lanes* lanes;
};

// Slowest first.
constexpr LanesRow kRows[] = {
    {Backend::portable, &kSha512Portable},
#if defined(__x86_64__)
    {Backend::avx2, &kSha512Avx2},
    {Backend::avx512ifma, &kSha512Avx512Ifma},
#endif
};

}  // namespace

const Sha512Lanes kSha512Portable = {1, &compress_one};

const Sha512Lanes& sha512_lanes_of(Backend backend) {
  const Sha512Lanes* best = nullptr;
  for (const LanesRow& row : kRows) {
    if (row.backend <= backend) best = row.lanes;
  }
  return *best;
}

const Sha512Lanes& sha512_lanes() {
  static const Sha512Lanes& chosen = sha512_lanes_of(active_backend());
  return chosen;
}

}  // namespace isthmus
