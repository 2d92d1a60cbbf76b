#include "isthmus/curve/group.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/curve/ristretto255.hpp"
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

Scalar Group::random_scalar() const {
  // Reducing twice the width leaves a bias below 2^-252.
  SecretVector<std::uint8_t> uniform(2 * scalar_bytes());
  SecretVector<std::uint8_t> reduced(scalar_bytes());
  do {
    random_bytes(uniform);
    reduce_scalar(uniform, reduced);
  } while (is_zero(reduced));
  return {*this, reduced};
}

Scalar Group::reduce(ByteSpan uniform) const {
  require(uniform.size() == 2 * scalar_bytes(), "a scalar is reduced from twice its length");
  SecretVector<std::uint8_t> reduced(scalar_bytes());
  reduce_scalar(uniform, reduced);
  require(!is_zero(reduced), "a scalar is zero");
  return {*this, reduced};
}

Scalar Group::scalar(ByteSpan bytes) const {
  require(bytes.size() == scalar_bytes(), "a scalar has the wrong length");
  require(is_canonical_scalar(bytes), "a scalar is not below the group's order");
  require(!is_zero(bytes), "a scalar is zero");
  return {*this, bytes};
}

void Group::mult(const Scalar& scalar, ByteSpan points, MutableByteSpan out) const {
  const std::size_t width = element_bytes();
  require(&scalar.group() == this, "the scalar belongs to another group");
  require(out.size() == points.size(), "out must be as long as points");
  if (points.size() % width != 0) {
    throw Error(ErrorCode::PointEncoding, "the last group element is incomplete", points.size() / width);
  }
  const std::size_t n = points.size() / width;
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    std::array<Decoded, kTile> decoded;
    mult_tile(scalar.bytes(), points.data() + first * width, count, out.data() + first * width,
              decoded.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (decoded[i] != Decoded::ok) refuse_point(decoded[i], first + i);
    }
  });
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
