#pragma once
// Secret scalars of one tile as signed odd digits.

#include <array>
#include <cstddef>
#include <cstdint>

#include "isthmus/curve/weierstrass.hpp"

namespace isthmus::weierstrass {

/// For every row of a tile a scalar k as 2^255 + sum of digit[i] * 32^i, digits odd in [-31, 31].
///
/// An even k stands as -(n - k): one of k and n - k is odd. With k = 1 + 2 sum b[i] 32^i, b[i] < 32, digit[i]
/// is 2 b[i] - 31. No digit is zero, and every leading part of the sum is positive and, but for the last one,
/// far below n; so no addition of a multiplication that reads the digits from the top meets equal or opposite
/// points or the identity, with one exception: before the last digit d the sum is congruent to d when k = n -
/// 2 |d|.
///
/// Security  As secret as the scalars; zeroised on destruction.
class SignedDigits {
 public:
  static constexpr std::size_t kCount = 51;
  static constexpr std::size_t kWindowBits = 5;
  static constexpr std::size_t kTableSize = 16;  // 1, 3, ..., 31
  using Row = std::array<std::uint8_t, Group::kTile>;

  /// Row r has the scalar at scalars + r * stride, for r < n, and rows from n on the last one. Stride 0 gives
  /// all rows one scalar.
  SignedDigits(const Words256& order, const std::uint8_t* scalars, std::size_t n,
               std::size_t stride) noexcept;
  ~SignedDigits();
  SignedDigits(const SignedDigits&) = delete;
  SignedDigits& operator=(const SignedDigits&) = delete;

  /// (|digit i| - 1) / 2 of every row.
  const std::uint8_t* index(std::size_t i) const noexcept { return index_[i].data(); }
  /// 1 where digit i is negative.
  const std::uint8_t* negative(std::size_t i) const noexcept { return negative_[i].data(); }
  /// 1 where n - k stands for k, so that the result must be negated.
  const std::uint8_t* opposite() const noexcept { return opposite_.data(); }

 private:
  std::array<Row, kCount> index_;
  std::array<Row, kCount> negative_;
  Row opposite_;
};

}  // namespace isthmus::weierstrass
