#include "isthmus/aggregate/fixed_point.hpp"

#include <cmath>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {

void to_fixed_point(std::span<const double> values, std::size_t columns, std::size_t scale_bits,
                    std::span<std::int64_t> out) {
  require(out.size() == values.size() && columns > 0 && values.size() % columns == 0,
          "fixed-point conversion needs equal shapes");
  require(scale_bits <= kMaxScaleBits, "scale_bits must lie in 0..1022");
  const double scale = std::ldexp(1.0, static_cast<int>(scale_bits));
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  const auto convert_row = [&](std::size_t row) {
    for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) {
      if (!std::isfinite(values[i])) throw Error(ErrorCode::InvalidArgument, "a value is not finite", row);
      const double rounded = std::nearbyint(values[i] * scale);  // the product by a power of two is exact
      if (!(std::abs(rounded) < kLimit)) {
        throw Error(ErrorCode::PlaintextOverflow, "a value exceeds 63 bits at this scale", row);
      }
      out[i] = static_cast<std::int64_t>(rounded);
    }
  };
  parallel_for(values.size() / columns, convert_row, 4096);
}

}  // namespace isthmus::aggregate
