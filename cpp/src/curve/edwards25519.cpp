#include "isthmus/curve/edwards25519.hpp"

#include <algorithm>

namespace isthmus::edwards25519 {

// Out of line: backends with other compiler flags must not bring a copy of their own.
ScalarDigits::ScalarDigits(const std::uint8_t* scalars, std::size_t n, std::size_t stride) noexcept {
  const std::size_t distinct = stride == 0 ? 1 : n;
  for (std::size_t row = 0; row < distinct; ++row) {
    const std::uint8_t* scalar = scalars + row * stride;
    std::uint8_t carried = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto nibble = static_cast<std::uint8_t>(((scalar[i / 2] >> (4 * (i % 2))) & 15) + carried);
      carried = static_cast<std::uint8_t>((nibble + 8) >> 4);
      const auto digit = static_cast<std::uint8_t>(nibble - (carried << 4));
      const auto negative = static_cast<std::uint8_t>(digit >> 7);
      const auto mask = static_cast<std::uint8_t>(ct_mask(negative));
      magnitude_[i][row] = static_cast<std::uint8_t>((digit ^ mask) + negative);
      negative_[i][row] = negative;
    }
  }
  const auto repeat_last = [distinct](Row& values) {
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(distinct);
    std::fill(end, values.end(), *(end - 1));
  };
  std::for_each(magnitude_.begin(), magnitude_.end(), repeat_last);
  std::for_each(negative_.begin(), negative_.end(), repeat_last);
}

ScalarDigits::~ScalarDigits() {
  zeroise(magnitude_.data(), sizeof magnitude_);
  zeroise(negative_.data(), sizeof negative_);
}

}  // namespace isthmus::edwards25519
