// The parts of the aggregate layer that need no key: bounds, digits, grouping and the product kernel.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "isthmus/aggregate/fixed_point.hpp"
#include "isthmus/aggregate/joint_sums.hpp"
#include "isthmus/aggregate/packing.hpp"
#include "isthmus/aggregate/runs.hpp"
#include "isthmus/aggregate/signed_digits.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

using namespace isthmus;
using namespace isthmus::aggregate;

namespace {

void test_packing() {
  // The bound, exhausted on small fields: max_addends full values fit in a slot; the layout refuses one more.
  for (std::size_t bits = 1; bits <= 6; ++bits) {
    for (std::uint64_t addends = 1; addends <= 40; ++addends) {
      const PackLayout layout(2048, {bits, 1}, addends);
      const std::uint64_t largest = (std::uint64_t{1} << bits) - 1;
      CHECK(addends * largest < std::uint64_t{1} << layout.slot_bits());
      layout.require_addends(addends);
      CHECK_THROWS(layout.require_addends(addends + 1), ErrorCode::PlaintextOverflow);
    }
  }
  const PackLayout layout(2048, {46, 44, 1}, 1000);
  CHECK(layout.headroom_bits() == 10 && layout.slot_bits() == 56 && layout.slots() == 3);
  CHECK(PackLayout::uniform(2048, 128).slots() == 15);
  CHECK(PackLayout::uniform(2048, 2046).slots() == 1);
  CHECK(PackLayout(2048, {2046}, 1).slots() == 1);
  CHECK_THROWS(PackLayout(2048, {2046}, 2), ErrorCode::PlaintextOverflow);
  CHECK_THROWS(PackLayout::uniform(2048, 2047), ErrorCode::PlaintextOverflow);
  CHECK_THROWS(PackLayout(2048, {1023, 1023, 1}, 1), ErrorCode::PlaintextOverflow);
  CHECK_THROWS(PackLayout(2048, {}, 1), ErrorCode::InvalidArgument);
  CHECK_THROWS(PackLayout(2048, {0}, 1), ErrorCode::InvalidArgument);
  CHECK_THROWS(PackLayout(2048, {8}, 0), ErrorCode::InvalidArgument);
  CHECK_THROWS(PackLayout::uniform(2048, 0), ErrorCode::InvalidArgument);
  CHECK_THROWS(PackLayout(2048, {std::numeric_limits<std::size_t>::max()}, 9), ErrorCode::InvalidArgument);
}

void test_fixed_point() {
  const std::vector<double> values{0.0, -1.5, 0.75, 2.5 / 1024, -3.5 / 1024, 1e6};
  std::vector<std::int64_t> out(values.size());
  to_fixed_point(values, 2, 10, out);
  CHECK((out == std::vector<std::int64_t>{0, -1536, 768, 2, -4, 1024000000}));
  const auto fails = [](double value, ErrorCode code) {
    const std::vector<double> batch{0, 0, 0, value};
    std::vector<std::int64_t> ignored(4);
    try {
      to_fixed_point(batch, 2, 0, ignored);
    } catch (const Error& error) {
      return error.code() == code && error.row() == 1;
    }
    return false;
  };
  CHECK(fails(std::numeric_limits<double>::quiet_NaN(), ErrorCode::InvalidArgument));
  CHECK(fails(-std::numeric_limits<double>::infinity(), ErrorCode::InvalidArgument));
  CHECK(fails(std::ldexp(1.0, 63), ErrorCode::PlaintextOverflow));
  CHECK(fails(-std::ldexp(1.0, 63), ErrorCode::PlaintextOverflow));
  CHECK_THROWS(to_fixed_point(values, 2, kMaxScaleBits + 1, out), ErrorCode::InvalidArgument);
}

bool digits_spell(std::int64_t x, const SignedDigits& digits) {
  __extension__ typedef __int128 Wide;
  Wide sum = 0;
  for (unsigned i = digits.count(); i-- > 0;) {
    const std::int32_t digit = digits.digit(x, i);
    if (std::abs(digit) > digits.max_digit(i) || std::abs(digit) > digits.half()) return false;
    sum = sum * (Wide{2} * digits.half()) + digit;
  }
  return sum == x;
}

void test_signed_digits() {
  for (unsigned width = 1; width <= 6; ++width) {
    for (std::int64_t largest = 0; largest <= 300; ++largest) {
      const SignedDigits digits(static_cast<std::uint64_t>(largest), width);
      bool all = true;
      for (std::int64_t x = -largest; x <= largest; ++x) all = all && digits_spell(x, digits);
      CHECK(all);
    }
  }
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  for (unsigned width = 1; width <= SignedDigits::kMaxWidth; ++width) {
    const SignedDigits digits(magnitude(kMin), width);
    for (const std::int64_t x : {kMin, kMin + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, kMax}) {
      CHECK(digits_spell(x, digits));
    }
  }
}

// Elements of a small square modulus, which are canonical, so that results compare word for word.
struct Elements {
  explicit Elements(const SquareModulus& square, std::size_t count)
      : modulus(square), words(count * square.stride()) {
    for (std::size_t i = 0; i < count; ++i) {
      modulus.import_value(at(i), bigint::Natural(1 + 7919 * i % 1000));
    }
  }
  Limb* at(std::size_t i) { return words.data() + i * modulus.stride(); }
  const SquareModulus& modulus;
  bigint::AlignedLimbs words;
};

void test_runs() {
  const SquareModulus modulus(bigint::Natural(1000003));
  Elements source(modulus, 300);
  for (const std::size_t count : {1, 2, 3, 64, 129, 5000}) {
    std::vector<std::uint32_t> operands(count);
    for (std::size_t i = 0; i < count; ++i) operands[i] = static_cast<std::uint32_t>(i * i % 300);
    bigint::AlignedLimbs expected(modulus.stride());
    modulus.set_one(expected.data());
    for (const std::uint32_t i : operands) modulus.mul(expected.data(), expected.data(), source.at(i));
    for (const int threads : {1, 2}) {
      set_thread_count(threads);
      Elements out(modulus, 40);
      std::vector<Run> runs;
      for (std::size_t r = 0; r < 40; ++r) {
        runs.push_back({source.at(0), operands.data(), count, out.at(r)});
      }
      multiply_runs(modulus, std::move(runs));
      for (std::size_t r = 0; r < 40; ++r) CHECK(modulus.equal(out.at(r), expected.data()));
    }
  }
  set_thread_count(0);
  Elements out(modulus, 1);
  multiply_runs(modulus, {{source.at(10), nullptr, 3, out.at(0)}});
  modulus.mul(source.at(10), source.at(10), source.at(11));
  modulus.mul(source.at(10), source.at(10), source.at(12));
  CHECK(modulus.equal(out.at(0), source.at(10)));
}

// Every grouping of the columns gives the sums that one column at a time gives.
void test_joint_sums() {
  const SquareModulus modulus(bigint::Natural(1000003));
  constexpr std::size_t kRows = 500, kColumns = 6, kRadix = 3;
  Elements source(modulus, kRows);
  const auto value = [](std::size_t row, std::size_t column) {
    return static_cast<std::uint32_t>((row * (column + 3) + row / 7) % (column == 5 ? 2 : kRadix));
  };
  const auto rows = [&](const ColumnGroup& group) {
    KeyedRows keyed;
    for (std::size_t i = 0; i < kRows; ++i) {
      std::uint32_t key = 0;
      for (std::size_t j = group.count; j-- > 0;) key = key * kRadix + value(i, group.first + j);
      keyed.keys.push_back(key);
      keyed.operands.push_back(static_cast<std::uint32_t>(i));
    }
    return keyed;
  };
  Elements expected(modulus, kColumns * kRadix);
  for (std::size_t i = 0; i < kColumns * kRadix; ++i) modulus.set_one(expected.at(i));
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      Limb* place = expected.at(c * kRadix + value(i, c));
      modulus.mul(place, place, source.at(i));
    }
  }
  for (const std::optional<std::uint32_t> ignored : {std::optional<std::uint32_t>{}, {1U}}) {
    for (std::size_t groups = 1; groups <= kColumns; ++groups) {
      Elements sums(modulus, kColumns * kRadix);
      std::vector<std::uint8_t> occupied(kColumns * kRadix);
      joint_sums(modulus, source.at(0), equal_groups(kColumns, groups), {kRadix, ignored, rows},
                 {sums.at(0), occupied.data()});
      for (std::size_t place = 0; place < occupied.size(); ++place) {
        if (ignored && place % kRadix == *ignored) continue;
        const bool possible = place != 5 * kRadix + 2;  // column 5 never has the value 2
        CHECK(occupied[place] == (possible ? 1 : 0));
        CHECK(!possible || modulus.equal(sums.at(place), expected.at(place)));
      }
    }
  }
  // A key no value has, as when the caller's matrix changes between its check and this: refused, not
  // followed.
  const auto wild = [&](const ColumnGroup&) { return KeyedRows{{0, kRadix}, {0, 1}}; };
  std::vector<std::uint8_t> occupied(kRadix);
  Elements sums(modulus, kRadix);
  const auto sum_wild = [&] {
    joint_sums(modulus, source.at(0), equal_groups(1, 1), {kRadix, {}, wild}, {sums.at(0), occupied.data()});
    return 0;
  };
  CHECK_THROWS(sum_wild(), ErrorCode::InvalidArgument);
}

void test_plan() {
  CHECK(plan_groups(1, 1, 32, 1 << 19).groups == 1);
  CHECK(plan_groups(0, 4, 32, 1 << 19).groups == 4);
  // Notes of measured joint bins: b = 32 pairs columns at 10^4 rows and takes three at 10^6.
  CHECK(plan_groups(10'000, 30, 32, 1 << 19).groups == 15);
  CHECK(plan_groups(1'000'000, 30, 32, 1 << 19).groups == 10);
  // The memory limit holds whatever the cost.
  CHECK(plan_groups(1'000'000, 30, 32, 1 << 12).groups == 15);
  CHECK(plan_groups(1'000'000, 30, 32, 1).groups == 30);
  for (std::size_t columns = 1; columns <= 12; ++columns) {
    for (std::size_t groups = 1; groups <= columns; ++groups) {
      const auto cut = equal_groups(columns, groups);
      std::size_t next = 0;
      for (const ColumnGroup& group : cut) {
        CHECK(group.first == next && group.count > 0);
        next += group.count;
      }
      CHECK(cut.size() == groups && next == columns);
    }
  }
}

}  // namespace

int main() {
  test_packing();
  test_fixed_point();
  test_signed_digits();
  test_runs();
  test_joint_sums();
  test_plan();
  return check::finish("aggregate");
}
