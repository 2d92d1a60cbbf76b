#pragma once
// SM3 (GB/T 32905-2016), incremental and one-shot.

#include "isthmus/hash/block_hash.hpp"

namespace isthmus {

struct Sm3Algorithm {
  using Word = std::uint32_t;
  static const std::array<Word, 8> kInitial;
  static void compress(std::array<Word, 8>& state, const std::uint8_t* block) noexcept;
};

extern template class BlockHash<Sm3Algorithm>;

using Sm3 = BlockHash<Sm3Algorithm>;

/// The digest of `data`.
Sm3::Digest sm3(ByteSpan data) noexcept;

}  // namespace isthmus
