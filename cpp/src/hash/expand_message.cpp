#include "isthmus/hash/expand_message.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>

#include "expand_lanes.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {
namespace {

constexpr std::string_view kOversizePrefix = "H2C-OVERSIZE-DST-";  // RFC 9380, section 5.3.3
constexpr std::size_t kMaxDstBytes = 255;
constexpr std::size_t kMaxBlocks = 255;
constexpr std::size_t kMaxOutputBytes = 65535;

std::size_t block_count(std::size_t length, std::size_t digest_bytes) {
  const std::size_t blocks = (length + digest_bytes - 1) / digest_bytes;
  if (length == 0 || blocks > kMaxBlocks || length > kMaxOutputBytes) {
    throw Error(ErrorCode::HashToCurve, "expand_message_xmd cannot give this many bytes");
  }
  return blocks;
}

}  // namespace

void Expander::expand_many(std::span<const ByteSpan> messages, std::size_t length, std::uint8_t* out) const {
  for (std::size_t i = 0; i < messages.size(); ++i) expand(messages[i], {out + i * length, length});
}

template <class Hash>
XmdExpander<Hash>::XmdExpander(ByteSpan dst) {
  if (dst.empty()) throw Error(ErrorCode::HashToCurve, "the domain separation tag is empty");
  if (dst.size() <= kMaxDstBytes) {
    dst_prime_.assign(dst.begin(), dst.end());
  } else {
    const ByteSpan prefix(reinterpret_cast<const std::uint8_t*>(kOversizePrefix.data()),
                          kOversizePrefix.size());
    const auto digest = Hash().update(prefix).update(dst).finish();
    dst_prime_.assign(digest.begin(), digest.end());
  }
  dst_prime_.push_back(static_cast<std::uint8_t>(dst_prime_.size()));
  const std::array<std::uint8_t, Hash::kBlockBytes> zeros{};
  after_zero_block_.update(zeros);
}

template <class Hash>
void XmdExpander<Hash>::expand(ByteSpan message, MutableByteSpan out) const {
  constexpr std::size_t kDigest = Hash::kDigestBytes;
  const std::size_t blocks = block_count(out.size(), kDigest);
  const std::array<std::uint8_t, 3> length_and_zero = {static_cast<std::uint8_t>(out.size() >> 8),
                                                       static_cast<std::uint8_t>(out.size()), 0};
  typename Hash::Digest b0 =
      Hash(after_zero_block_).update(message).update(length_and_zero).update(dst_prime_).finish();
  const ZeroiseGuard<typename Hash::Digest> wipe_b0(b0);
  typename Hash::Digest b{};
  const ZeroiseGuard<typename Hash::Digest> wipe_b(b);
  for (std::size_t i = 1; i <= blocks; ++i) {
    for (std::size_t j = 0; j < kDigest; ++j) b[j] ^= b0[j];
    const std::array<std::uint8_t, 1> index = {static_cast<std::uint8_t>(i)};
    b = Hash().update(b).update(index).update(dst_prime_).finish();
    const std::size_t at = (i - 1) * kDigest;
    std::copy_n(b.begin(), std::min(kDigest, out.size() - at), out.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

template <class Hash>
void XmdExpander<Hash>::expand_many(std::span<const ByteSpan> messages, std::size_t length,
                                    std::uint8_t* out) const {
  if constexpr (std::is_same_v<Hash, Sha512>) {
    ExpandLanes(sha512_lanes(), dst_prime_, length, block_count(length, Hash::kDigestBytes))
        .run(messages, out);
  } else {
    Expander::expand_many(messages, length, out);
  }
}

template class XmdExpander<Sha256>;
template class XmdExpander<Sha512>;
template class XmdExpander<Sm3>;

}  // namespace isthmus
