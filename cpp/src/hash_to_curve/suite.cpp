#include "isthmus/hash_to_curve/suite.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "elligator2.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/curve/elligator2.hpp"
#include "isthmus/curve/ristretto255.hpp"
#include "isthmus/curve/weierstrass.hpp"
#include "isthmus/curve/x25519.hpp"

namespace isthmus {
namespace {

template <class Hash>
std::unique_ptr<Expander> xmd(ByteSpan dst) {
  return std::make_unique<XmdExpander<Hash>>(dst);
}

constexpr std::size_t kL = elligator2::kFieldElementBytes;
constexpr std::size_t kAffine = elligator2::kAffineBytes;

// One row per suite.
constexpr Suite kSuites[] = {
    {"ristretto255_XMD:SHA-512_R255MAP_RO_", "ristretto255", ristretto255::kUniformBytes,
     ristretto255::kElementBytes, &xmd<Sha512>, &ristretto255::map, &ristretto255::map_mult,
     &ristretto255::map_mult_each},
    {"curve25519_XMD:SHA-512_ELL2_RO_", "X25519", x25519::kUniformBytes, x25519::kElementBytes, &xmd<Sha512>,
     &x25519::map, &x25519::map_mult, nullptr},
    {"P256_XMD:SHA-256_SSWU_RO_", "P-256", 2 * weierstrass::kUniformBytes, weierstrass::kElementBytes,
     &xmd<Sha256>, &weierstrass::map<P256>, &weierstrass::map_mult<P256>, &weierstrass::map_mult_each<P256>},
    {"P256_XMD:SHA-256_SSWU_NU_", "", weierstrass::kUniformBytes, weierstrass::kElementBytes, &xmd<Sha256>,
     &weierstrass::map_nonuniform<P256>, nullptr, nullptr},
    {"SM2_XMD:SM3_SSWU_RO_", "SM2", 2 * weierstrass::kUniformBytes, weierstrass::kElementBytes, &xmd<Sm3>,
     &weierstrass::map<Sm2>, &weierstrass::map_mult<Sm2>, &weierstrass::map_mult_each<Sm2>},
    {"SM2_XMD:SM3_SSWU_NU_", "", weierstrass::kUniformBytes, weierstrass::kElementBytes, &xmd<Sm3>,
     &weierstrass::map_nonuniform<Sm2>, nullptr, nullptr},
    {"edwards25519_XMD:SHA-512_ELL2_RO_", "", 2 * kL, kAffine, &xmd<Sha512>, &elligator2::edwards25519_ro,
     nullptr, nullptr},
    {"edwards25519_XMD:SHA-512_ELL2_NU_", "", kL, kAffine, &xmd<Sha512>, &elligator2::edwards25519_nu,
     nullptr, nullptr},
    {"curve25519_XMD:SHA-512_ELL2_NU_", "", kL, kAffine, &xmd<Sha512>, &elligator2::curve25519_nu, nullptr,
     nullptr},
};

const Suite& find_by(std::string_view Suite::* key, std::string_view wanted) {
  std::string known;
  for (const Suite& suite : kSuites) {
    if (suite.*key == wanted) return suite;
    known += (known.empty() ? "" : ", ") + std::string(suite.name);
  }
  throw Error(ErrorCode::HashToCurve,
              "no hash-to-curve suite for '" + std::string(wanted) + "'; there is: " + known);
}

// Stretches every message of a tile and hands the tile to map_tile(first, uniform, count, out).
template <class MapTile>
void for_each_tile(const Suite& suite, const MessageBatch& messages, ByteSpan dst, MutableByteSpan out,
                   const MapTile& map_tile) {
  constexpr std::size_t kTile = Group::kTile;
  constexpr std::size_t kGroup = 64;  // messages at hand at a time, several vectors of them
  const std::size_t n = messages.size();
  require(out.size() == n * suite.element_bytes, "out must hold one element per message");
  const std::unique_ptr<Expander> expander = suite.expander(dst);
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    SecretVector<std::uint8_t> uniform(count * suite.uniform_bytes);
    std::array<SecretVector<std::uint8_t>, kGroup> scratch;
    std::array<ByteSpan, kGroup> group;
    for (std::size_t i = 0; i < count; i += kGroup) {
      const std::size_t size = std::min(kGroup, count - i);
      for (std::size_t j = 0; j < size; ++j) group[j] = messages.message(first + i + j, scratch[j]);
      expander->expand_many({group.data(), size}, suite.uniform_bytes,
                            uniform.data() + i * suite.uniform_bytes);
    }
    map_tile(first, uniform.data(), count, out.data() + first * suite.element_bytes);
  });
}

}  // namespace

const Suite& find_suite(std::string_view name) { return find_by(&Suite::name, name); }

const Suite& suite_of_group(std::string_view group) {
  require(!group.empty(), "a group has a name");
  return find_by(&Suite::group, group);
}

std::vector<std::string_view> suite_names() {
  std::vector<std::string_view> names;
  for (const Suite& suite : kSuites) names.push_back(suite.name);
  return names;
}

void hash_to_curve(const Suite& suite, const MessageBatch& messages, ByteSpan dst, MutableByteSpan out) {
  for_each_tile(suite, messages, dst, out,
                [&](std::size_t, const std::uint8_t* uniform, std::size_t n, std::uint8_t* tile_out) {
                  suite.map(uniform, n, tile_out);
                });
}

void hash_to_curve_mult(const Suite& suite, const MessageBatch& messages, ByteSpan dst, const Scalar& scalar,
                        MutableByteSpan out) {
  require(scalar.group().name() == suite.group, "the scalar belongs to another group than the suite");
  for_each_tile(suite, messages, dst, out,
                [&](std::size_t, const std::uint8_t* uniform, std::size_t n, std::uint8_t* tile_out) {
                  suite.map_mult(scalar.bytes().data(), uniform, n, tile_out);
                });
}

void hash_to_curve_mult_each(const Suite& suite, const MessageBatch& messages, ByteSpan dst,
                             const Scalars& scalars, MutableByteSpan out) {
  require(scalars.group().name() == suite.group, "the scalars belong to another group than the suite");
  require(suite.map_mult_each != nullptr, "the suite's group has no addition");
  require(scalars.size() == messages.size(), "there must be as many scalars as messages");
  for_each_tile(suite, messages, dst, out,
                [&](std::size_t first, const std::uint8_t* uniform, std::size_t n, std::uint8_t* tile_out) {
                  const std::size_t width = scalars.group().scalar_bytes();
                  suite.map_mult_each(scalars.bytes().data() + first * width, uniform, n, tile_out);
                });
}

}  // namespace isthmus
