#pragma once
// A batch of ciphertexts under one key.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

/// `size` ciphertexts in one contiguous block; ciphertext i is the element of key().n_squared() at at(i),
/// stride() words long. Shapes, scales and signs are the caller's.
class CiphertextArray {
 public:
  /// Uninitialised for the caller to fill.
  CiphertextArray(PublicKeyPtr key, std::size_t size);

  /// Every ciphertext 1, the encryption of 0 without randomness: the neutral element of sums. It must be
  /// rerandomized, or have fresh ciphertexts added, before it leaves this party.
  static CiphertextArray neutral(PublicKeyPtr key, std::size_t size);

  /// Parses size * ciphertext_bytes() big-endian bytes from a peer.
  /// Throws    Decode for a wrong length; CiphertextRange unless 0 < c < n^2; CiphertextNotUnit when
  ///           gcd(c, n) != 1; the last two with the row.
  static CiphertextArray from_bytes(PublicKeyPtr key, ByteSpan bytes, std::size_t size);
  PlainVector<std::uint8_t> to_bytes() const;

  std::size_t size() const noexcept { return size_; }
  std::size_t stride() const noexcept { return stride_; }
  const PublicKeyPtr& key() const noexcept { return key_; }
  Limb* at(std::size_t i) noexcept { return words_.data() + i * stride_; }
  const Limb* at(std::size_t i) const noexcept { return words_.data() + i * stride_; }

  /// Throws    KeyMismatch unless these are ciphertexts under the key with the same fingerprint.
  void require_key(const PublicKey& key) const;

 private:
  PublicKeyPtr key_;
  std::size_t size_;
  std::size_t stride_;
  PlainVector<Limb> words_;  // what peers see anyway: not wiped
};

}  // namespace isthmus::paillier
