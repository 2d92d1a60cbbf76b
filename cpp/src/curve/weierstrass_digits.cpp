#include "weierstrass_digits.hpp"

#include <algorithm>

#include "isthmus/core/secret.hpp"

namespace isthmus::weierstrass {

SignedDigits::SignedDigits(const Words256& order, const std::uint8_t* scalars, std::size_t n,
                           std::size_t stride) noexcept {
  const std::size_t distinct = stride == 0 ? 1 : n;
  for (std::size_t row = 0; row < distinct; ++row) {
    Words256 k = fp256::load_be(scalars + row * stride);
    Words256 opposite;
    const ZeroiseGuard<Words256> wipe_k(k), wipe_opposite(opposite);
    fp256::subtract(order, k, opposite);
    const std::uint64_t even = ct_mask((k[0] & 1) ^ 1);
    for (std::size_t i = 0; i < 4; ++i) k[i] = ct_select(even, opposite[i], k[i]);
    opposite_[row] = static_cast<std::uint8_t>(even & 1);
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t bit = kWindowBits * i + 1;
      std::uint64_t b = k[bit / 64] >> (bit % 64);
      if (bit % 64 > 64 - kWindowBits) b |= k[bit / 64 + 1] << (64 - bit % 64);
      const std::uint64_t negative = ((b >> 4) & 1) ^ 1;
      index_[i][row] = static_cast<std::uint8_t>((b ^ (std::uint64_t{0} - negative)) & 15);
      negative_[i][row] = static_cast<std::uint8_t>(negative);
    }
  }
  const auto repeat_last = [distinct](Row& values) {
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(distinct);
    std::fill(end, values.end(), *(end - 1));
  };
  std::for_each(index_.begin(), index_.end(), repeat_last);
  std::for_each(negative_.begin(), negative_.end(), repeat_last);
  repeat_last(opposite_);
}

SignedDigits::~SignedDigits() {
  zeroise(index_.data(), sizeof index_);
  zeroise(negative_.data(), sizeof negative_);
  zeroise(opposite_.data(), sizeof opposite_);
}

}  // namespace isthmus::weierstrass
