#include "isthmus/aggregate/compress.hpp"

#include <algorithm>
#include <vector>

#include "isthmus/aggregate/packing.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::aggregate {
namespace {

using bigint::MulTask;
using paillier::CiphertextArray;

constexpr std::size_t kLanes = 8;  // groups folded side by side, so that a vector backend fills its lanes

void fold(const CiphertextArray& in, std::size_t slots, std::size_t slot_bits, std::size_t begin,
          std::size_t end, CiphertextArray& out) {
  const bigint::SquareModulus& modulus = in.key()->n_squared();
  std::vector<MulTask> squarings;
  std::vector<MulTask> products;
  for (std::size_t k = slots; k-- > 0;) {
    for (std::size_t bit = 0; bit < slot_bits && !squarings.empty(); ++bit) modulus.sqr(squarings);
    products.clear();
    squarings.clear();
    for (std::size_t g = begin; g < end; ++g) {
      if (g * slots + k >= in.size()) continue;  // the last group may be short
      products.push_back({out.at(g), out.at(g), in.at(g * slots + k)});
      squarings.push_back({out.at(g), out.at(g), out.at(g)});
    }
    modulus.mul(products);
  }
}

}  // namespace

CiphertextArray compress(const CiphertextArray& in, std::size_t slot_bits) {
  const std::size_t slots = slots_per_plaintext(in.key()->key_bits(), slot_bits);
  CiphertextArray out = CiphertextArray::neutral(in.key(), (in.size() + slots - 1) / slots);
  parallel_for((out.size() + kLanes - 1) / kLanes, [&](std::size_t block) {
    fold(in, slots, slot_bits, block * kLanes, std::min(out.size(), (block + 1) * kLanes), out);
  });
  return out;
}

}  // namespace isthmus::aggregate
