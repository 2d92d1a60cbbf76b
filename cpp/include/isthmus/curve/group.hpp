#pragma once
// A prime-order group whose elements travel as fixed-width canonical bytes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {

class Group;

/// A secret integer modulo a group's order, never zero.
/// Security  Zeroised on destruction. bytes() is for the group's own operations.
class Scalar {
 public:
  const Group& group() const noexcept { return *group_; }
  ByteSpan bytes() const noexcept { return bytes_; }

  /// 1/s modulo the order.
  Scalar inverse() const;

 private:
  friend class Group;
  Scalar(const Group& group, ByteSpan bytes) : group_(&group), bytes_(bytes.begin(), bytes.end()) {}

  const Group* group_;
  SecretVector<std::uint8_t> bytes_;
};

/// What became of one encoded element.
enum class Decoded : std::uint8_t { ok, non_canonical, invalid, identity };

/// Batched operations of one group. Implementations give the per-tile kernels; threads and errors are here.
class Group {
 public:
  /// Elements per tile: enough to make the one inversion they share cheap, few enough to stay in the
  /// second-level cache and to keep all threads busy to the end of a batch.
  static constexpr std::size_t kTile = 256;

  virtual ~Group() = default;
  virtual std::string_view name() const noexcept = 0;
  virtual std::size_t element_bytes() const noexcept = 0;
  virtual std::size_t scalar_bytes() const noexcept = 0;

  /// A uniform non-zero scalar from the operating system's randomness.
  Scalar random_scalar() const;

  /// The scalar that `uniform`, twice scalar_bytes() of secret uniform bytes, reduces to.
  /// Throws    InvalidArgument for another length, or when the scalar is zero.
  Scalar reduce(ByteSpan uniform) const;

  /// Reads the group's canonical encoding of a scalar.
  /// Throws    InvalidArgument when it has another length, is not below the order, or is zero.
  Scalar scalar(ByteSpan bytes) const;

  /// out[i] = scalar * points[i], over encoded elements.
  /// Shapes    points[n * element_bytes], out the same.
  /// Security  Every point is validated before it is multiplied; the results are never the identity.
  /// Timing    Constant in the scalar and the points; the position of a refused point is public.
  /// Threads   parallel_for; bit-identical for any thread count.
  /// Throws    PointEncoding (not canonical, or wrong length) or PointInvalid (no element, or the identity),
  /// with the
  ///           row of the first such point; `out` must then be discarded.
  void mult(const Scalar& scalar, ByteSpan points, MutableByteSpan out) const;

 protected:
  virtual void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                         Decoded* decoded) const = 0;
  virtual bool is_canonical_scalar(ByteSpan bytes) const = 0;
  virtual void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const = 0;
  virtual void invert_scalar(ByteSpan scalar, MutableByteSpan out) const = 0;

 private:
  friend class Scalar;
};

/// The group of this name.
/// Throws    InvalidArgument naming the groups that exist.
const Group& find_group(std::string_view name);

/// Names of all groups.
std::vector<std::string_view> group_names();

}  // namespace isthmus
