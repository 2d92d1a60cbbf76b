#include "isthmus/paillier/encrypt.hpp"

#include <algorithm>
#include <vector>

#include "isthmus/core/parallel.hpp"
#include "plaintext_reader.hpp"

namespace isthmus::paillier {
namespace {

constexpr std::size_t kBlock = 16;  // ciphertexts whose randomness is drawn together

}  // namespace

CiphertextArray encrypt(const ResidueSource& source, const IntegerBatch& plaintexts) {
  const PublicKeyPtr key = source.public_key();
  require_in_range(plaintexts, key->n());
  const std::size_t size = batch_size(plaintexts);
  source.prepare(size);
  CiphertextArray out(key, size);
  parallel_for((size + kBlock - 1) / kBlock, [&](std::size_t block) {
    const std::size_t first = block * kBlock;
    const std::size_t count = std::min(kBlock, size - first);
    source.random_residues(out.at(first), count);
    PlaintextReader reader(*key, plaintexts);
    for (std::size_t i = first; i < first + count; ++i) {
      key->n_squared().mul_one_plus(out.at(i), out.at(i), reader.element(i));
    }
  });
  return out;
}

CiphertextArray rerandomize(const ResidueSource& source, const CiphertextArray& a) {
  const PublicKeyPtr key = source.public_key();
  a.require_key(*key);
  source.prepare(a.size());
  CiphertextArray out(a.key(), a.size());
  parallel_for((a.size() + kBlock - 1) / kBlock, [&](std::size_t block) {
    const std::size_t first = block * kBlock;
    const std::size_t count = std::min(kBlock, a.size() - first);
    source.random_residues(out.at(first), count);
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = first; i < first + count; ++i) tasks.push_back({out.at(i), out.at(i), a.at(i)});
    key->n_squared().mul(tasks);
  });
  return out;
}

}  // namespace isthmus::paillier
