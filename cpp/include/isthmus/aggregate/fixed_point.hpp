#pragma once
// Real numbers as integers with one public scale.

#include <cstddef>
#include <cstdint>
#include <span>

namespace isthmus::aggregate {

/// The largest scale: beyond it every double that is not 0 overflows or is subnormal.
inline constexpr std::size_t kMaxScaleBits = 1022;

/// Rounds reals to fixed point, to nearest with ties to even.
/// out[i] = round(values[i] * 2^scale_bits).
/// Shapes    values[rows * columns], out likewise, row-major.
/// Requires  out.size() == values.size(); columns > 0; scale_bits <= kMaxScaleBits.
/// Threads   Parallel over rows.
/// Throws    InvalidArgument for NaN or infinity and PlaintextOverflow for |out[i]| >= 2^63, each with the
/// row.
void to_fixed_point(std::span<const double> values, std::size_t columns, std::size_t scale_bits,
                    std::span<std::int64_t> out);

}  // namespace isthmus::aggregate
