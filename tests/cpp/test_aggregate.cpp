// The parts of the aggregate layer that need no key: bounds, digits, grouping and the product kernel.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "isthmus/aggregate/fixed_point.hpp"
#include "isthmus/aggregate/grouping.hpp"
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
struct Values {
  explicit Values(const SquareModulus& square, std::size_t count)
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
  Values source(modulus, 300);
  for (const std::size_t count : {1, 2, 3, 64, 129, 5000}) {
    std::vector<std::uint32_t> operands(count);
    for (std::size_t i = 0; i < count; ++i) operands[i] = static_cast<std::uint32_t>(i * i % 300);
    bigint::AlignedLimbs expected(modulus.stride());
    modulus.set_one(expected.data());
    for (const std::uint32_t i : operands) modulus.mul(expected.data(), expected.data(), source.at(i));
    for (const int threads : {1, 2}) {
      set_thread_count(threads);
      Values out(modulus, 40);
      std::vector<Run> runs;
      for (std::size_t r = 0; r < 40; ++r) {
        runs.push_back({{source.at(0), modulus.stride()}, operands.data(), count, out.at(r)});
      }
      multiply_runs(modulus, std::move(runs));
      for (std::size_t r = 0; r < 40; ++r) CHECK(modulus.equal(out.at(r), expected.data()));
    }
  }
  set_thread_count(0);
  const std::vector<const Limb*> list{source.at(10), source.at(7), source.at(299)};
  const std::vector<std::uint32_t> backwards{2, 0};
  Values out(modulus, 1);
  multiply_runs(modulus, {{{nullptr, 0, list.data()}, backwards.data(), 2, out.at(0)}});
  modulus.mul(source.at(10), source.at(299), source.at(10));
  CHECK(modulus.equal(out.at(0), source.at(10)));
}

void test_group_by_key() {
  std::vector<std::uint32_t> operands(3000), keys(3000);
  for (const std::size_t key_count : {std::size_t{7}, std::size_t{1} << 14, std::size_t{0xffffffff}}) {
    std::iota(operands.begin(), operands.end(), 0U);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = static_cast<std::uint32_t>(i * i * 2654435761U % key_count);
    }
    const Segments segments = group_by_key(keys, operands, key_count);
    CHECK(segments.starts.size() == segments.size() + 1 && segments.starts.back() == keys.size());
    bool all = true;
    for (std::size_t s = 0; s < segments.size(); ++s) {
      all = all && segments.length(s) > 0 && (s == 0 || segments.keys[s - 1] < segments.keys[s]);
      for (std::size_t i = segments.starts[s]; i < segments.starts[s + 1]; ++i) {
        all = all && keys[segments.operands[i]] == segments.keys[s];
        all = all && (i == segments.starts[s] || segments.operands[i - 1] < segments.operands[i]);
      }
    }
    CHECK(all);
  }
  CHECK(group_by_key({}, {}, 10).size() == 0);
}

// Columns whose labels a function gives.
class TestColumns final : public LabelColumns {
 public:
  using Label = std::uint32_t (*)(std::size_t row, std::size_t column);

  TestColumns(std::size_t rows, std::vector<std::uint32_t> column_radices, Label label)
      : rows_(rows), label_(label) {
    radices = std::move(column_radices);
    ignored.assign(radices.size(), kNoLabel);
  }

  std::size_t rows() const noexcept override { return rows_; }

  KeyedRows keyed_rows(const ColumnGroup& group) const override {
    KeyedRows keyed;
    for (std::size_t i = 0; i < rows_; ++i) {
      std::uint32_t key = 0;
      for (std::size_t j = group.size(); j-- > 0;) key = key * radices[group[j]] + label_(i, group[j]);
      keyed.keys.push_back(key);
      keyed.operands.push_back(static_cast<std::uint32_t>(i));
    }
    return keyed;
  }

  LabelSample sample(std::span<const std::uint32_t> positions) const override {
    LabelSample sample{positions.size(), {}};
    for (std::size_t c = 0; c < columns(); ++c) {
      for (const std::uint32_t i : positions) sample.labels.push_back(label_(i, c));
    }
    return sample;
  }

 private:
  std::size_t rows_;
  Label label_;
};

constexpr std::uint32_t kRadix = 3;

std::uint32_t mixed_label(std::size_t row, std::size_t column) {
  return static_cast<std::uint32_t>((row * (column + 3) + row / 7) % (column == 5 ? 2 : kRadix));
}

// Groups of size `size`, of columns that are not neighbours.
std::vector<ColumnGroup> scattered_groups(std::size_t columns, std::size_t size) {
  std::vector<ColumnGroup> groups((columns + size - 1) / size);
  for (std::size_t c = 0; c < columns; ++c)
    groups[c % groups.size()].push_back(static_cast<std::uint32_t>(c));
  return groups;
}

// Every grouping of the columns gives the sums that one column at a time gives, in every plane.
void test_joint_sums() {
  const SquareModulus modulus(bigint::Natural(1000003));
  constexpr std::size_t kRows = 500, kColumns = 6, kPlanes = 2, kPlaneSize = kColumns * kRadix;
  Values source(modulus, kPlanes * kRows);
  Values expected(modulus, kPlanes * kPlaneSize);
  for (std::size_t i = 0; i < kPlanes * kPlaneSize; ++i) modulus.set_one(expected.at(i));
  for (std::size_t i = 0; i < kRows * kPlanes; ++i) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      Limb* place = expected.at(i % kPlanes * kPlaneSize + c * kRadix + mixed_label(i / kPlanes, c));
      modulus.mul(place, place, source.at(i));
    }
  }
  TestColumns columns(kRows, std::vector<std::uint32_t>(kColumns, kRadix), mixed_label);
  const auto place = [](std::uint32_t c, std::uint32_t label) { return c * kRadix + label; };
  for (const std::uint32_t ignored : {kNoLabel, 1U}) {
    columns.ignored.assign(kColumns, ignored);
    for (std::size_t size = 1; size <= kColumns; ++size) {
      Values sums(modulus, kPlanes * kPlaneSize);
      std::vector<std::uint8_t> occupied(kPlaneSize);
      joint_sums(modulus, {source.at(0), kPlanes}, scattered_groups(kColumns, size), columns,
                 {sums.at(0), kPlaneSize, occupied.data(), place});
      for (std::size_t i = 0; i < kPlanes * kPlaneSize; ++i) {
        if (i % kRadix == ignored) continue;
        const bool possible = i % kPlaneSize != 5 * kRadix + 2;  // column 5 never has the value 2
        CHECK(occupied[i % kPlaneSize] == (possible ? 1 : 0));
        CHECK(!possible || modulus.equal(sums.at(i), expected.at(i)));
      }
    }
  }
  // A key no label has, as when the caller's matrix changes between its check and this: refused, not
  // followed.
  TestColumns wild(2, {kRadix}, [](std::size_t row, std::size_t) { return row == 0 ? 0U : kRadix; });
  std::vector<std::uint8_t> occupied(kRadix);
  Values sums(modulus, kRadix);
  const auto sum_wild = [&] {
    joint_sums(modulus, {source.at(0), 1}, scattered_groups(1, 1), wild,
               {sums.at(0), kRadix, occupied.data(), place});
    return 0;
  };
  CHECK_THROWS(sum_wild(), ErrorCode::InvalidArgument);
}

// The splitmix64 finaliser: labels that look independent.
std::uint64_t scrambled(std::uint64_t x) {
  x = (x + 1) * 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

std::uint32_t uniform_label(std::size_t row, std::size_t column) {
  return static_cast<std::uint32_t>(scrambled(row * 64 + column) % 32);
}

std::size_t groups_for(std::size_t rows, std::size_t max_cells) {
  return plan_groups(TestColumns(rows, std::vector<std::uint32_t>(30, 32), uniform_label), max_cells)
      .groups.size();
}

void test_plan() {
  // Notes of measured joint bins: b = 32 pairs columns at 10^4 rows and takes three at 10^6.
  CHECK(groups_for(10'000, 1 << 19) == 15);
  CHECK(groups_for(1'000'000, 1 << 19) == 10);
  // The memory limit holds whatever the cost.
  CHECK(groups_for(1'000'000, 1 << 12) == 15);
  CHECK(groups_for(1'000'000, 1) == 30);
  CHECK(groups_for(1, 1 << 19) <= 30);
  CHECK(groups_for(0, 1 << 19) <= 30);
  CHECK(uniform_products(1'000'000, 30, 32, 1 << 19) == 10 * joint_products(1'000'000, 3, 32));
  CHECK(uniform_products(1'000'000, 30, 32, 1) == 30 * joint_products(1'000'000, 1, 32));

  // Columns that say the same go together, however many keys they could have: c and c + 6 here.
  const auto twins = [](std::size_t row, std::size_t column) {
    const std::uint32_t label = uniform_label(row, column % 6);
    return column < 6 ? label : 31 - label;
  };
  const TestColumns columns(100'000, std::vector<std::uint32_t>(12, 32), twins);
  const GroupingPlan plan = plan_groups(columns, 1 << 19);
  std::size_t split_twins = 0;
  for (const ColumnGroup& group : plan.groups) {
    for (const std::uint32_t c : group) {
      split_twins += std::count(group.begin(), group.end(), (c + 6) % 12) == 0 ? 1 : 0;
    }
  }
  CHECK(split_twins == 0 && plan.groups.size() <= 3);

  // Every column lies in one group, and narrow columns fill groups that wide ones would overflow.
  const auto narrow = [](std::size_t row, std::size_t column) {
    return uniform_label(row, column) % (column < 20 ? 2 : 32);
  };
  std::vector<std::uint32_t> radices(24, 2);
  std::fill(radices.begin() + 20, radices.end(), 32);
  const GroupingPlan few = plan_groups(TestColumns(100'000, radices, narrow), 1 << 19);
  CHECK(few.groups.size() <= 4);
  std::vector<std::uint32_t> all;
  for (const ColumnGroup& group : few.groups) all.insert(all.end(), group.begin(), group.end());
  std::sort(all.begin(), all.end());
  CHECK(all.size() == 24 && all.back() == 23 && std::adjacent_find(all.begin(), all.end()) == all.end());
}

}  // namespace

int main() {
  test_packing();
  test_fixed_point();
  test_signed_digits();
  test_runs();
  test_group_by_key();
  test_joint_sums();
  test_plan();
  return check::finish("aggregate");
}
