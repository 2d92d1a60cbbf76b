#pragma once
// A vector field type against the portable one, on the largest limbs that its bounds allow: where a wrong
// bound would show and random field elements would not.

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "check.hpp"
#include "isthmus/core/cpu.hpp"
#include "isthmus/field/fp25519.hpp"

namespace isthmus {
namespace {

// Limbs gives the type's bounds: kLeast and kMost for a tight limb, and get and set for one limb of one lane.
template <class F, class Limbs>
class LanesTest {
 public:
  static int run(Backend backend) {
    const auto names = available_backends();
    if (std::find(names.begin(), names.end(), backend_name(backend)) == names.end()) {
      std::printf("this CPU has no %s\n", backend_name(backend).c_str());
      return 0;
    }
    LanesTest test;
    for (int round = 0; round < 4000; ++round) test.round();
    return check::finish("lanes25519");
  }

 private:
  struct Pair {
    F lanes;
    std::array<Fp25519, F::kLanes> portable;
  };

  // Limbs at either bound, near it, or anywhere between; 4p makes the portable twin positive.
  Pair draw() {
    Pair drawn;
    constexpr std::int64_t kRange = Limbs::kMost - Limbs::kLeast;
    for (std::size_t lane = 0; lane < F::kLanes; ++lane) {
      for (std::size_t i = 0; i < 5; ++i) {
        const auto random = static_cast<std::int64_t>(generator_() >> 1);
        const std::int64_t choices[4] = {Limbs::kMost, Limbs::kLeast, Limbs::kMost - random % 8,
                                         Limbs::kLeast + random % (kRange + 1)};
        const std::int64_t limb = choices[generator_() % 4];
        Limbs::set(drawn.lanes, i, lane, limb);
        const std::uint64_t multiple = 4 * (Fp25519::kLimbMask - (i == 0 ? 18 : 0));
        drawn.portable[lane].limb[i] = multiple + static_cast<std::uint64_t>(limb);
      }
      drawn.portable[lane] = carry(drawn.portable[lane]);
    }
    return drawn;
  }

  // Checks that the result is tight, and equal to expected(lane).
  template <class Expected>
  void expect(const F& result, const Expected& expected) {
    std::uint64_t words[4 * F::kLanes];
    result.to_lanes(words);
    for (std::size_t lane = 0; lane < F::kLanes; ++lane) {
      std::uint64_t own[4];
      expected(lane).to_lanes(own);
      for (std::size_t j = 0; j < 4; ++j) CHECK(words[j * F::kLanes + lane] == own[j]);
      for (std::size_t i = 0; i < 5; ++i) {
        const std::int64_t limb = Limbs::get(result, i, lane);
        CHECK(limb >= Limbs::kLeast && limb <= Limbs::kMost);
      }
    }
  }

  void round() {
    const Pair a = draw(), b = draw(), c = draw(), d = draw();
    const auto &x = a.portable, &y = b.portable, &z = c.portable, &w = d.portable;
    using Lane = std::size_t;
    expect(a.lanes * b.lanes, [&](Lane i) { return x[i] * y[i]; });
    expect(square(a.lanes), [&](Lane i) { return square(x[i]); });
    expect(a.lanes + b.lanes, [&](Lane i) { return x[i] + y[i]; });
    expect(a.lanes - b.lanes, [&](Lane i) { return x[i] - y[i]; });
    expect(-a.lanes, [&](Lane i) { return -x[i]; });
    expect(sum_operand(a.lanes, b.lanes) * c.lanes, [&](Lane i) { return (x[i] + y[i]) * z[i]; });
    expect(difference_operand(a.lanes, b.lanes) * c.lanes, [&](Lane i) { return (x[i] - y[i]) * z[i]; });
    expect(a.lanes * negative_operand(b.lanes), [&](Lane i) { return x[i] * -y[i]; });
    const auto ab = wide_product(a.lanes, b.lanes), cd = wide_product(c.lanes, d.lanes);
    expect(reduce(ab - cd), [&](Lane i) { return x[i] * y[i] - z[i] * w[i]; });
    expect(reduce(ab + cd), [&](Lane i) { return x[i] * y[i] + z[i] * w[i]; });
    // What a doubling takes from a square, the most that is ever taken at once.
    const auto aa = wide_square(a.lanes), bb = wide_square(b.lanes), cc = wide_square(c.lanes);
    expect(reduce(aa - (bb + cc + cc)),
           [&](Lane i) { return square(x[i]) - carry(square(y[i]) + square(z[i]) + square(z[i])); });
    expect(reduce(-(aa + bb)), [&](Lane i) { return -(square(x[i]) + square(y[i])); });
    expect(reduce(ab + wide_scaled(c.lanes, 121665)),
           [&](Lane i) { return x[i] * y[i] + wide_scaled(z[i], 121665); });
  }

  std::mt19937_64 generator_{51};  // NOLINT: the same test every time
};

}  // namespace
}  // namespace isthmus
