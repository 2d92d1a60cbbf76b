#pragma once

#include "isthmus/paillier/keys.hpp"
#include "isthmus/paillier/plaintext.hpp"

namespace isthmus::paillier {

/// Turns integers of a batch, already known to be in range, into elements modulo n. One per thread.
class PlaintextReader {
 public:
  PlaintextReader(const PublicKey& key, const IntegerBatch& batch)
      : root_(key.n_squared().root()),
        batch_(batch),
        magnitude_(magnitude_limbs(batch)),
        zero_(root_.stride()),
        element_(root_.stride()),
        negated_(root_.stride()) {}

  /// The element of (integer i mod n), valid until the next call. Constant time in the integer.
  const Limb* element(std::size_t i) {
    const Limb negative = ct_mask(read_integer(batch_, i, magnitude_));
    root_.import_limbs(element_.data(), magnitude_);
    root_.sub(negated_.data(), zero_.data(), element_.data());
    for (std::size_t j = 0; j < element_.size(); ++j) {
      element_[j] = ct_select(negative, negated_[j], element_[j]);
    }
    return element_.data();
  }

 private:
  const bigint::Modulus& root_;
  const IntegerBatch& batch_;
  SecretVector<Limb> magnitude_;
  bigint::AlignedLimbs zero_, element_, negated_;
};

}  // namespace isthmus::paillier
