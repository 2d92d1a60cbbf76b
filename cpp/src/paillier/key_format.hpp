#pragma once
// The byte form of keys: magic (4 bytes, the last one the version), kind (1), key bits (2, big-endian), then
// numbers of fixed width, big-endian. A public key: n, and hs unless it is standard; a private key: p, q, and
// hs unless it is standard. Fast keys add their exponent bits (2), and private ones p' and q'. Readers of a
// version refuse the kinds they do not know.

#include <algorithm>
#include <array>
#include <cstdint>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

using Magic = std::array<std::uint8_t, 4>;
inline constexpr Magic kPublicKeyMagic = {'I', 'P', 'K', 1};
inline constexpr Magic kPrivateKeyMagic = {'I', 'S', 'K', 1};

class KeyWriter {
 public:
  KeyWriter(const Magic& magic, KeyKind kind, std::size_t key_bits) {
    bytes_.assign(magic.begin(), magic.end());
    bytes_.push_back(static_cast<std::uint8_t>(kind));
    small_number(key_bits);
  }
  void small_number(std::size_t value) {
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  void number(const bigint::Natural& value, std::size_t width) {
    bytes_.resize(bytes_.size() + width);
    value.to_bytes(MutableByteSpan(bytes_).last(width));
  }
  /// What KeyReader::base() reads.
  void base(const PublicKey& key) {
    if (!key.base()) return;
    number(key.base()->hs, key.ciphertext_bytes());
    if (key.kind() == KeyKind::fast) small_number(key.base()->exponent_bits);
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
    require_form(bytes[4] <= static_cast<std::uint8_t>(KeyKind::fast));
    kind_ = static_cast<KeyKind>(bytes[4]);
    rest_ = bytes.subspan(5);
    key_bits_ = small_number();
  }
  KeyKind kind() const noexcept { return kind_; }
  std::size_t key_bits() const noexcept { return key_bits_; }
  std::size_t n_bytes() const noexcept { return (key_bits_ + 7) / 8; }

  /// hs and the exponent bits; the latter follow from the kind but for fast keys.
  std::optional<RandomizerBase> base() {
    if (kind_ == KeyKind::standard) return std::nullopt;
    RandomizerBase base{kind_, number(2 * n_bytes()), key_bits_ / 2};
    if (kind_ == KeyKind::fast) base.exponent_bits = small_number();
    return base;
  }
  bigint::Natural number(std::size_t width) {
    require_form(rest_.size() >= width);
    const bigint::Natural value = bigint::Natural::from_bytes(rest_.first(width));
    rest_ = rest_.subspan(width);
    return value;
  }
  void finish() const { require_form(rest_.empty()); }

 private:
  std::size_t small_number() {
    require_form(rest_.size() >= 2);
    const std::size_t value = std::size_t{rest_[0]} << 8 | rest_[1];
    rest_ = rest_.subspan(2);
    return value;
  }
  static void require_form(bool condition) {
    if (!condition) throw Error(ErrorCode::Decode, "the bytes are not a key of this format and version");
  }
  ByteSpan rest_;
  KeyKind kind_;
  std::size_t key_bits_;
};

}  // namespace isthmus::paillier
