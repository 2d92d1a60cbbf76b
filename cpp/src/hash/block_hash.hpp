#pragma once
// The buffering and padding that SHA-2 and SM3 share; a hash's source file instantiates it.

#include <algorithm>
#include <cstddef>

#include "isthmus/core/secret.hpp"
#include "isthmus/hash/block_hash.hpp"

namespace isthmus {

// Big-endian words of either size.
inline std::uint32_t load_be(const std::uint8_t* p, std::uint32_t) noexcept { return load_be32(p); }
inline std::uint64_t load_be(const std::uint8_t* p, std::uint64_t) noexcept { return load_be64(p); }
inline void store_be(std::uint8_t* p, std::uint32_t x) noexcept { store_be32(p, x); }
inline void store_be(std::uint8_t* p, std::uint64_t x) noexcept { store_be64(p, x); }

template <class Algorithm>
BlockHash<Algorithm>::BlockHash() noexcept : state_(Algorithm::kInitial) {}

template <class Algorithm>
BlockHash<Algorithm>::~BlockHash() {
  zeroise(state_.data(), sizeof state_);
  zeroise(buffer_.data(), sizeof buffer_);
}

template <class Algorithm>
BlockHash<Algorithm>& BlockHash<Algorithm>::update(ByteSpan data) noexcept {
  total_bytes_ += data.size();
  if (buffered_ > 0) {
    const std::size_t take = std::min(kBlockBytes - buffered_, data.size());
    std::copy_n(data.data(), take, buffer_.data() + buffered_);
    buffered_ += take;
    data = data.subspan(take);
    if (buffered_ < kBlockBytes) return *this;
    Algorithm::compress(state_, buffer_.data());
    buffered_ = 0;
  }
  for (; data.size() >= kBlockBytes; data = data.subspan(kBlockBytes)) {
    Algorithm::compress(state_, data.data());
  }
  std::copy_n(data.data(), data.size(), buffer_.data());
  buffered_ = data.size();
  return *this;
}

template <class Algorithm>
typename BlockHash<Algorithm>::Digest BlockHash<Algorithm>::finish() noexcept {
  // A one bit, zeros, and the length in bits, big-endian in the last two words. A byte count in 64 bits
  // leaves at most three bits for the upper word of SHA-512's length.
  constexpr std::size_t kLengthAt = kBlockBytes - 2 * sizeof(Word);
  buffer_[buffered_++] = 0x80;
  if (buffered_ > kLengthAt) {
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_), buffer_.end(), std::uint8_t{0});
    Algorithm::compress(state_, buffer_.data());
    buffered_ = 0;
  }
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_), buffer_.end(), std::uint8_t{0});
  if constexpr (sizeof(Word) == 8) buffer_[kBlockBytes - 9] = static_cast<std::uint8_t>(total_bytes_ >> 61);
  store_be64(buffer_.data() + kBlockBytes - 8, total_bytes_ << 3);
  Algorithm::compress(state_, buffer_.data());
  Digest digest;
  for (std::size_t i = 0; i < 8; ++i) store_be(digest.data() + i * sizeof(Word), state_[i]);
  return digest;
}

}  // namespace isthmus
