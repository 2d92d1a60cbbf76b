// Tables that grow with their use.

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "../../cpp/src/paillier/growing_table.hpp"
#include "check.hpp"
#include "isthmus/bigint/prime.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

using namespace isthmus;
using namespace isthmus::bigint;
using namespace isthmus::paillier;

namespace {

constexpr std::size_t kExponentBits = 300;
constexpr std::size_t kExponentLimbs = 5;

Natural random_modulus() {
  const auto prime = [] { return random_prime_3_mod_4(512, [](const Natural&) { return true; }); };
  return prime() * prime();
}

// base^exponent as the table says and as plain exponentiation says.
template <class Table>
bool agrees(const SquareModulus& modulus, const Table& table, const Natural& base) {
  const Natural exponent = Natural::random_bits(kExponentBits);
  AlignedLimbs limbs(kExponentLimbs), out(modulus.stride()), expected(modulus.stride());
  exponent.copy_to(limbs);
  if constexpr (std::is_same_v<Table, FixedBaseTable>) {
    table.pow_vartime(out.data(), limbs.data(), 1);
  } else {
    table.pow(out.data(), limbs.data(), 1);
  }
  modulus.import_value(expected.data(), base);
  modulus.pow_vartime(expected.data(), expected.data(), exponent.limbs());
  return modulus.equal(out.data(), expected.data());
}

template <class Table>
void test_growth(const SquareModulus& modulus) {
  const Natural base = Natural::random_below(modulus.value());
  GrowingTable<Table> powers(modulus, base, kExponentBits, 1);
  const auto first = powers.table_for(1);
  CHECK(agrees(modulus, *first, base));
  CHECK(powers.announce(1) == first);
  CHECK(powers.announce(1) == first);
  std::size_t bytes = first->bytes(), rebuilt = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    const auto before = powers.table_for(1);
    const auto table = powers.announce(std::size_t{1} << i);
    rebuilt += table != before ? 1 : 0;
    CHECK(table->bytes() >= bytes);
    bytes = table->bytes();
    CHECK(powers.table_for(1) == table);
  }
  CHECK(rebuilt >= 2);
  CHECK(rebuilt <= 6);  // at most once in four doublings, and to begin with
  const auto large = powers.announce(std::size_t{1} << 50);
  CHECK(agrees(modulus, *large, base));
  CHECK(large->bytes() <= table_bytes());
  CHECK(powers.announce(std::size_t{1} << 50) == large);
  CHECK(agrees(modulus, *first, base));  // whoever still holds it may use it
}

void test_budget(const SquareModulus& modulus) {
  const std::size_t before = table_bytes();
  const Natural base(3);
  std::size_t last = 0;
  for (const std::size_t budget : {kLeastTableBytes, std::size_t{1} << 20, std::size_t{4} << 20}) {
    set_table_bytes(budget);
    for (const std::size_t share : {std::size_t{1}, std::size_t{2}}) {
      GrowingTable<FixedBaseTable> powers(modulus, base, kExponentBits, share);
      const auto table = powers.announce(1 << 20);
      CHECK(table->bytes() <= budget / share);
      CHECK(agrees(modulus, *table, base));
      if (share == 1) {
        CHECK(table->bytes() > last);
        last = table->bytes();
      }
    }
  }
  set_table_bytes(before);
  CHECK_THROWS((set_table_bytes(kLeastTableBytes - 1), 0), ErrorCode::InvalidArgument);
}

// Keys beyond those that the process has memory for get the least, until others are gone.
void test_process_budget(const SquareModulus& modulus) {
  const std::size_t before = table_bytes(), elsewhere = reserved_table_bytes();
  constexpr std::size_t kBudget = std::size_t{1} << 20, kUses = 1 << 20;
  set_table_bytes(kBudget);
  std::vector<std::unique_ptr<GrowingTable<FixedBaseTable>>> keys;
  const auto add_key = [&] {
    const Natural base(keys.size() + 2);
    keys.push_back(std::make_unique<GrowingTable<FixedBaseTable>>(modulus, base, kExponentBits, 1));
    const auto table = keys.back()->announce(kUses);
    CHECK(agrees(modulus, *table, base));
    return table->bytes();
  };
  const std::size_t full = add_key();
  CHECK(full > kBudget / 2);
  for (std::size_t bytes = full; bytes > kLeastTableBytes;) bytes = add_key();
  CHECK(keys.size() > kKeysWithTables);
  CHECK(add_key() <= kLeastTableBytes);
  CHECK(reserved_table_bytes() <= kKeysWithTables * kBudget + keys.size() * kLeastTableBytes);
  CHECK(keys[0]->announce(kUses << 10)->bytes() == full);  // a table at its size does not lose it
  keys.erase(keys.begin(), keys.begin() + 4);
  CHECK(add_key() == full);
  keys.clear();
  CHECK(reserved_table_bytes() == elsewhere);
  set_table_bytes(before);
}

void test_threads(const SquareModulus& modulus) {
  const Natural base(65537);
  GrowingTable<FixedBaseTable> powers(modulus, base, kExponentBits, 1);
  std::array<bool, 4> good{};
  std::vector<std::thread> threads;
  for (bool& mine : good) {
    threads.emplace_back([&] {
      mine = true;
      for (std::size_t i = 0; i < 8; ++i) {
        mine = mine && agrees(modulus, *powers.announce(std::size_t{1} << i), base);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const bool mine : good) CHECK(mine);
}

// A table that cannot be built is an error, every time.
void test_failure(const SquareModulus& modulus) {
  GrowingTable<FixedBaseTable> powers(modulus, Natural(), kExponentBits, 1);  // 0 is no unit
  for (std::size_t i = 0; i < 2; ++i) CHECK_THROWS(powers.announce(5), ErrorCode::CiphertextNotUnit);
}

}  // namespace

int main() {
  set_thread_count(2);
  const SquareModulus modulus(random_modulus());
  test_growth<FixedBaseTable>(modulus);
  test_growth<MaskedBaseTable>(modulus);
  test_budget(modulus);
  test_process_budget(modulus);
  test_failure(modulus);
  const AlignedLimbs base(modulus.stride(), 1);
  for (const unsigned window : {3U, 8U}) {
    CHECK_THROWS(MaskedBaseTable(modulus, base.data(), window, WindowPlan{window, 1, 1}),
                 ErrorCode::InvalidArgument);
  }
  set_thread_count(1);
  test_threads(modulus);
  return check::finish("growing_table");
}
