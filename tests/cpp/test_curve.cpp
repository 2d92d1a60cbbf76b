// The field, the scalars and the ristretto255 maps, below what Python can reach.

#include <array>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/curve/ristretto255.hpp"
#include "isthmus/curve/scalar25519.hpp"
#include "isthmus/field/fp25519.hpp"
#include "vectors.hpp"

using namespace isthmus;

namespace {

using vectors::Bytes;
using vectors::from_hex;
using vectors::values_of;

std::mt19937_64 generator(20240229);  // NOLINT: the same test every time

Fp25519 random_element() {
  return Fp25519::from_words({generator(), generator(), generator(), generator() >> 1});
}

// Elements whose representation is as large as the contract lets products and squares see.
Fp25519 random_loose() {
  Fp25519 a;
  for (auto& limb : a.limb) limb = (generator() & 3) == 0 ? (std::uint64_t{1} << 54) - 1 : generator() >> 10;
  return a;
}

bool same(const Fp25519& a, const Fp25519& b) { return ct_equal(a, carry(b)) != 0; }

Bytes bytes_of(const Fp25519& a) {
  Bytes out(32);
  a.to_bytes(out.data());
  return out;
}

void check_field() {
  for (int round = 0; round < 2000; ++round) {
    const Fp25519 a = random_loose(), b = random_loose(), c = random_element();
    CHECK(same(a * b, b * a));
    CHECK(same(square(a), a * a));
    CHECK(same((a * b) * c, a * (b * c)));
    CHECK(same(carry(a) * c + carry(b) * c, carry(carry(a) + carry(b)) * c));
    CHECK(same((carry(a) - carry(b)) * c, a * c - b * c));
    CHECK(same(-c + c, Fp25519::zero()));
    CHECK(bytes_of(carry(a)) == bytes_of(a));
    for (const std::uint64_t limb : (a * b).limb) CHECK(limb < (std::uint64_t{1} << 51) + (1 << 15));
    CHECK(bytes_of(Fp25519::from_bytes(bytes_of(a).data())) == bytes_of(a));
  }
  for (int i = 0; i < 20; ++i) {
    const Fp25519 a = random_loose();
    CHECK(same(a * invert(a), Fp25519::one()));
  }
  CHECK(same(square(kSqrtMinusOne), -Fp25519::one()));
  CHECK(same(edwards25519::kD * Fp25519::from_words({121666, 0, 0, 0}),
             -Fp25519::from_words({121665, 0, 0, 0})));
  CHECK(same(edwards25519::kD + edwards25519::kD, edwards25519::kTwoD));
}

// p + k reads as k, and p - k as -k, for the values around p that fit 255 bits.
void check_reduction_around_p() {
  for (std::uint64_t k = 0; k < 19; ++k) {
    const Fp25519 p_plus_k = Fp25519::from_words(
        {0xffffffffffffffed + k, ~std::uint64_t{0}, ~std::uint64_t{0}, 0x7fffffffffffffff});
    const Fp25519 small = Fp25519::from_words({k, 0, 0, 0});
    CHECK(bytes_of(p_plus_k) == bytes_of(small));
    CHECK(bytes_of(carry(-small)) == bytes_of(p_plus_k - (small + small)));
    CHECK((is_zero(p_plus_k) != 0) == (k == 0));
    CHECK((is_negative(p_plus_k) != 0) == (k % 2 == 1));
  }
}

void check_batch_invert() {
  for (const std::size_t n : {0, 1, 2, 7}) {
    std::vector<Fp25519> values(n), expected(n), scratch(n);
    for (std::size_t i = 0; i < n; ++i) {
      values[i] = i == 3 ? Fp25519::zero() : random_element();
      expected[i] = invert(values[i]);
    }
    batch_invert<Fp25519>(values, scratch);
    for (std::size_t i = 0; i < n; ++i) CHECK(same(values[i], expected[i]));
  }
}

void check_square_roots(const std::string& json) {
  const auto us = values_of(json, "u"), vs = values_of(json, "v"), rs = values_of(json, "r");
  CHECK(us.size() == 6 && vs.size() == 6 && rs.size() == 6);
  const std::array<bool, 6> was_square = {true, true, false, false, true, true};
  for (std::size_t i = 0; i < us.size(); ++i) {
    const auto result = sqrt_ratio_m1(Fp25519::from_bytes(from_hex(us[i]).data()),
                                      Fp25519::from_bytes(from_hex(vs[i]).data()));
    CHECK((result.was_square != 0) == was_square[i]);
    CHECK(bytes_of(result.root) == from_hex(rs[i]));
  }
}

void check_one_way_map(const std::string& json) {
  const auto inputs = values_of(json, "input"), outputs = values_of(json, "output");
  CHECK(inputs.size() == 11 && outputs.size() == 11);
  scalar25519::Bytes one{1};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Bytes element(32), multiplied(32);
    ristretto255::map(from_hex(inputs[i]).data(), 1, element.data());
    CHECK(element == from_hex(outputs[i]));
    // Multiplying by one goes through the batched encoding, which must agree with the direct one.
    ristretto255::map_mult(one.data(), from_hex(inputs[i]).data(), 1, multiplied.data());
    CHECK(multiplied == element);
  }
}

// The map yields the identity for input zero twice: 0 + 0. Both encodings must give its 32 zero bytes, and an
// identity in a batch must not disturb its neighbours' shared inversion.
void check_identity_in_a_batch() {
  Bytes uniform(3 * 64), together(3 * 32), alone(32);
  for (std::size_t i = 0; i < 64; ++i) uniform[i] = static_cast<std::uint8_t>(generator());
  for (std::size_t i = 128; i < 192; ++i) uniform[i] = static_cast<std::uint8_t>(generator());
  scalar25519::Bytes scalar{};
  scalar[0] = 77;
  ristretto255::map(uniform.data() + 64, 1, alone.data());
  CHECK(alone == Bytes(32, 0));
  ristretto255::map_mult(scalar.data(), uniform.data(), 3, together.data());
  CHECK(Bytes(together.begin() + 32, together.begin() + 64) == Bytes(32, 0));
  for (const std::size_t i : {0, 2}) {
    ristretto255::map_mult(scalar.data(), uniform.data() + 64 * i, 1, alone.data());
    CHECK(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<std::ptrdiff_t>(32 * i)));
  }
}

// One bit at a time: the slow way to reduce 512 bits.
Bytes reduce_slowly(const Bytes& wide) {
  const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::vector<int> r(33, 0);
  for (int bit = 511; bit >= 0; --bit) {
    int carry_in = (wide[static_cast<std::size_t>(bit / 8)] >> (bit % 8)) & 1;
    for (int& byte : r) {
      byte = 2 * byte + carry_in;
      carry_in = byte >> 8;
      byte &= 255;
    }
    std::vector<int> d(33, 0);
    int borrow = 0;
    for (std::size_t i = 0; i < 33; ++i) {
      d[i] = r[i] - (i < 32 ? order[i] : 0) - borrow;
      borrow = d[i] < 0 ? 1 : 0;
      d[i] += 256 * borrow;
    }
    if (borrow == 0) r = d;
  }
  return {r.begin(), r.begin() + 32};
}

void check_scalars() {
  for (int round = 0; round < 60; ++round) {
    Bytes wide(64);
    for (auto& byte : wide) byte = round == 0 ? 255 : static_cast<std::uint8_t>(generator());
    if (round == 1) wide.assign(64, 0);
    Bytes a(32), half(32), inverse(32), product(32), two(32, 0);
    scalar25519::reduce_wide(wide.data(), a.data());
    CHECK(a == reduce_slowly(wide));
    CHECK(scalar25519::is_canonical(a.data()));
    two[0] = 2;
    scalar25519::halve(a.data(), half.data());
    CHECK(scalar25519::is_canonical(half.data()));
    scalar25519::mul(half.data(), two.data(), product.data());
    CHECK(product == a);
    scalar25519::invert(a.data(), inverse.data());
    scalar25519::mul(a.data(), inverse.data(), product.data());
    Bytes expected(32, 0);
    expected[0] = round == 1 ? 0 : 1;
    CHECK(product == expected);
  }
  Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  CHECK(!scalar25519::is_canonical(order.data()));
  order[0] -= 1;
  CHECK(scalar25519::is_canonical(order.data()));
}

// Every digit value in every position, against the sum that the digits stand for.
void check_digits() {
  for (int round = 0; round < 100; ++round) {
    Bytes scalar(32);
    for (auto& byte : scalar) byte = static_cast<std::uint8_t>(round == 0 ? 0x88 : generator());
    scalar[31] &= 0x0f;
    const edwards25519::ScalarDigits digits(scalar.data(), 1, 0);
    std::vector<int> sum(33, 0);
    for (std::size_t i = 0; i < digits.kCount; ++i) {
      const int magnitude = digits.magnitude(i)[0];
      CHECK(magnitude <= 8);
      sum[i / 2] += (digits.negative(i)[0] != 0 ? -magnitude : magnitude) * (i % 2 == 0 ? 1 : 16);
    }
    for (std::size_t i = 0; i < 32; ++i) {
      const int low = ((sum[i] % 256) + 256) % 256;
      sum[i + 1] += (sum[i] - low) / 256;
      CHECK(low == scalar[i]);
    }
    CHECK(sum[32] == 0);
  }
}

// The group's laws where only C++ reaches: sums, scalars and proofs.
void check_group() {
  const Group& group = find_group("ristretto255");
  const std::size_t n = 300;
  Bytes points(n * 32), each(points.size()), back(points.size()), sum(32);
  for (std::size_t i = 0; i < n; ++i) {
    Bytes uniform(64);
    for (auto& byte : uniform) byte = static_cast<std::uint8_t>(generator());
    ristretto255::map(uniform.data(), 1, points.data() + i * 32);
  }
  const Scalars scalars = group.random_scalars(n);
  group.mult_each(scalars, points, each);
  group.mult_each(scalars.inverses(), each, back);
  CHECK(back == points);
  // The sum of s[i] P[i] less the sum of the products, each times one, is the identity.
  const Bytes minus_one = from_hex("ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Bytes factors(scalars.bytes().begin(), scalars.bytes().end()), all = points;
  for (std::size_t i = 0; i < n; ++i) factors.insert(factors.end(), minus_one.begin(), minus_one.end());
  all.insert(all.end(), each.begin(), each.end());
  group.linear_combination_vartime(factors, all, sum);
  CHECK(sum == Bytes(32, 0));
  // response = nonce - challenge key, so response G + challenge (key G) = nonce G.
  const Scalar nonce = group.random_scalar(), key = group.random_scalar();
  const Bytes base(group.generator().begin(), group.generator().end());
  Bytes challenge(32, 0), response(32), public_key(32), commitment(32);
  challenge[0] = 77;
  group.proof_response(nonce, challenge, key, response);
  group.mult(key, base, public_key);
  group.mult(nonce, base, commitment);
  Bytes two = response, pair = base;
  two.insert(two.end(), challenge.begin(), challenge.end());
  pair.insert(pair.end(), public_key.begin(), public_key.end());
  group.linear_combination_vartime(two, pair, sum);
  CHECK(sum == commitment);
  group.proof_response(key, minus_one, nonce, response);  // key + nonce
  group.proof_response(group.scalar(response), Bytes(32, 0), nonce, sum);
  CHECK(sum == response);
  CHECK_THROWS(group.scalars(Bytes(64, 0)), ErrorCode::InvalidArgument);
  points[32 + 31] = 255;
  CHECK_THROWS(group.linear_combination_vartime(scalars.bytes(), points, sum), ErrorCode::PointEncoding);
}

void check_refusals() {
  const Group& group = find_group("ristretto255");
  const Scalar scalar = group.random_scalar();
  Bytes uniform(64, 9), point(32), out(32);
  ristretto255::map(uniform.data(), 1, point.data());
  group.mult(scalar, point, out);
  CHECK(point != out);
  CHECK_THROWS(group.mult(scalar, ByteSpan(point).first(31), MutableByteSpan(out).first(31)),
               ErrorCode::PointEncoding);
  CHECK_THROWS(group.mult(scalar, Bytes(32, 0), out), ErrorCode::PointInvalid);
  CHECK_THROWS(group.mult(scalar, Bytes(32, 255), out), ErrorCode::PointEncoding);
  CHECK_THROWS(find_group("P-257"), ErrorCode::InvalidArgument);
  CHECK_THROWS(group.scalar(Bytes(32, 0)), ErrorCode::InvalidArgument);
}

}  // namespace

int main() {
  const std::string json = vectors::read("rfc9496/ristretto255.json");
  check_field();
  check_reduction_around_p();
  check_batch_invert();
  check_square_roots(json);
  check_one_way_map(json);
  check_identity_in_a_batch();
  check_scalars();
  check_digits();
  check_group();
  check_refusals();
  return check::finish("curve");
}
