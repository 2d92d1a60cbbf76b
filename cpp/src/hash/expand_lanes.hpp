#pragma once
// expand_message_xmd with SHA-512 for several messages at a time, one per lane.

#include <array>
#include <span>

#include "backend/sha512_kernels.hpp"
#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {

class ExpandLanes {
 public:
  /// `dst_prime` is the domain separation tag followed by its length; it must outlive the object.
  ExpandLanes(const Sha512Lanes& lanes, ByteSpan dst_prime, std::size_t length, std::size_t blocks);

  void run(std::span<const ByteSpan> messages, std::uint8_t* out);

 private:
  static constexpr std::size_t kDigestBytes = 64;
  static constexpr std::size_t kBlockBytes = 128;
  static constexpr std::size_t kMost = Sha512Lanes::kMostLanes;
  using Digests = std::array<std::array<std::uint8_t, kDigestBytes>, kMost>;

  // The digests of the padded inputs of the first `count` lanes, from this state on.
  void hash(const std::array<std::uint64_t, 8>& initial, std::size_t count, Digests& digests);
  void run_lanes(std::span<const ByteSpan> messages, std::uint8_t* out);

  const Sha512Lanes& lanes_;
  ByteSpan dst_prime_;
  std::size_t length_;
  std::size_t blocks_;
  std::array<std::uint64_t, 8> after_zero_block_;
  std::array<SecretVector<std::uint8_t>, kMost> input_;
};

}  // namespace isthmus
