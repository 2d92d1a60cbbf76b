#include "isthmus/paillier/ciphertext_array.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::paillier {
namespace {

using bigint::LimbSpan;
using bigint::MutableLimbSpan;

constexpr std::size_t kBlock = 64;       // ciphertexts converted together
constexpr std::size_t kUnitBlock = 256;  // ciphertexts that share one gcd

// Words of `size` elements. Throws InvalidArgument when no memory could hold them, before the product wraps.
std::size_t word_count(std::size_t size, std::size_t stride) {
  require(size <= std::numeric_limits<std::size_t>::max() / sizeof(Limb) / stride, "too many ciphertexts");
  return size * stride;
}

// a < b for equally long numbers, both public.
bool less_vartime(LimbSpan a, LimbSpan b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

// Parses `count` ciphertexts of which the first is row `row` of the array.
void import_ciphertexts(const PublicKey& key, Limb* out, ByteSpan bytes, std::size_t count, std::size_t row) {
  const bigint::SquareModulus& modulus = key.n_squared();
  const std::size_t width = key.ciphertext_bytes(), limbs = modulus.limbs();
  std::vector<Limb> values(count * limbs), bound(limbs);
  modulus.value().copy_to(bound);
  for (std::size_t i = 0; i < count; ++i) {
    const MutableLimbSpan value = MutableLimbSpan(values).subspan(i * limbs, limbs);
    bigint::limbs_from_bytes(value, bytes.subspan(i * width, width));
    const bool is_zero = std::all_of(value.begin(), value.end(), [](Limb limb) { return limb == 0; });
    if (is_zero || !less_vartime(value, bound)) {
      throw Error(ErrorCode::CiphertextRange, "a ciphertext lies outside 0 < c < n^2", row + i);
    }
  }
  modulus.import_rows(out, values, count);
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
  parallel_blocks(size, kBlock, [&](std::size_t first, std::size_t count) {
    import_ciphertexts(k, out.at(first), bytes.subspan(first * width, count * width), count, first);
  });
  parallel_for((size + kUnitBlock - 1) / kUnitBlock, [&](std::size_t block) {
    const std::size_t first = block * kUnitBlock;
    const std::size_t count = std::min(kUnitBlock, size - first);
    const std::size_t row = k.n_squared().find_non_unit(out.at(first), count);
    if (row < count) throw Error(ErrorCode::CiphertextNotUnit, "a ciphertext is not a unit", first + row);
  });
  return out;
}

PlainVector<std::uint8_t> CiphertextArray::to_bytes() const {
  const std::size_t width = key_->ciphertext_bytes();
  PlainVector<std::uint8_t> bytes(size_ * width);
  const std::size_t limbs = key_->n_squared().limbs();
  parallel_blocks(size_, kBlock, [&](std::size_t first, std::size_t count) {
    SecretVector<Limb> values(count * limbs);
    key_->n_squared().export_rows(values, at(first), count);
    for (std::size_t i = 0; i < count; ++i) {
      bigint::limbs_to_bytes(MutableByteSpan(bytes).subspan((first + i) * width, width),
                             LimbSpan(values).subspan(i * limbs, limbs));
    }
  });
  return bytes;
}

void CiphertextArray::require_key(const PublicKey& key) const {
  if (key_->fingerprint() == key.fingerprint()) return;
  throw Error(ErrorCode::KeyMismatch, "the ciphertexts belong to another key");
}

}  // namespace isthmus::paillier
