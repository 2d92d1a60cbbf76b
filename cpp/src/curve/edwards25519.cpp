#include "isthmus/curve/edwards25519.hpp"

namespace isthmus::edwards25519 {

// Out of line: backends with other compiler flags must not bring a copy of their own.
ScalarDigits::ScalarDigits(const std::uint8_t* scalar) noexcept {
  std::uint8_t carried = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto nibble = static_cast<std::uint8_t>(((scalar[i / 2] >> (4 * (i % 2))) & 15) + carried);
    carried = static_cast<std::uint8_t>((nibble + 8) >> 4);
    digit_[i] = static_cast<std::int8_t>(nibble - (carried << 4));
  }
}

ScalarDigits::~ScalarDigits() { zeroise(digit_.data(), digit_.size()); }

}  // namespace isthmus::edwards25519
