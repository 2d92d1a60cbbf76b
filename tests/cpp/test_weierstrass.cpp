// P-256 and SM2: every backend that this CPU can run against the portable kernels, byte for byte, and the
// group's laws where only C++ reaches.

#include <algorithm>
#include <random>
#include <vector>

#include "../../cpp/src/curve/backend/weierstrass_kernels.hpp"
#include "check.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/curve/weierstrass.hpp"

using namespace isthmus;
using weierstrass::CurveKernels;
using weierstrass::kElementBytes;
using weierstrass::Kernels;
using weierstrass::SignedDigits;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::mt19937_64 generator(256);  // NOLINT: the same test every time

Bytes random_bytes_of(std::size_t n) {
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(generator());
  return bytes;
}

// The integer k, or the order less k.
template <class Curve>
Bytes scalar_of(std::uint64_t k, bool from_order) {
  Words256 value = {k, 0, 0, 0};
  if (from_order) fp256::subtract(Curve::kOrder, {k, 0, 0, 0}, value);
  Bytes bytes(32);
  fp256::store_be(bytes.data(), value);
  return bytes;
}

// Valid points with encodings among them that must be refused.
template <class Curve>
Bytes mixed_points(std::size_t n) {
  Bytes points(n * kElementBytes);
  weierstrass::map<Curve>(random_bytes_of(n * 96).data(), n, points.data());
  for (std::size_t i = 0; i < n; ++i) {
    std::uint8_t* point = points.data() + i * kElementBytes;
    if (i % 7 == 2) point[0] = static_cast<std::uint8_t>(generator() % 8);
    if (i % 7 == 4) point[32] ^= 1;
    if (i % 7 == 6) std::fill_n(point + 1, 32, std::uint8_t{255});
  }
  return points;
}

template <class Curve>
void check_backend(const Kernels& kernels, const Kernels& oracle) {
  for (const std::size_t n : {1, 3, 4, 5, 7, 8, 9, 16, 33}) {
    Bytes uniform = random_bytes_of(n * 96);
    if (n > 4) std::copy_n(uniform.begin() + 96 * 2, 48, uniform.begin() + 96 * 2 + 48);  // a doubling
    if (n > 4) std::fill_n(uniform.begin() + 96 * 3, 96, std::uint8_t{0});  // the exceptional u = 0
    const Bytes scalars = random_bytes_of(n * 32);
    const SignedDigits each(Curve::kOrder, scalars.data(), n, 32),
        shared(Curve::kOrder, scalars.data(), n, 0);
    const Bytes points = mixed_points<Curve>(n);
    for (const SignedDigits* digits : {&each, &shared}) {
      Bytes a(n * kElementBytes), b(n * kElementBytes);
      std::vector<Decoded> da(n), db(n);
      kernels.mult(*digits, points.data(), n, a.data(), da.data());
      oracle.mult(*digits, points.data(), n, b.data(), db.data());
      CHECK(a == b && da == db);
      kernels.map_mult(*digits, uniform.data(), n, a.data());
      oracle.map_mult(*digits, uniform.data(), n, b.data());
      CHECK(a == b);
    }
    Bytes a(n * 64), b(n * 64);
    std::vector<Decoded> da(n), db(n);
    kernels.map(uniform.data(), n, a.data());
    oracle.map(uniform.data(), n, b.data());
    CHECK(a == b);
    kernels.map_nonuniform(uniform.data(), n, a.data());
    oracle.map_nonuniform(uniform.data(), n, b.data());
    CHECK(a == b);
    kernels.decode(points.data(), n, a.data(), da.data());
    oracle.decode(points.data(), n, b.data(), db.data());
    CHECK(a == b && da == db);
  }
}

// Small multiples and their opposites, among them all that meet a doubling in the last addition, against
// sums.
template <class Curve>
void check_small_scalars(const Kernels& kernels, const Group& group) {
  const Bytes base(group.generator().begin(), group.generator().end());
  for (std::uint64_t k = 1; k <= 70; ++k) {
    Bytes points, ones, sum(kElementBytes), product(kElementBytes), opposite(kElementBytes);
    for (std::uint64_t i = 0; i < k; ++i) {
      points.insert(points.end(), base.begin(), base.end());
      const Bytes one = scalar_of<Curve>(1, false);
      ones.insert(ones.end(), one.begin(), one.end());
    }
    group.linear_combination_vartime(ones, points, sum);
    Decoded decoded;
    const Bytes scalar = scalar_of<Curve>(k, false), minus = scalar_of<Curve>(k, true);
    kernels.mult(SignedDigits(Curve::kOrder, scalar.data(), 1, 0), base.data(), 1, product.data(), &decoded);
    kernels.mult(SignedDigits(Curve::kOrder, minus.data(), 1, 0), base.data(), 1, opposite.data(), &decoded);
    CHECK(product == sum);
    opposite[0] ^= 1;
    CHECK(opposite == product);
  }
}

template <class Curve>
void check_group() {
  const Group& group = weierstrass::group<Curve>();
  const std::size_t n = 300;
  Bytes points(n * kElementBytes), each(points.size()), back(points.size()), sum(kElementBytes),
      zero(kElementBytes);
  for (std::size_t i = 0; i < n; i += 100) {
    weierstrass::map<Curve>(random_bytes_of(100 * 96).data(), 100, points.data() + i * kElementBytes);
  }
  const Scalars scalars = group.random_scalars(n);
  group.mult_each(scalars, points, each);
  group.mult_each(scalars.inverses(), each, back);
  CHECK(back == points);
  // The sum of s[i] P[i] less the sum of the products, each times one, is the identity.
  Bytes factors(scalars.bytes().begin(), scalars.bytes().end()), all = points;
  const Bytes minus_one = scalar_of<Curve>(1, true);
  for (std::size_t i = 0; i < n; ++i) factors.insert(factors.end(), minus_one.begin(), minus_one.end());
  all.insert(all.end(), each.begin(), each.end());
  group.linear_combination_vartime(factors, all, sum);
  CHECK(sum == zero);
  // response = nonce - challenge key, so response G + challenge (key G) = nonce G.
  const Scalar nonce = group.random_scalar(), key = group.random_scalar();
  const Bytes challenge = scalar_of<Curve>(12345, false);
  const Bytes base(group.generator().begin(), group.generator().end());
  Bytes response(32), public_key(kElementBytes), commitment(kElementBytes);
  group.proof_response(nonce, challenge, key, response);
  group.mult(key, base, public_key);
  group.mult(nonce, base, commitment);
  Bytes two = response, pair = base;
  two.insert(two.end(), challenge.begin(), challenge.end());
  pair.insert(pair.end(), public_key.begin(), public_key.end());
  group.linear_combination_vartime(two, pair, sum);
  CHECK(sum == commitment);
  CHECK_THROWS(group.scalars(Bytes(32, 0)), ErrorCode::InvalidArgument);
  CHECK_THROWS(group.scalar_from_uniform(Bytes(48, 1)), ErrorCode::InvalidArgument);
  points[kElementBytes] = 4;
  CHECK_THROWS(group.mult(key, points, each), ErrorCode::PointEncoding);
}

template <class Curve>
void check_curve(const Kernels CurveKernels::* kernels) {
  const auto names = available_backends();
  const Kernels& oracle = weierstrass::kernels_of(Backend::portable).*kernels;
  for (const Backend backend : {Backend::portable, Backend::avx2, Backend::avx512ifma}) {
    if (std::find(names.begin(), names.end(), backend_name(backend)) == names.end()) continue;
    const Kernels& tested = weierstrass::kernels_of(backend).*kernels;
    check_backend<Curve>(tested, oracle);
    check_small_scalars<Curve>(tested, weierstrass::group<Curve>());
  }
  check_group<Curve>();
}

}  // namespace

int main() {
  check_curve<P256>(&CurveKernels::p256);
  check_curve<Sm2>(&CurveKernels::sm2);
  return check::finish("weierstrass");
}
