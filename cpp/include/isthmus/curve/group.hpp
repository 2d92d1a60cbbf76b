#pragma once
// A prime-order group whose elements travel as fixed-width canonical bytes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
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

/// Several secret integers modulo a group's order, none of them zero.
/// Security  Zeroised on destruction.
class Scalars {
 public:
  const Group& group() const noexcept { return *group_; }
  std::size_t size() const noexcept;
  ByteSpan bytes() const noexcept { return bytes_; }

  /// 1/s modulo the order, of each.
  Scalars inverses() const;

 private:
  friend class Group;
  Scalars(const Group& group, SecretVector<std::uint8_t> bytes) : group_(&group), bytes_(std::move(bytes)) {}

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

  /// n of them, independent.
  Scalars random_scalars(std::size_t n) const;

  /// Reads the group's canonical encoding of a scalar, or of several.
  /// Throws    InvalidArgument when it has another length, is not below the order, or is zero; with the row
  /// of
  ///           the first such scalar of several.
  Scalar scalar(ByteSpan bytes) const;
  Scalars scalars(ByteSpan bytes) const;

  /// True for the canonical encoding of an integer below the order, zero included. The answer may be public.
  bool is_scalar(ByteSpan bytes) const;

  /// The integer behind 2 * scalar_bytes() uniform bytes, in the byte order of scalars, modulo the order.
  /// Throws    InvalidArgument for another length, or zero, which uniform bytes give with a chance below
  /// 2^-250.
  Scalar scalar_from_uniform(ByteSpan uniform) const;

  /// out[i] = the integer behind uniform[i], as scalar_from_uniform(); zero is allowed.
  /// Shapes    uniform[n * 2 * scalar_bytes], out[n * scalar_bytes].
  /// Throws    InvalidArgument for other lengths.
  void reduce(ByteSpan uniform, MutableByteSpan out) const;

  /// The encoding of the standard generator.
  /// Throws    InvalidArgument in a group without addition.
  virtual ByteSpan generator() const { refuse_addition(); }

  /// out[i] = scalar * points[i], over encoded elements.
  /// Shapes    points[n * element_bytes], out the same.
  /// Security  Every point is validated before it is multiplied; the results are never the identity.
  /// Timing    Constant in the scalar and the points; the position of a refused point is public.
  /// Threads   parallel_for; bit-identical for any thread count.
  /// Throws    PointEncoding (not canonical, or wrong length) or PointInvalid (no element, or the identity),
  /// with the
  ///           row of the first such point; `out` must then be discarded.
  void mult(const Scalar& scalar, ByteSpan points, MutableByteSpan out) const;

  /// out[i] = scalars[i] * points[i]; else as mult().
  void mult_each(const Scalars& scalars, ByteSpan points, MutableByteSpan out) const;

  /// out = the sum of scalars[i] * points[i]; an empty sum and the identity are encoded as all zeros.
  /// Shapes    scalars[n * scalar_bytes] canonical, zero allowed; points[n * element_bytes];
  /// out[element_bytes]. Timing    Variable: scalars and points must be public. Threads   parallel_for;
  /// bit-identical for any thread count. Throws    InvalidArgument with the row of a scalar that is not below
  /// the order, or in a group without
  ///           addition; PointEncoding and PointInvalid as mult().
  void linear_combination_vartime(ByteSpan scalars, ByteSpan points, MutableByteSpan out) const;

  /// out = nonce - challenge * key modulo the order: the response of a proof of knowledge of `key`.
  /// Shapes    challenge[scalar_bytes] canonical, zero allowed; out[scalar_bytes].
  /// Security  `nonce` must be used once; then the response tells nothing and may be sent.
  /// Throws    InvalidArgument when a scalar belongs to another group, or the challenge is not below the
  /// order.
  void proof_response(const Scalar& nonce, ByteSpan challenge, const Scalar& key, MutableByteSpan out) const;

 protected:
  virtual void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                         Decoded* decoded) const = 0;
  /// As mult_tile, with scalars[n * scalar_bytes].
  virtual void mult_each_tile(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                              std::uint8_t* out, Decoded* decoded) const = 0;
  virtual bool is_canonical_scalar(ByteSpan bytes) const = 0;
  virtual void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const = 0;
  virtual void invert_scalar(ByteSpan scalar, MutableByteSpan out) const = 0;
  /// out = a b modulo the order.
  virtual void multiply_scalars(ByteSpan a, ByteSpan b, MutableByteSpan out) const = 0;

  // A group whose elements cannot be added, such as X25519's, leaves these and generator() out.

  /// linear_combination_vartime() of canonical scalars; `out` is undefined unless all points decode.
  virtual void combine_vartime(const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint8_t*,
                               Decoded*) const {
    refuse_addition();
  }
  /// out = a - b c modulo the order.
  virtual void subtract_product(ByteSpan, ByteSpan, ByteSpan, MutableByteSpan) const { refuse_addition(); }

 private:
  friend class Scalar;
  friend class Scalars;

  [[noreturn]] void refuse_addition() const;
  std::size_t count_points(ByteSpan points) const;
  template <class MultTile>
  void for_each_tile(ByteSpan points, MutableByteSpan out, const MultTile& mult_tile) const;
};

/// The group of this name.
/// Throws    InvalidArgument naming the groups that exist.
const Group& find_group(std::string_view name);

/// Names of all groups.
std::vector<std::string_view> group_names();

}  // namespace isthmus
