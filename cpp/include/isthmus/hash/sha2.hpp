#pragma once
// SHA-256 and SHA-512 (FIPS 180-4), incremental and one-shot.

#include <array>
#include <cstddef>
#include <cstdint>

#include "isthmus/core/bytes.hpp"

namespace isthmus {

/// A SHA-2 hash in progress; Word is uint32_t for SHA-256 and uint64_t for SHA-512.
/// Copying an object forks the computation, so that a shared prefix is absorbed once.
/// Security  The state is zeroised on destruction: identifiers and keys pass through it.
/// Timing    Depends on the input's length only.
/// Ref       FIPS 180-4.
template <class Word>
class Sha2 {
 public:
  static constexpr std::size_t kBlockBytes = 16 * sizeof(Word);
  static constexpr std::size_t kDigestBytes = 8 * sizeof(Word);
  using Digest = std::array<std::uint8_t, kDigestBytes>;

  Sha2() noexcept;
  Sha2(const Sha2&) = default;
  Sha2& operator=(const Sha2&) = default;
  ~Sha2();

  /// Absorbs more input.
  Sha2& update(ByteSpan data) noexcept;

  /// Returns the digest of everything absorbed. The object must not be used afterwards.
  Digest finish() noexcept;

 private:
  void compress(const std::uint8_t* blocks, std::size_t count) noexcept;

  std::array<Word, 8> state_;
  std::array<std::uint8_t, kBlockBytes> buffer_{};
  std::size_t buffered_ = 0;
  std::uint64_t total_bytes_ = 0;
};

extern template class Sha2<std::uint32_t>;
extern template class Sha2<std::uint64_t>;

using Sha256 = Sha2<std::uint32_t>;
using Sha512 = Sha2<std::uint64_t>;

/// One-shot digests.
Sha256::Digest sha256(ByteSpan data) noexcept;
Sha512::Digest sha512(ByteSpan data) noexcept;

}  // namespace isthmus
