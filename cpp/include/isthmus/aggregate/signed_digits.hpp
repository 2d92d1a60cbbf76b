#pragma once
// Signed fixed-width digits of 64-bit integers: how exponents select buckets and table entries.

#include <cstddef>
#include <cstdint>

namespace isthmus::aggregate {

/// Writes every |x| <= max_magnitude as `count` signed digits of `width` bits.
/// x = sum_i digit(x, i) * 2^(i * width),  |digit(x, i)| <= half().
/// Adding half() * (1 + 2^width + ...) below the top digit turns each lower digit into an unsigned one, so no
/// carry has to be followed; the top digit takes what remains. Digits are symmetric, so a table or a bucket
/// row needs half() entries per sign, and `count` is the smallest that holds both signs of max_magnitude.
class SignedDigits {
 public:
  static constexpr unsigned kMaxWidth = 20;

  SignedDigits(std::uint64_t max_magnitude, unsigned width) noexcept : width_(width) {
    while (top_of(max_magnitude) > half()) {
      offset_ += Wide{half()} << (width_ * (count_ - 1));
      ++count_;
    }
    max_top_ = static_cast<std::int32_t>(top_of(max_magnitude));
  }

  unsigned width() const noexcept { return width_; }
  unsigned count() const noexcept { return count_; }
  std::int32_t half() const noexcept { return std::int32_t{1} << (width_ - 1); }

  /// The largest |digit(x, i)| over |x| <= max_magnitude.
  std::int32_t max_digit(unsigned i) const noexcept { return i + 1 == count_ ? max_top_ : half(); }

  std::int32_t digit(std::int64_t x, unsigned i) const noexcept {
    const Wide shifted = (Wide{x} + offset_) >> (width_ * i);  // arithmetic: the sign stays in the top digit
    if (i + 1 == count_) return static_cast<std::int32_t>(shifted);
    const std::int32_t mask = 2 * half() - 1;
    return (static_cast<std::int32_t>(shifted) & mask) - half();
  }

 private:
  __extension__ typedef __int128 Wide;

  Wide top_of(std::uint64_t magnitude) const noexcept {
    return (Wide{magnitude} + offset_) >> (width_ * (count_ - 1));
  }

  unsigned width_;
  unsigned count_ = 1;
  Wide offset_ = 0;
  std::int32_t max_top_ = 0;
};

/// |x| without overflow at the most negative integer.
constexpr std::uint64_t magnitude(std::int64_t x) noexcept {
  return x < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
}

}  // namespace isthmus::aggregate
