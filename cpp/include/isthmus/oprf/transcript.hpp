#pragma once
// Hashing of what the parties said to scalars of a group: the random oracle of RFC 9497.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/curve/group.hpp"

namespace isthmus::oprf {

struct GroupHash;

/// Bytes in which every part is preceded by its length, as RFC 9497 writes them.
class Transcript {
 public:
  /// Appends the length of `part`, two bytes, and `part`.
  Transcript& prefixed(ByteSpan part);
  /// Appends bytes as they are.
  Transcript& raw(ByteSpan bytes);
  Transcript& raw(std::string_view text);
  /// Appends a number, two bytes, big-endian.
  Transcript& number(std::size_t value);

  ByteSpan bytes() const noexcept { return bytes_; }
  void clear() noexcept { bytes_.clear(); }

 private:
  SecretVector<std::uint8_t> bytes_;
};

/// The hash that belongs to a group, and the map of its output to scalars (RFC 9497, section 4): SHA-512 for
/// ristretto255, SHA-256 for P-256, SM3 for SM2.
class ScalarHash {
 public:
  /// Throws    InvalidArgument for a group without addition.
  explicit ScalarHash(const Group& group);

  const Group& group() const noexcept { return *group_; }
  std::size_t digest_bytes() const noexcept;

  /// out[digest_bytes] = the hash of the parts, one after the other.
  void digest(std::initializer_list<ByteSpan> parts, std::uint8_t* out) const;

  /// out = HashToScalar of each message under this tag; zero is possible.
  /// Shapes    out[messages.size() * scalar_bytes].
  /// Timing    Depends on the lengths only.
  void to_scalars(std::span<const ByteSpan> messages, ByteSpan dst, MutableByteSpan out) const;

 private:
  const Group* group_;
  const GroupHash* row_;
};

}  // namespace isthmus::oprf
