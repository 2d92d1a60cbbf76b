#pragma once
// The secret that one run of a protocol derives everything else from.

#include <array>
#include <cstdint>
#include <string_view>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/hash/siphash.hpp"

namespace isthmus {

/// 32 secret bytes; what is derived under different labels is independent.
/// Security  Zeroised on destruction. bytes() is for sealing it, or for another process of the same party.
class SecretSeed {
 public:
  static constexpr std::size_t kBytes = 32;

  /// Draws a seed from the operating system's randomness.
  SecretSeed();

  /// Throws    InvalidArgument unless there are kBytes bytes.
  explicit SecretSeed(ByteSpan bytes);

  ByteSpan bytes() const noexcept { return bytes_; }

  /// A scalar of this group: expand_message_xmd with SHA-512, reduced modulo the order; its bias is below
  /// 2^-250.
  Scalar scalar(const Group& group) const;

  /// A key for siphash24().
  SipKey sip_key(std::string_view label) const;

 private:
  void expand(std::string_view label, MutableByteSpan out) const;

  SecretVector<std::uint8_t> bytes_;
};

}  // namespace isthmus
