#pragma once

#include "isthmus/paillier/keys.hpp"
#include "isthmus/paillier/plaintext.hpp"

namespace isthmus::paillier {

/// The elements of (integer i mod n) for i in [first, first + count) of a batch that is known to be in range.
/// Constant time in the integers.
inline bigint::AlignedLimbs plaintext_elements(const PublicKey& key, const IntegerBatch& batch,
                                               std::size_t first, std::size_t count) {
  const bigint::Modulus& root = key.n_squared().root();
  const std::size_t k = root.stride(), width = magnitude_limbs(batch);
  SecretVector<Limb> magnitudes(count * width), negative(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bigint::MutableLimbSpan magnitude = bigint::MutableLimbSpan(magnitudes).subspan(i * width, width);
    negative[i] = ct_mask(read_integer(batch, first + i, magnitude));
  }
  bigint::AlignedLimbs elements(count * k), negated(k);
  const bigint::AlignedLimbs zero(k);
  root.import_rows(elements.data(), magnitudes, count);
  for (std::size_t i = 0; i < count; ++i) {
    Limb* const element = elements.data() + i * k;
    root.sub(negated.data(), zero.data(), element);
    for (std::size_t j = 0; j < k; ++j) element[j] = ct_select(negative[i], negated[j], element[j]);
  }
  return elements;
}

}  // namespace isthmus::paillier
