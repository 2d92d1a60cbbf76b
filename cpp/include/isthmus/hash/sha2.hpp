#pragma once
// SHA-256 and SHA-512 (FIPS 180-4), incremental and one-shot.

#include "isthmus/hash/block_hash.hpp"

namespace isthmus {

struct Sha256Algorithm {
  using Word = std::uint32_t;
  static const std::array<Word, 8> kInitial;
  static void compress(std::array<Word, 8>& state, const std::uint8_t* block) noexcept;
};
struct Sha512Algorithm {
  using Word = std::uint64_t;
  static const std::array<Word, 8> kInitial;
  static void compress(std::array<Word, 8>& state, const std::uint8_t* block) noexcept;
};

extern template class BlockHash<Sha256Algorithm>;
extern template class BlockHash<Sha512Algorithm>;

using Sha256 = BlockHash<Sha256Algorithm>;
using Sha512 = BlockHash<Sha512Algorithm>;

/// One-shot digests.
Sha256::Digest sha256(ByteSpan data) noexcept;
Sha512::Digest sha512(ByteSpan data) noexcept;

}  // namespace isthmus
