#include "isthmus/oprf/transcript.hpp"

#include <algorithm>
#include <memory>

#include "isthmus/core/error.hpp"
#include "isthmus/hash/expand_message.hpp"
#include "isthmus/hash/sha2.hpp"
#include "isthmus/hash/sm3.hpp"

namespace isthmus::oprf {

struct GroupHash {
  std::string_view group;
  std::size_t digest_bytes;
  std::size_t expanded_bytes;  // what one scalar is reduced from
  bool big_endian;
  std::unique_ptr<Expander> (*expander)(ByteSpan dst);
  void (*digest)(std::span<const ByteSpan> parts, std::uint8_t* out);
};

namespace {

template <class Hash>
std::unique_ptr<Expander> xmd(ByteSpan dst) {
  return std::make_unique<XmdExpander<Hash>>(dst);
}

template <class Hash>
void digest_of(std::span<const ByteSpan> parts, std::uint8_t* out) {
  Hash hash;
  for (const ByteSpan part : parts) hash.update(part);
  typename Hash::Digest digest = hash.finish();
  const ZeroiseGuard<typename Hash::Digest> wipe(digest);
  std::copy(digest.begin(), digest.end(), out);
}

// One row per group.
constexpr GroupHash kRows[] = {
    {"ristretto255", Sha512::kDigestBytes, 64, false, &xmd<Sha512>, &digest_of<Sha512>},
    {"P-256", Sha256::kDigestBytes, 48, true, &xmd<Sha256>, &digest_of<Sha256>},
    {"SM2", Sm3::kDigestBytes, 48, true, &xmd<Sm3>, &digest_of<Sm3>},
};

}  // namespace

Transcript& Transcript::prefixed(ByteSpan part) { return number(part.size()).raw(part); }

Transcript& Transcript::raw(ByteSpan bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Transcript& Transcript::raw(std::string_view text) {
  return raw(ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Transcript& Transcript::number(std::size_t value) {
  require(value <= 0xffff, "a part of a transcript is longer than 65535 bytes");
  bytes_.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes_.push_back(static_cast<std::uint8_t>(value));
  return *this;
}

ScalarHash::ScalarHash(const Group& group) : group_(&group), row_(nullptr) {
  for (const GroupHash& row : kRows) {
    if (row.group == group.name()) row_ = &row;
  }
  require(row_ != nullptr, "the group has no addition, so nothing can be proven in it");
}

std::size_t ScalarHash::digest_bytes() const noexcept { return row_->digest_bytes; }

void ScalarHash::digest(std::initializer_list<ByteSpan> parts, std::uint8_t* out) const {
  row_->digest({parts.begin(), parts.size()}, out);
}

void ScalarHash::to_scalars(std::span<const ByteSpan> messages, ByteSpan dst, MutableByteSpan out) const {
  const std::size_t n = messages.size();
  const std::size_t wide = 2 * group_->scalar_bytes();
  const std::size_t length = row_->expanded_bytes;
  SecretVector<std::uint8_t> expanded(n * length), uniform(n * wide);
  row_->expander(dst)->expand_many(messages, length, expanded.data());
  // The integer's bytes stand where the scalar's byte order has the low ones; the rest is zero.
  const std::size_t skip = row_->big_endian ? wide - length : 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(expanded.data() + i * length, length, uniform.data() + i * wide + skip);
  }
  group_->reduce(uniform, out);
}

}  // namespace isthmus::oprf
