#include "expand_lanes.hpp"

#include <algorithm>
#include <initializer_list>

#include "isthmus/hash/sha2.hpp"

namespace isthmus {
namespace {

// Replaces `input` by the parts and SHA-512's padding, for a message that began `before` bytes earlier.
void pad(std::initializer_list<ByteSpan> parts, std::uint64_t before, SecretVector<std::uint8_t>& input) {
  constexpr std::size_t kBlock = Sha512::kBlockBytes;
  std::size_t size = 0;
  for (const ByteSpan part : parts) size += part.size();
  input.assign((size + 17 + kBlock - 1) / kBlock * kBlock, 0);
  auto at = input.begin();
  for (const ByteSpan part : parts) at = std::copy(part.begin(), part.end(), at);
  *at = 0x80;
  store_be64(input.data() + input.size() - 8, (before + size) << 3);
}

}  // namespace

ExpandLanes::ExpandLanes(const Sha512Lanes& lanes, ByteSpan dst_prime, std::size_t length, std::size_t blocks)
    : lanes_(lanes),
      dst_prime_(dst_prime),
      length_(length),
      blocks_(blocks),
      after_zero_block_(Sha512Algorithm::kInitial) {
  const std::array<std::uint8_t, kBlockBytes> zeros{};
  Sha512Algorithm::compress(after_zero_block_, zeros.data());
}

void ExpandLanes::run(std::span<const ByteSpan> messages, std::uint8_t* out) {
  for (std::size_t i = 0; i < messages.size(); i += lanes_.lanes) {
    run_lanes(messages.subspan(i, std::min(lanes_.lanes, messages.size() - i)), out + i * length_);
  }
}

void ExpandLanes::run_lanes(std::span<const ByteSpan> messages, std::uint8_t* out) {
  const std::array<std::uint8_t, 3> length_and_zero = {static_cast<std::uint8_t>(length_ >> 8),
                                                       static_cast<std::uint8_t>(length_), 0};
  const std::size_t count = messages.size();
  Digests b0, b{};
  const ZeroiseGuard<Digests> wipe_b0(b0);
  const ZeroiseGuard<Digests> wipe_b(b);
  for (std::size_t lane = 0; lane < count; ++lane) {
    pad({messages[lane], length_and_zero, dst_prime_}, kBlockBytes, input_[lane]);
  }
  hash(after_zero_block_, count, b0);
  for (std::size_t lane = 0; lane < count; ++lane) {
    const std::array<std::uint8_t, kDigestBytes + 1> chained_and_index{};
    pad({chained_and_index, dst_prime_}, 0, input_[lane]);
  }
  for (std::size_t i = 1; i <= blocks_; ++i) {
    for (std::size_t lane = 0; lane < count; ++lane) {
      for (std::size_t j = 0; j < kDigestBytes; ++j) input_[lane][j] = b0[lane][j] ^ b[lane][j];
      input_[lane][kDigestBytes] = static_cast<std::uint8_t>(i);
    }
    hash(Sha512Algorithm::kInitial, count, b);
    const std::size_t at = (i - 1) * kDigestBytes;
    for (std::size_t lane = 0; lane < count; ++lane) {
      std::copy_n(b[lane].begin(), std::min(kDigestBytes, length_ - at), out + lane * length_ + at);
    }
  }
}

void ExpandLanes::hash(const std::array<std::uint64_t, 8>& initial, std::size_t count, Digests& digests) {
  const std::size_t lanes = lanes_.lanes;
  std::array<std::uint64_t, 8 * kMost> state;
  const ZeroiseGuard<std::array<std::uint64_t, 8 * kMost>> wipe(state);
  for (std::size_t i = 0; i < 8 * lanes; ++i) state[i] = initial[i / lanes];
  std::size_t most = 0;
  for (std::size_t lane = 0; lane < count; ++lane) most = std::max(most, input_[lane].size() / kBlockBytes);
  for (std::size_t block = 0; block < most; ++block) {
    // A lane that has ended, or never began, goes along on blocks whose results nobody reads.
    std::array<const std::uint8_t*, kMost> inputs;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const SecretVector<std::uint8_t>& input = input_[lane < count ? lane : 0];
      inputs[lane] = input.data() + std::min(block, input.size() / kBlockBytes - 1) * kBlockBytes;
    }
    lanes_.compress(state.data(), inputs.data());
    for (std::size_t lane = 0; lane < count; ++lane) {
      if ((block + 1) * kBlockBytes != input_[lane].size()) continue;
      for (std::size_t i = 0; i < 8; ++i) store_be64(digests[lane].data() + 8 * i, state[i * lanes + lane]);
    }
  }
}

}  // namespace isthmus
