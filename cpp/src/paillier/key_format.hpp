#pragma once
// The byte form of keys: magic (4 bytes, the last one the version), kind (1), key bits (2, big-endian), then
// numbers of fixed width, big-endian.

#include <algorithm>
#include <array>
#include <cstdint>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus::paillier {

using Magic = std::array<std::uint8_t, 4>;
inline constexpr Magic kPublicKeyMagic = {'I', 'P', 'K', 1};
inline constexpr Magic kPrivateKeyMagic = {'I', 'S', 'K', 1};

enum class KeyKind : std::uint8_t { standard = 0, djn = 1 };

class KeyWriter {
 public:
  KeyWriter(const Magic& magic, KeyKind kind, std::size_t key_bits) {
    bytes_.assign(magic.begin(), magic.end());
    bytes_.push_back(static_cast<std::uint8_t>(kind));
    bytes_.push_back(static_cast<std::uint8_t>(key_bits >> 8));
    bytes_.push_back(static_cast<std::uint8_t>(key_bits));
  }
  void number(const bigint::Natural& value, std::size_t width) {
    bytes_.resize(bytes_.size() + width);
    value.to_bytes(MutableByteSpan(bytes_).last(width));
  }
  const SecretVector<std::uint8_t>& bytes() const noexcept { return bytes_; }

 private:
  SecretVector<std::uint8_t> bytes_;
};

/// Throws    Decode for anything but the exact form.
class KeyReader {
 public:
  KeyReader(ByteSpan bytes, const Magic& magic) {
    constexpr std::size_t kHeader = 7;
    require_form(bytes.size() >= kHeader && std::equal(magic.begin(), magic.end(), bytes.begin()));
    require_form(bytes[4] <= 1);
    kind_ = static_cast<KeyKind>(bytes[4]);
    key_bits_ = std::size_t{bytes[5]} << 8 | bytes[6];
    rest_ = bytes.subspan(kHeader);
  }
  KeyKind kind() const noexcept { return kind_; }
  std::size_t key_bits() const noexcept { return key_bits_; }
  std::size_t n_bytes() const noexcept { return (key_bits_ + 7) / 8; }

  bigint::Natural number(std::size_t width) {
    require_form(rest_.size() >= width);
    const bigint::Natural value = bigint::Natural::from_bytes(rest_.first(width));
    rest_ = rest_.subspan(width);
    return value;
  }
  void finish() const { require_form(rest_.empty()); }

 private:
  static void require_form(bool condition) {
    if (!condition) throw Error(ErrorCode::Decode, "the bytes are not a key of this format and version");
  }
  ByteSpan rest_;
  KeyKind kind_;
  std::size_t key_bits_;
};

}  // namespace isthmus::paillier
