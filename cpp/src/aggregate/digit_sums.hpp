#pragma once
// The weights' digits: which width, and how the sums of each digit become the weighted sum.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "isthmus/aggregate/label_columns.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"
#include "weight_labels.hpp"

namespace isthmus::aggregate {

/// The digit width that needs the fewest products for `features`, each with `rows` weights of at most
/// magnitudes[feature].
unsigned choose_width(const std::vector<std::size_t>& features, const std::vector<std::uint64_t>& magnitudes,
                      std::size_t rows, std::size_t element_words);

/// out[feature] = prod in[i]^weight, for the features of `labeler`, whose digits `labels` gives for each row.
void weigh_digits(const paillier::CiphertextArray& in, const DigitLabels& labeler, const LabelColumns& labels,
                  unsigned width, paillier::CiphertextArray& out);

}  // namespace isthmus::aggregate
