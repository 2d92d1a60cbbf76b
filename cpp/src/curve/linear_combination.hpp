#pragma once
// Sums of public multiples of public points, by the bucket method.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "isthmus/core/parallel.hpp"
#include "isthmus/field/fp256.hpp"

namespace isthmus {

namespace linear_combination {

// Windows of `bits` bits for signed digits of 256-bit scalars; the last takes the carry.
constexpr std::size_t window_count(std::size_t bits) noexcept { return 256 / bits + 1; }

// The window size with the fewest additions for n points.
inline std::size_t best_window_bits(std::size_t n) noexcept {
  std::size_t best = 2;
  std::size_t best_cost = std::numeric_limits<std::size_t>::max();
  for (std::size_t bits = 2; bits <= 14; ++bits) {
    const std::size_t cost = window_count(bits) * (n + (std::size_t{1} << bits));
    if (cost < best_cost) best = bits, best_cost = cost;
  }
  return best;
}

// Digits d[w] in [-2^(bits-1), 2^(bits-1)) with scalar = sum d[w] 2^(bits w).
// Digit w goes to digits[w * stride].
inline void signed_digits_vartime(const Words256& scalar, std::size_t bits, std::int16_t* digits,
                                  std::size_t stride) noexcept {
  int carry = 0;
  for (std::size_t w = 0; w < window_count(bits); ++w) {
    const std::size_t at = w * bits;
    std::uint64_t raw = at < 256 ? scalar[at / 64] >> (at % 64) : 0;
    if (at % 64 + bits > 64 && at / 64 < 3) raw |= scalar[at / 64 + 1] << (64 - at % 64);
    const int digit = static_cast<int>(raw & ((std::uint64_t{1} << bits) - 1)) + carry;
    carry = digit >= 1 << (bits - 1) ? 1 : 0;
    digits[w * stride] = static_cast<std::int16_t>(digit - (carry << bits));
  }
}

// The sum of digits[i] * points[i], or nothing when all digits are zero.
template <class Curve>
std::optional<typename Curve::Point> window_sum(std::span<const std::int16_t> digits,
                                                std::span<const typename Curve::Addend> points,
                                                std::size_t bits) {
  using Point = typename Curve::Point;
  std::vector<Point> bucket(std::size_t{1} << (bits - 1));
  std::vector<char> used(bucket.size());
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[i];
    if (digit == 0) continue;
    const auto b = static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1;
    const auto addend = digit < 0 ? Curve::negative(points[i]) : points[i];
    bucket[b] = used[b] ? Curve::add(bucket[b], addend) : Curve::to_point(addend);
    used[b] = 1;
  }
  // The sum of (b + 1) bucket[b]: every suffix sum once.
  std::optional<Point> suffix, sum;
  for (std::size_t b = bucket.size(); b-- > 0;) {
    if (used[b]) suffix = suffix ? Curve::add(*suffix, bucket[b]) : bucket[b];
    if (suffix) sum = sum ? Curve::add(*sum, *suffix) : *suffix;
  }
  return sum;
}

}  // namespace linear_combination

/// sum of scalars[i] * points[i].
/// Curve gives Point, Addend, identity(), to_point(Addend), negative(Addend), and add(Point, Addend) and
/// add(Point, Point), both complete.
/// Timing    Variable in everything.
/// Threads   parallel_for over the windows.
/// Ref       Bernstein, Doumen, Lange, Oosterwijk, "Faster batch forgery identification" (INDOCRYPT 2012), 4.
template <class Curve>
typename Curve::Point linear_combination_vartime(std::span<const Words256> scalars,
                                                 std::span<const typename Curve::Addend> points) {
  using Point = typename Curve::Point;
  const std::size_t n = points.size();
  const std::size_t bits = linear_combination::best_window_bits(n);
  const std::size_t windows = linear_combination::window_count(bits);
  std::vector<std::int16_t> digits(n * windows);  // one window after the other
  parallel_for(
      n,
      [&](std::size_t i) {
        linear_combination::signed_digits_vartime(scalars[i], bits, digits.data() + i, n);
      },
      1024);
  std::vector<std::optional<Point>> window_sums(windows);
  parallel_for(windows, [&](std::size_t w) {
    window_sums[w] = linear_combination::window_sum<Curve>({digits.data() + w * n, n}, points, bits);
  });
  Point sum = Curve::identity();
  for (std::size_t w = windows; w-- > 0;) {
    for (std::size_t bit = 0; bit < bits && w + 1 < windows; ++bit) sum = Curve::add(sum, sum);
    if (window_sums[w]) sum = Curve::add(sum, *window_sums[w]);
  }
  return sum;
}

}  // namespace isthmus
