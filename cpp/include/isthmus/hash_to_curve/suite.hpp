#pragma once
// Hashing messages to curve points: the RFC 9380 suites.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/hash/expand_message.hpp"

namespace isthmus {

/// A batch of messages, read one at a time by any thread.
class MessageBatch {
 public:
  virtual ~MessageBatch() = default;
  virtual std::size_t size() const noexcept = 0;

  /// Message i: borrowed from the batch, or built in `scratch`, whose earlier content is lost.
  virtual ByteSpan message(std::size_t i, SecretVector<std::uint8_t>& scratch) const = 0;
};

/// One suite: how messages are stretched and how the stretched bytes become a point. Tile functions work on
/// one thread and in constant time.
struct Suite {
  std::string_view name;      ///< the RFC's identifier, for example "ristretto255_XMD:SHA-512_R255MAP_RO_"
  std::string_view group;     ///< the Group it maps into; empty for a curve that is not one
  std::size_t uniform_bytes;  ///< what the map takes per message
  std::size_t element_bytes;  ///< what it yields: an encoded element, or two little-endian affine coordinates
  std::unique_ptr<Expander> (*expander)(ByteSpan dst);
  void (*map)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  /// scalar times map(); null where there is no group.
  void (*map_mult)(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  /// The same with a scalar for every row; null where the group has no addition.
  void (*map_mult_each)(const std::uint8_t* scalars, const std::uint8_t* uniform, std::size_t n,
                        std::uint8_t* out);
};

/// The suite of this RFC identifier, or the one that maps into this group.
/// Throws    HashToCurve naming the suites that exist.
const Suite& find_suite(std::string_view name);
const Suite& suite_of_group(std::string_view group);
std::vector<std::string_view> suite_names();

/// out[i] = hash_to_curve(messages[i]) (encode_to_curve for the _NU_ suites).
/// Shapes    out[messages.size() * suite.element_bytes].
/// Timing    Depends on the messages' lengths only.
/// Threads   parallel_for; bit-identical for any thread count.
/// Throws    HashToCurve for an empty dst; whatever messages.message() throws.
void hash_to_curve(const Suite& suite, const MessageBatch& messages, ByteSpan dst, MutableByteSpan out);

/// out[i] = scalar * hash_to_curve(messages[i]), without encoding the points in between.
/// Throws    InvalidArgument when the scalar belongs to another group; else as hash_to_curve().
void hash_to_curve_mult(const Suite& suite, const MessageBatch& messages, ByteSpan dst, const Scalar& scalar,
                        MutableByteSpan out);

/// out[i] = scalars[i] * hash_to_curve(messages[i]).
/// Throws    InvalidArgument when the scalars belong to another group, are not as many as the messages, or
/// the group has
///           no addition; else as hash_to_curve().
void hash_to_curve_mult_each(const Suite& suite, const MessageBatch& messages, ByteSpan dst,
                             const Scalars& scalars, MutableByteSpan out);

}  // namespace isthmus
