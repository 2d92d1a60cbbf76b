#include "isthmus/curve/group.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/curve/ristretto255.hpp"
#include "isthmus/curve/weierstrass.hpp"
#include "isthmus/curve/x25519.hpp"

namespace isthmus {
namespace {

// One row per group.
struct GroupRow {
  std::string_view name;
  const Group& (*group)() noexcept;
};
constexpr GroupRow kGroups[] = {
    {"ristretto255", &ristretto255::group},
    {"X25519", &x25519::group},
    {"P-256", &weierstrass::group<P256>},
    {"SM2", &weierstrass::group<Sm2>},
};

bool is_zero(ByteSpan bytes) noexcept {
  std::uint8_t any = 0;
  for (const std::uint8_t byte : bytes) any |= byte;
  return any == 0;
}

[[noreturn]] void refuse_point(Decoded decoded, std::size_t row) {
  switch (decoded) {
    case Decoded::non_canonical:
      throw Error(ErrorCode::PointEncoding, "a group element is not in its canonical encoding", row);
    case Decoded::identity:
      throw Error(ErrorCode::PointInvalid, "a group element is the identity, which carries no information",
                  row);
    default:
      throw Error(ErrorCode::PointInvalid, "bytes do not encode a group element", row);
  }
}

}  // namespace

Scalar Scalar::inverse() const {
  Scalar result(*group_, bytes_);
  group_->invert_scalar(bytes_, result.bytes_);
  return result;
}

std::size_t Scalars::size() const noexcept { return bytes_.size() / group_->scalar_bytes(); }

Scalars Scalars::inverses() const {
  Scalars result(*group_, bytes_);
  const std::size_t width = group_->scalar_bytes();
  // Montgomery's trick: one inversion per tile. result[i] first holds the product of the scalars before i.
  const auto at = [width](auto& bytes, std::size_t i) { return std::span(bytes.data() + i * width, width); };
  parallel_for((size() + Group::kTile - 1) / Group::kTile, [&](std::size_t tile) {
    const std::size_t first = tile * Group::kTile;
    const std::size_t end = std::min(first + Group::kTile, size());
    SecretVector<std::uint8_t> product(at(bytes_, first).begin(), at(bytes_, first).end());
    for (std::size_t i = first + 1; i < end; ++i) {
      std::copy(product.begin(), product.end(), at(result.bytes_, i).begin());
      group_->multiply_scalars(product, at(bytes_, i), product);
    }
    group_->invert_scalar(product, product);
    for (std::size_t i = end; --i > first;) {
      group_->multiply_scalars(product, at(result.bytes_, i), at(result.bytes_, i));
      group_->multiply_scalars(product, at(bytes_, i), product);
    }
    std::copy(product.begin(), product.end(), at(result.bytes_, first).begin());
  });
  return result;
}

Scalar Group::random_scalar() const {
  const Scalars one = random_scalars(1);
  return {*this, one.bytes()};
}

Scalars Group::random_scalars(std::size_t n) const {
  // Reducing twice the width leaves a bias below 2^-252.
  const std::size_t width = scalar_bytes();
  SecretVector<std::uint8_t> uniform(2 * width * n);
  SecretVector<std::uint8_t> reduced(width * n);
  random_bytes(uniform);
  for (std::size_t i = 0; i < n; ++i) {
    const MutableByteSpan scalar(reduced.data() + i * width, width);
    const MutableByteSpan source(uniform.data() + i * 2 * width, 2 * width);
    reduce_scalar(source, scalar);
    while (is_zero(scalar)) {
      random_bytes(source);
      reduce_scalar(source, scalar);
    }
  }
  return {*this, std::move(reduced)};
}

bool Group::is_scalar(ByteSpan bytes) const {
  return bytes.size() == scalar_bytes() && is_canonical_scalar(bytes);
}

Scalar Group::scalar(ByteSpan bytes) const {
  require(bytes.size() == scalar_bytes(), "a scalar has the wrong length");
  require(is_canonical_scalar(bytes), "a scalar is not below the group's order");
  require(!is_zero(bytes), "a scalar is zero");
  return {*this, bytes};
}

Scalars Group::scalars(ByteSpan bytes) const {
  const std::size_t width = scalar_bytes();
  require(bytes.size() % width == 0, "the last scalar is incomplete");
  for (std::size_t i = 0; i * width < bytes.size(); ++i) {
    const ByteSpan one = bytes.subspan(i * width, width);
    if (!is_canonical_scalar(one) || is_zero(one)) {
      throw Error(ErrorCode::InvalidArgument, "a scalar is zero or not below the group's order", i);
    }
  }
  return {*this, SecretVector<std::uint8_t>(bytes.begin(), bytes.end())};
}

Scalar Group::scalar_from_uniform(ByteSpan uniform) const {
  require(uniform.size() == 2 * scalar_bytes(), "uniform bytes must be twice as long as a scalar");
  SecretVector<std::uint8_t> reduced(scalar_bytes());
  reduce_scalar(uniform, reduced);
  return scalar(reduced);
}

void Group::reduce(ByteSpan uniform, MutableByteSpan out) const {
  const std::size_t width = scalar_bytes();
  require(out.size() % width == 0 && uniform.size() == 2 * out.size(),
          "uniform bytes must be twice as long as the scalars");
  for (std::size_t at = 0; at < out.size(); at += width) {
    reduce_scalar(uniform.subspan(2 * at, 2 * width), out.subspan(at, width));
  }
}

std::size_t Group::count_points(ByteSpan points) const {
  const std::size_t width = element_bytes();
  if (points.size() % width != 0) {
    throw Error(ErrorCode::PointEncoding, "the last group element is incomplete", points.size() / width);
  }
  return points.size() / width;
}

template <class MultTile>
void Group::for_each_tile(ByteSpan points, MutableByteSpan out, const MultTile& mult_tile) const {
  const std::size_t width = element_bytes();
  require(out.size() == points.size(), "out must be as long as points");
  const std::size_t n = count_points(points);
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    std::array<Decoded, kTile> decoded;
    mult_tile(first, points.data() + first * width, count, out.data() + first * width, decoded.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (decoded[i] != Decoded::ok) refuse_point(decoded[i], first + i);
    }
  });
}

void Group::mult(const Scalar& scalar, ByteSpan points, MutableByteSpan out) const {
  require(&scalar.group() == this, "the scalar belongs to another group");
  for_each_tile(points, out,
                [&](std::size_t, const std::uint8_t* in, std::size_t n, std::uint8_t* tile_out,
                    Decoded* decoded) { mult_tile(scalar.bytes(), in, n, tile_out, decoded); });
}

void Group::mult_each(const Scalars& scalars, ByteSpan points, MutableByteSpan out) const {
  require(&scalars.group() == this, "the scalars belong to another group");
  require(scalars.size() == count_points(points), "there must be as many scalars as points");
  for_each_tile(points, out,
                [&](std::size_t first, const std::uint8_t* in, std::size_t n, std::uint8_t* tile_out,
                    Decoded* decoded) {
                  mult_each_tile(scalars.bytes().data() + first * scalar_bytes(), in, n, tile_out, decoded);
                });
}

void Group::linear_combination_vartime(ByteSpan scalars, ByteSpan points, MutableByteSpan out) const {
  const std::size_t width = scalar_bytes();
  const std::size_t n = count_points(points);
  require(scalars.size() == n * width, "there must be as many scalars as points");
  require(out.size() == element_bytes(), "out must hold one element");
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_canonical_scalar(scalars.subspan(i * width, width))) {
      throw Error(ErrorCode::InvalidArgument, "a scalar is not below the group's order", i);
    }
  }
  std::vector<Decoded> decoded(n);
  combine_vartime(scalars.data(), points.data(), n, out.data(), decoded.data());
  for (std::size_t i = 0; i < n; ++i) {
    if (decoded[i] != Decoded::ok) refuse_point(decoded[i], i);
  }
}

void Group::refuse_addition() const {
  throw Error(ErrorCode::InvalidArgument, "the group " + std::string(name()) + " has no addition");
}

void Group::proof_response(const Scalar& nonce, ByteSpan challenge, const Scalar& key,
                           MutableByteSpan out) const {
  require(&nonce.group() == this && &key.group() == this, "a scalar belongs to another group");
  require(out.size() == scalar_bytes(), "a scalar has the wrong length");
  require(is_scalar(challenge), "the challenge is not a canonical scalar");
  subtract_product(nonce.bytes(), challenge, key.bytes(), out);
}

const Group& find_group(std::string_view name) {
  std::string known;
  for (const GroupRow& row : kGroups) {
    if (row.name == name) return row.group();
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorCode::InvalidArgument, "unknown group '" + std::string(name) + "'; there is: " + known);
}

std::vector<std::string_view> group_names() {
  std::vector<std::string_view> names;
  for (const GroupRow& row : kGroups) names.push_back(row.name);
  return names;
}

}  // namespace isthmus
