#include "isthmus/paillier/ciphertext_array.hpp"

#include <algorithm>
#include <limits>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::paillier {
namespace {

constexpr std::size_t kUnitBlock = 256;  // ciphertexts that share one gcd

// Words of `size` elements. Throws InvalidArgument when no memory could hold them, before the product wraps.
std::size_t word_count(std::size_t size, std::size_t stride) {
  require(size <= std::numeric_limits<std::size_t>::max() / sizeof(Limb) / stride, "too many ciphertexts");
  return size * stride;
}

// Parses one ciphertext. n_squared and the value are compared as numbers: both are public.
void import_ciphertext(const PublicKey& key, Limb* out, ByteSpan bytes, std::size_t row) {
  const Natural value = Natural::from_bytes(bytes);
  if (value.is_zero() || value >= key.n_squared().value()) {
    throw Error(ErrorCode::CiphertextRange, "a ciphertext lies outside 0 < c < n^2", row);
  }
  key.n_squared().import_value(out, value);
}

}  // namespace

CiphertextArray::CiphertextArray(PublicKeyPtr key, std::size_t size)
    : key_(std::move(key)),
      size_(size),
      stride_(key_->n_squared().stride()),
      words_(word_count(size, stride_)) {}

CiphertextArray CiphertextArray::neutral(PublicKeyPtr key, std::size_t size) {
  CiphertextArray out(std::move(key), size);
  for (std::size_t i = 0; i < size; ++i) out.key_->n_squared().set_one(out.at(i));
  return out;
}

CiphertextArray CiphertextArray::from_bytes(PublicKeyPtr key, ByteSpan bytes, std::size_t size) {
  const std::size_t width = key->ciphertext_bytes();
  if (bytes.size() / width != size || bytes.size() % width != 0) {
    throw Error(ErrorCode::Decode, "expected " + std::to_string(size) + " ciphertexts of " +
                                       std::to_string(width) + " bytes, got " + std::to_string(bytes.size()) +
                                       " bytes");
  }
  CiphertextArray out(std::move(key), size);
  const PublicKey& k = *out.key_;
  parallel_for(
      size, [&](std::size_t i) { import_ciphertext(k, out.at(i), bytes.subspan(i * width, width), i); }, 16);
  parallel_for((size + kUnitBlock - 1) / kUnitBlock, [&](std::size_t block) {
    const std::size_t first = block * kUnitBlock;
    const std::size_t count = std::min(kUnitBlock, size - first);
    const std::size_t row = k.n_squared().find_non_unit(out.at(first), count);
    if (row < count) throw Error(ErrorCode::CiphertextNotUnit, "a ciphertext is not a unit", first + row);
  });
  return out;
}

std::vector<std::uint8_t> CiphertextArray::to_bytes() const {
  const std::size_t width = key_->ciphertext_bytes();
  std::vector<std::uint8_t> bytes(size_ * width);
  parallel_for(
      size_,
      [&](std::size_t i) {
        SecretVector<Limb> limbs(key_->n_squared().limbs());
        key_->n_squared().export_limbs(limbs, at(i));
        bigint::limbs_to_bytes(MutableByteSpan(bytes).subspan(i * width, width), limbs);
      },
      16);
  return bytes;
}

void CiphertextArray::require_key(const PublicKey& key) const {
  if (key_->fingerprint() == key.fingerprint()) return;
  throw Error(ErrorCode::KeyMismatch, "the ciphertexts belong to another key");
}

}  // namespace isthmus::paillier
