#pragma once
// A vector field type of P-256 or SM2 against the portable one, on the largest limbs that its bounds allow:
// where a wrong bound would show and random field elements would not.

#include <algorithm>
#include <array>
#include <cfenv>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "isthmus/core/cpu.hpp"
#include "isthmus/field/fp256.hpp"

namespace isthmus {
namespace {

// Limbs gives the type's bounds: radix and Montgomery's R as powers of two, least(i) and most(i) of limb i,
// and get and set for one limb of one lane.
template <class F, class Limbs>
class LanesTest {
 public:
  using Curve = typename F::Curve;
  using Portable = Fp256<Curve>;

  static void run() {
    LanesTest test;
    test.check_words();
    for (int round = 0; round < 500; ++round) test.round();
  }

 private:
  using Values = std::array<Portable, F::kLanes>;

  struct Drawn {
    F lanes;
    Values portable;
  };
  using Lane = std::size_t;

  static Portable power_of_two(int bits) {
    Portable r = Portable::one();
    for (int i = 0; i < bits; ++i) r = r + r;
    return r;
  }
  static Portable integer(std::int64_t a) {
    const auto magnitude = static_cast<std::uint64_t>(a < 0 ? -a : a);
    const Portable r = Portable::from_words({magnitude, 0, 0, 0});
    return a < 0 ? -r : r;
  }

  // The value of one lane, R left out: sum limb 2^(radix i) = value R.
  Portable value_of(const F& a, Lane lane) const {
    Portable sum = Portable::zero();
    for (std::size_t i = 5; i-- > 0;) sum = sum * radix_ + integer(Limbs::get(a, i, lane));
    return sum * r_inverse_;
  }

  // Limbs at either bound, near it, or anywhere between.
  Drawn draw() {
    Drawn drawn;
    for (Lane lane = 0; lane < F::kLanes; ++lane) {
      for (std::size_t i = 0; i < 5; ++i) {
        const std::int64_t least = Limbs::least(i), most = Limbs::most(i);
        const auto random = static_cast<std::int64_t>(generator_() >> 1);
        const std::int64_t choices[4] = {most, least, most - random % 8, least + random % (most - least + 1)};
        Limbs::set(drawn.lanes, i, lane, choices[generator_() % 4]);
      }
      drawn.portable[lane] = value_of(drawn.lanes, lane);
    }
    return drawn;
  }

  // expected(lane) of every lane.
  template <class Expected>
  static Values each(const Expected& expected) {
    Values r;
    for (Lane lane = 0; lane < F::kLanes; ++lane) r[lane] = expected(lane);
    return r;
  }

  // Checks that the result keeps the bounds and has these values.
  [[gnu::noinline]] static void expect(const F& result, const Values& expected) {
    std::array<Words256, F::kLanes> words;
    result.store(words.data());
    for (Lane lane = 0; lane < F::kLanes; ++lane) {
      CHECK(words[lane] == expected[lane].to_words());
      CHECK((lane_of(is_odd(result), lane) != 0) == ((words[lane][0] & 1) != 0));
      CHECK((lane_of(is_zero(result), lane) != 0) == (words[lane] == Words256{}));
      for (std::size_t i = 0; i < 5; ++i) {
        const std::int64_t limb = Limbs::get(result, i, lane);
        CHECK(limb >= Limbs::least(i) && limb <= Limbs::most(i));
      }
    }
  }

  static Portable times(int factor, const Portable& a) { return integer(factor) * a; }

  // The operations in the combinations of weierstrass_formulas.hpp that come nearest to the bounds.
  void round() {
    const Drawn a = draw(), b = draw(), c = draw(), d = draw();
    const auto &x = a.portable, &y = b.portable, &z = c.portable, &w = d.portable;
    const F &p = a.lanes, &q = b.lanes, &r = c.lanes, &s = d.lanes;
    expect(p * q, each([&](Lane i) { return x[i] * y[i]; }));
    expect(square(p), each([&](Lane i) { return x[i] * x[i]; }));
    expect(carry(p + q), each([&](Lane i) { return x[i] + y[i]; }));
    expect(carry(p - q), each([&](Lane i) { return x[i] - y[i]; }));
    expect(carry(-p), each([&](Lane i) { return -x[i]; }));
    expect(carry(small_multiple<10>(p)), each([&](Lane i) { return times(10, x[i]); }));
    expect(carry(p - p), each([&](Lane) { return Portable::zero(); }));
    expect(carry(reduce(wide_product(p, q) - small_multiple<8>(wide_square(r)))),
           each([&](Lane i) { return x[i] * y[i] - times(8, z[i] * z[i]); }));
    expect(carry(small_multiple<3>(reduce(wide_square(p) - wide_square(q)))),
           each([&](Lane i) { return times(3, x[i] * x[i] - y[i] * y[i]); }));
    expect(carry(reduce(wide_square(p)) - small_multiple<8>(q)),
           each([&](Lane i) { return x[i] * x[i] - times(8, y[i]); }));
    expect(carry(small_multiple<3>(reduce(wide_product(p, q)) - small_multiple<3>(r) - s)),
           each([&](Lane i) { return times(3, x[i] * y[i] - times(3, z[i]) - w[i]); }));
    expect(carry(reduce(wide_product(p, q) + wide_product(r, s))),
           each([&](Lane i) { return x[i] * y[i] + z[i] * w[i]; }));
    expect(carry(small_multiple<4>(p) - q), each([&](Lane i) { return times(4, x[i]) - y[i]; }));
  }

  // Integers at the ends of the ranges that words, residues and signed residues have.
  void check_words() {
    const Words256& m = Curve::kModulus;
    std::vector<Words256> ends = {{}, m, {~0ULL, ~0ULL, ~0ULL, ~0ULL}, {}};
    for (std::size_t i = 0; i < 4; ++i) ends[3][i] = (m[i] >> 1) | (i < 3 ? m[i + 1] << 63 : 0);
    for (const Words256& end : ends) {
      for (std::uint64_t distance = 0; distance < 2 * F::kLanes; distance += F::kLanes) {
        std::array<Words256, F::kLanes> words;
        for (Lane lane = 0; lane < F::kLanes; ++lane) {
          const Words256 step = {distance + lane, 0, 0, 0};
          fp256::add(end, step, words[lane]);
          expect(F::load(words.data()), each([&](Lane i) { return Portable::from_words(words[i]); }));
          fp256::subtract(end, step, words[lane]);
        }
        expect(F::load(words.data()), each([&](Lane i) { return Portable::from_words(words[i]); }));
      }
    }
  }

  std::mt19937_64 generator_{256};  // NOLINT: the same test every time
  Portable radix_ = power_of_two(Limbs::kRadixBits);
  // 2^-k is (2^-1)^k, and 2^-1 is (p + 1) / 2.
  Portable r_inverse_ = [] {
    Words256 half{};
    const Words256& m = Curve::kModulus;
    for (std::size_t i = 0; i < 4; ++i) half[i] = (m[i] >> 1) | (i < 3 ? m[i + 1] << 63 : 0);
    const Portable inverse_of_two = Portable::from_words(half) + Portable::one();
    Portable r = Portable::one();
    for (int i = 0; i < Limbs::kMontgomeryBits; ++i) r = r * inverse_of_two;
    return r;
  }();
};

inline bool runs_here(Backend backend) {
  const auto names = available_backends();
  if (std::find(names.begin(), names.end(), backend_name(backend)) != names.end()) return true;
  std::printf("this CPU has no %s\n", backend_name(backend).c_str());
  return false;
}

}  // namespace
}  // namespace isthmus
