// Every backend that this CPU can run against the portable kernels, byte for byte: random inputs, the edges
// of the field, encodings to refuse, and every fill of the last vectors. And X25519 against the published
// vectors.

#include <algorithm>
#include <array>
#include <cfenv>
#include <random>
#include <string>
#include <vector>

#include "../../cpp/src/curve/backend/ristretto255_kernels.hpp"
#include "../../cpp/src/curve/backend/x25519_kernels.hpp"
#include "check.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/curve/scalar25519.hpp"
#include "isthmus/curve/x25519.hpp"
#include "vectors.hpp"

using namespace isthmus;

namespace {

using vectors::Bytes;
using vectors::from_hex;

constexpr std::size_t kWidth = 32;
const std::array<std::size_t, 12> kCounts = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, Group::kTile};

std::mt19937_64 generator(25519);  // NOLINT: the same test every time

Bytes random_bytes_of(std::size_t n) {
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(generator());
  return bytes;
}

// A scalar below 2^252, so canonical.
Bytes random_scalar() {
  Bytes scalar = random_bytes_of(kWidth);
  scalar[31] &= 15;
  return scalar;
}

std::vector<Backend> backends() {
  std::vector<Backend> found;
  const auto names = available_backends();
  for (const Backend backend : {Backend::portable, Backend::avx2, Backend::avx512ifma}) {
    if (std::find(names.begin(), names.end(), backend_name(backend)) != names.end()) found.push_back(backend);
  }
  return found;
}

// Integers around 0, p, 2p = 2^256 - 38 and the limb boundaries, as 32 bytes.
std::vector<Bytes> edge_encodings() {
  std::vector<Bytes> edges;
  for (int k = 0; k < 20; ++k) {
    Bytes low(kWidth, 0), around_p(kWidth, 255), high(kWidth, 255);
    low[0] = static_cast<std::uint8_t>(k);
    around_p[0] = static_cast<std::uint8_t>(0xed - 10 + k);
    around_p[31] = 127;
    high[0] = static_cast<std::uint8_t>(255 - 2 * k);
    edges.insert(edges.end(), {low, around_p, high});
  }
  for (std::size_t bit = 0; bit < 256; bit += 17) {
    Bytes power(kWidth, 0);
    power[bit / 8] = static_cast<std::uint8_t>(1 << (bit % 8));
    edges.push_back(power);
    for (std::size_t i = 0; i < bit / 8; ++i) power[i] = 255;
    edges.push_back(power);
  }
  return edges;
}

// n encodings: random bytes, edges, and valid ones made by `map`.
template <class Map>
Bytes mixed_encodings(std::size_t n, std::size_t uniform_bytes, const Map& map) {
  static const std::vector<Bytes> edges = edge_encodings();
  Bytes points(n * kWidth);
  map(random_bytes_of(n * uniform_bytes).data(), n, points.data());
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t choice = generator() % 8;
    if (choice > 1) continue;
    const Bytes other = choice == 0 ? random_bytes_of(kWidth) : edges[generator() % edges.size()];
    std::copy(other.begin(), other.end(), points.begin() + static_cast<std::ptrdiff_t>(i * kWidth));
  }
  return points;
}

// Uniform bytes with some halves at the edges of the field.
Bytes mixed_uniform(std::size_t n, std::size_t uniform_bytes) {
  static const std::vector<Bytes> edges = edge_encodings();
  Bytes uniform = random_bytes_of(n * uniform_bytes);
  for (std::size_t i = 0; i < n; ++i) {
    if (generator() % 4 != 0) continue;
    Bytes edge = edges[generator() % edges.size()];
    const std::size_t half = uniform_bytes / 2 * (generator() % 2);
    if (uniform_bytes == x25519::kUniformBytes) std::reverse(edge.begin(), edge.end());  // big-endian
    const std::size_t at = i * uniform_bytes + half + (uniform_bytes / 2 - kWidth);
    std::copy(edge.begin(), edge.end(), uniform.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return uniform;
}

struct Results {
  Bytes out;
  std::vector<Decoded> decoded;
  bool operator==(const Results&) const = default;
};

// Runs one group's three kernels; Multiplier is what they take for the scalar.
template <class Kernels, class Multiplier>
void compare(const Kernels& kernels, const Kernels& oracle, const Multiplier& multiplier,
             std::size_t uniform_bytes, std::size_t n, std::array<std::size_t, 4>& seen) {
  const Bytes uniform = mixed_uniform(n, uniform_bytes);
  const Bytes points = mixed_encodings(n, uniform_bytes, oracle.map);
  const auto run = [&](const Kernels& k) {
    Results mult{Bytes(n * kWidth), std::vector<Decoded>(n)};
    Bytes mapped(n * kWidth), both(n * kWidth);
    k.mult(multiplier, points.data(), n, mult.out.data(), mult.decoded.data());
    k.map(uniform.data(), n, mapped.data());
    k.map_mult(multiplier, uniform.data(), n, both.data());
    return std::array<Results, 3>{mult, {mapped, {}}, {both, {}}};
  };
  const auto expected = run(oracle);
  CHECK(run(kernels) == expected);
  for (const Decoded decoded : expected[0].decoded) ++seen[static_cast<std::size_t>(decoded)];
}

void check_backends() {
  std::array<std::size_t, 4> ristretto_seen{}, x25519_seen{};
  for (const Backend backend : backends()) {
    for (const std::size_t n : kCounts) {
      for (int round = 0; round < 3; ++round) {
        const Bytes scalar = random_scalar();
        const edwards25519::ScalarDigits digits(scalar.data(), 1, 0);
        compare(ristretto255::kernels_of(backend), ristretto255::kernels_of(Backend::portable), digits, 64, n,
                ristretto_seen);
        compare(x25519::kernels_of(backend), x25519::kernels_of(Backend::portable), scalar.data(),
                x25519::kUniformBytes, n, x25519_seen);
      }
    }
  }
  for (const std::size_t count : ristretto_seen) CHECK(count > 0);
  for (const std::size_t count : x25519_seen) CHECK(count > 0);
}

// A scalar for every row, and affine coordinates.
void check_rows(Backend backend) {
  const auto& kernels = ristretto255::kernels_of(backend);
  const auto& oracle = ristretto255::kernels_of(Backend::portable);
  for (const std::size_t n : kCounts) {
    Bytes scalars;
    for (std::size_t i = 0; i < n; ++i) {
      const Bytes one = random_scalar();
      scalars.insert(scalars.end(), one.begin(), one.end());
    }
    const edwards25519::ScalarDigits each(scalars.data(), n, kWidth);
    const Bytes uniform = mixed_uniform(n, 64);
    const Bytes points = mixed_encodings(n, 64, oracle.map);
    Results product{Bytes(n * kWidth), std::vector<Decoded>(n)};
    Results affine{Bytes(n * 2 * kWidth), std::vector<Decoded>(n)}, expected = affine;
    Bytes mapped(n * kWidth);
    kernels.mult(each, points.data(), n, product.out.data(), product.decoded.data());
    kernels.map_mult(each, uniform.data(), n, mapped.data());
    kernels.decode(points.data(), n, affine.out.data(), affine.decoded.data());
    oracle.decode(points.data(), n, expected.out.data(), expected.decoded.data());
    CHECK(affine == expected);
    for (std::size_t i = 0; i < n; ++i) {
      const edwards25519::ScalarDigits alone(scalars.data() + i * kWidth, 1, 0);
      Bytes out(kWidth);
      Decoded decoded;
      oracle.mult(alone, points.data() + i * kWidth, 1, out.data(), &decoded);
      CHECK(decoded == product.decoded[i] && std::equal(out.begin(), out.end(), &product.out[i * kWidth]));
      oracle.map_mult(alone, uniform.data() + i * 64, 1, out.data());
      CHECK(std::equal(out.begin(), out.end(), &mapped[i * kWidth]));
    }
  }
}

// Scalars whose digits, or ladder bits, are all alike, and the smallest and largest.
void check_extreme_scalars(Backend backend) {
  std::vector<Bytes> scalars = {Bytes(kWidth, 0), Bytes(kWidth, 0), Bytes(kWidth, 255), Bytes(kWidth, 0x88),
                                Bytes(kWidth, 0x77)};
  scalars[1][0] = 1;
  for (Bytes& scalar : scalars) scalar[31] &= 15;
  scalars.push_back(from_hex("ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"));
  std::array<std::size_t, 4> seen{};
  for (const Bytes& scalar : scalars) {
    const edwards25519::ScalarDigits digits(scalar.data(), 1, 0);
    compare(ristretto255::kernels_of(backend), ristretto255::kernels_of(Backend::portable), digits, 64, 9,
            seen);
    compare(x25519::kernels_of(backend), x25519::kernels_of(Backend::portable), scalar.data(),
            x25519::kUniformBytes, 9, seen);
  }
}

// RFC 7748's X25519: clamping makes the scalar 8 m, with m < 2^252.
Bytes eighth_of_clamped(Bytes scalar) {
  scalar[0] &= 248;
  scalar[31] = static_cast<std::uint8_t>((scalar[31] & 127) | 64);
  for (std::size_t i = 0; i < kWidth; ++i) {
    const int above = i + 1 < kWidth ? scalar[i + 1] : 0;
    scalar[i] = static_cast<std::uint8_t>((scalar[i] >> 3) | (above << 5));
  }
  return scalar;
}

struct Product {
  Bytes out;
  Decoded decoded;
};

Product x25519_function(const x25519::Kernels& kernels, const Bytes& scalar, const Bytes& u) {
  Product product{Bytes(kWidth), Decoded::ok};
  kernels.mult(eighth_of_clamped(scalar).data(), u.data(), 1, product.out.data(), &product.decoded);
  return product;
}

void check_rfc7748(const x25519::Kernels& kernels) {
  const std::string json = vectors::read("rfc7748/x25519_kat.json");
  const auto inputs = vectors::values_of(json, "input"), outputs = vectors::values_of(json, "output");
  const auto scalars = vectors::values_of(json, "scalar");
  CHECK(inputs.size() == 6 && outputs.size() == 6 && scalars.size() == 6);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CHECK(x25519_function(kernels, from_hex(scalars[i]), from_hex(inputs[i])).out == from_hex(outputs[i]));
  }
  const auto keys = vectors::values_of(vectors::read("rfc7748/x25519_iterated.json"), "key");
  CHECK(keys.size() == 3);
  Bytes k(kWidth, 0), u(kWidth, 0);
  k[0] = u[0] = 9;
  for (int round = 1; round <= 1000; ++round) {
    const Bytes next = x25519_function(kernels, k, u).out;
    u = k;
    k = next;
    if (round == 1) CHECK(k == from_hex(keys[0]));
  }
  CHECK(k == from_hex(keys[1]));
}

// True when the 256-bit integer is not below p.
bool is_reducible(const Bytes& u) {
  Bytes p(kWidth, 255);
  p[0] = 0xed;
  p[31] = 127;
  return !std::lexicographical_compare(u.rbegin(), u.rend(), p.rbegin(), p.rend());
}

// What wycheproof finds acceptable from X25519, the group refuses: points on the twist and of small order,
// and other encodings of u than the canonical one.
void check_wycheproof(const x25519::Kernels& kernels) {
  const std::string json = vectors::read("wycheproof/x25519_test.json");
  std::array<std::size_t, 4> counts{};
  for (std::size_t at = json.find("\"tcId\""); at != std::string::npos;) {
    const std::size_t next = json.find("\"tcId\"", at + 1);
    const std::string test = json.substr(at, next - at);
    const auto has = [&test](const char* flag) { return test.find(flag) != std::string::npos; };
    const Bytes u = from_hex(vectors::values_of(test, "public").at(0));
    const Product product = x25519_function(kernels, from_hex(vectors::values_of(test, "private").at(0)), u);
    CHECK(product.out == from_hex(vectors::values_of(test, "shared").at(0)));
    const Decoded expected = is_reducible(u)               ? Decoded::non_canonical
                             : has("\"Twist\"")            ? Decoded::invalid
                             : has("\"ZeroSharedSecret\"") ? Decoded::identity
                                                           : Decoded::ok;
    CHECK(product.decoded == expected);
    CHECK(has("\"result\": \"valid\"") == (expected == Decoded::ok));
    ++counts[static_cast<std::size_t>(product.decoded)];
    at = next;
  }
  CHECK((counts == std::array<std::size_t, 4>{264, 29, 213, 12}));  // ok, non-canonical, invalid, identity
}

}  // namespace

int main() {
  check_backends();
  // A host's thread may round as it likes.
  for (const int mode : {FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD}) {
    std::fesetround(mode);
    check_backends();
    CHECK(std::fegetround() == mode);
  }
  std::fesetround(FE_TONEAREST);
  for (const Backend backend : backends()) {
    check_rows(backend);
    check_extreme_scalars(backend);
    check_rfc7748(x25519::kernels_of(backend));
    check_wycheproof(x25519::kernels_of(backend));
  }
  return check::finish("curve backends");
}
