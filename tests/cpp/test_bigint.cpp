#include <algorithm>
#include <array>
#include <cstdint>

#include "check.hpp"
#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/bigint/prime.hpp"
#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/core/error.hpp"

using namespace isthmus;
using namespace isthmus::bigint;

namespace {

Natural residue(const Natural& x, const Natural& m) { return divide_vartime(x, m).remainder; }

void test_natural() {
  const Natural zero, one(1), big = Natural::power_of_two(200);
  CHECK(zero.is_zero() && zero.bit_length() == 0 && zero < one);
  CHECK(big.bit_length() == 201 && big.bit(200) && !big.bit(199) && big > one);
  CHECK((big - one) + one == big);
  CHECK((big >> 137) << 137 == big && (big >> 201).is_zero());
  CHECK((big - one) * (big + one) == big * big - one);
  CHECK(square_root_vartime(big * big - one) == big - one);
  const auto [quotient, rest] = divide_vartime(big * big, big - one);
  CHECK(quotient == big + one && rest == one);
  CHECK(remainder(big * big, big - one) == one);
  CHECK_THROWS(one - big, ErrorCode::InvalidArgument);
  CHECK_THROWS(divide_vartime(one, zero), ErrorCode::InvalidArgument);
  const std::array<std::uint8_t, 10> bytes = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
  const Natural x = Natural::from_bytes(bytes);
  CHECK(x == Natural(0x0102030405060708));
  std::array<std::uint8_t, 10> back{};
  x.to_bytes(back);
  CHECK(back == bytes);
  CHECK_THROWS(x.to_bytes(MutableByteSpan(back).first(7)), ErrorCode::InvalidArgument);
}

// The pair form against plain integers, for a modulus of each length that keys use.
void test_pairs(std::size_t bits) {
  const Natural one(1), m = Natural::random_bits(bits - 1) * Natural(2) + one;
  const SquareModulus modulus(m);
  const Natural m2 = m * m;
  AlignedLimbs x(modulus.stride()), y(modulus.stride()), z(modulus.stride());
  for (const Natural& a : {Natural(), one, m, m2 - one, Natural::random_below(m2)}) {
    const Natural b = Natural::random_below(m2);
    modulus.import_value(x.data(), a);
    modulus.import_value(y.data(), b);
    CHECK(modulus.export_value(x.data()) == a);
    modulus.mul(z.data(), x.data(), y.data());
    CHECK(modulus.export_value(z.data()) == residue(a * b, m2));
    modulus.sqr(z.data(), x.data());
    CHECK(modulus.export_value(z.data()) == residue(a * a, m2));
    modulus.mul(x.data(), x.data(), x.data());  // in place
    CHECK(modulus.equal(x.data(), z.data()));
    modulus.sub(z.data(), x.data(), y.data());
    CHECK(modulus.export_value(z.data()) == residue(residue(a * a, m2) + m2 - b, m2));
    const Natural e = Natural::random_bits(40);
    modulus.pow(z.data(), y.data(), 1, e.limbs(), 40);
    modulus.pow_vartime(x.data(), y.data(), e.limbs());
    CHECK(modulus.equal(x.data(), z.data()));
  }
}

void test_inverses_and_tables() {
  const Natural p = random_prime_3_mod_4(512, [](const Natural&) { return true; });
  const Natural m = p * Natural(0xffffffffffffffc5);
  const SquareModulus modulus(m);
  constexpr std::size_t kCount = 5;
  AlignedLimbs in(kCount * modulus.stride()), out(kCount * modulus.stride()), one(modulus.stride());
  const auto at = [&](AlignedLimbs& rows, std::size_t i) { return rows.data() + i * modulus.stride(); };
  for (std::size_t i = 0; i < kCount; ++i) modulus.import_value(at(in, i), Natural(i + 2));
  modulus.invert(out.data(), in.data(), kCount);
  modulus.set_one(one.data());
  for (std::size_t i = 0; i < kCount; ++i) {
    modulus.mul(at(out, i), at(out, i), at(in, i));
    CHECK(modulus.equal(at(out, i), one.data()));
  }
  CHECK(modulus.find_non_unit(in.data(), kCount) == kCount);
  modulus.import_value(at(in, 3), p);
  CHECK(modulus.find_non_unit(in.data(), kCount) == 3);
  CHECK_THROWS(modulus.invert(out.data(), in.data(), kCount), ErrorCode::CiphertextNotUnit);

  const WindowPlan plan = FixedBaseTable::best_plan(modulus, 100, std::size_t{1} << 17, 1000);
  const FixedBaseTable table(modulus, in.data(), 100, plan);
  const std::array<Limb, 4> exponents = {12345, 0, ~Limb{0}, (Limb{1} << 36) - 1};
  table.pow_vartime(out.data(), exponents.data(), 2);
  for (std::size_t i = 0; i < 2; ++i) {
    modulus.pow_vartime(one.data(), in.data(), LimbSpan(exponents).subspan(2 * i, 2));
    CHECK(modulus.equal(at(out, i), one.data()));
  }
}

void test_gcd() {
  const Natural a = Natural::random_bits(900), b = Natural::random_bits(899) * Natural(2) + Natural(1);
  const Natural g = Natural::random_bits(99) * Natural(2) + Natural(1);
  const Natural gcd = gcd_odd(a * g, b * g);
  CHECK(residue(gcd, g).is_zero() && residue(a * g, gcd).is_zero() && residue(b * g, gcd).is_zero());
  const auto x = inverse(Natural(3), Natural::power_of_two(521) - Natural(1));
  CHECK(x && residue(*x * Natural(3), Natural::power_of_two(521) - Natural(1)) == Natural(1));
  CHECK(!inverse(Natural(6), Natural(9)));
  CHECK_THROWS(inverse(Natural(5), Natural(8)), ErrorCode::InvalidArgument);
}

void test_primes() {
  const Natural mersenne = Natural::power_of_two(521) - Natural(1);
  CHECK(is_probable_prime(mersenne, 5));
  CHECK(!is_probable_prime(mersenne * mersenne, 5) && !is_probable_prime(mersenne - Natural(2), 5));
  CHECK(is_probable_prime(Natural(2), 1) && is_probable_prime(Natural(65537), 1));
  CHECK(!is_probable_prime(Natural(), 1) && !is_probable_prime(Natural(1), 1));
  const Natural p = random_prime_3_mod_4(512, [](const Natural& c) { return c.bit(100); });
  CHECK(p.bit_length() == 512 && p.bit(510) && p.bit(100) && p.bit(1) && p.is_odd());
  CHECK(has_small_factor(p * Natural(1048573)) && !has_small_factor(p));
}

}  // namespace

int main() {
  test_natural();
  for (const std::size_t bits : {64, 1024, 1536, 2048, 3072, 4096}) test_pairs(bits);
  test_inverses_and_tables();
  test_gcd();
  test_primes();
  CHECK_THROWS(Modulus(Natural(10)), ErrorCode::InvalidArgument);
  CHECK_THROWS(Modulus(Natural::power_of_two(8192) + Natural(1)), ErrorCode::InvalidArgument);
  return check::finish("bigint");
}
