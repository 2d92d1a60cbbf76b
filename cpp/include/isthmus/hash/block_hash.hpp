#pragma once
// Hashes of the Merkle-Damgard kind: full blocks are compressed into a state, the last one carries the
// length.

#include <array>
#include <cstddef>
#include <cstdint>

#include "isthmus/core/bytes.hpp"

namespace isthmus {

/// A hash in progress. Algorithm gives its Word, the initial state of eight words, all of which are the
/// digest in the end, and compress() for one block of sixteen. Copying an object forks the computation, so
/// that a shared prefix is absorbed once. Security  The state is zeroised on destruction: identifiers and
/// keys pass through it. Timing    Depends on the input's length only.
template <class Algorithm>
class BlockHash {
 public:
  using Word = typename Algorithm::Word;
  using State = std::array<Word, 8>;
  static constexpr std::size_t kBlockBytes = 16 * sizeof(Word);
  static constexpr std::size_t kDigestBytes = 8 * sizeof(Word);
  using Digest = std::array<std::uint8_t, kDigestBytes>;

  BlockHash() noexcept;
  BlockHash(const BlockHash&) = default;
  BlockHash& operator=(const BlockHash&) = default;
  ~BlockHash();

  /// Absorbs more input.
  BlockHash& update(ByteSpan data) noexcept;

  /// Returns the digest of everything absorbed. The object must not be used afterwards.
  Digest finish() noexcept;

 private:
  State state_;
  std::array<std::uint8_t, kBlockBytes> buffer_{};
  std::size_t buffered_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace isthmus
