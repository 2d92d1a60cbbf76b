#include "isthmus/paillier/encrypt.hpp"

#include <vector>

#include "blocks.hpp"
#include "owner_residues.hpp"
#include "plaintext_reader.hpp"

namespace isthmus::paillier {
namespace {

constexpr std::size_t kBlock = OwnerResidues::kBlock;  // ciphertexts whose randomness is drawn together

}  // namespace

CiphertextArray encrypt(const ResidueSource& source, const IntegerBatch& plaintexts) {
  const PublicKeyPtr key = source.public_key();
  require_in_range(plaintexts, key->n());
  const std::size_t size = batch_size(plaintexts);
  source.prepare(size);
  CiphertextArray out(key, size);
  parallel_blocks(size, kBlock, [&](std::size_t first, std::size_t count) {
    source.random_residues(out.at(first), count);
    const bigint::AlignedLimbs elements = plaintext_elements(*key, plaintexts, first, count);
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = 0; i < count; ++i) {
      tasks.push_back({out.at(first + i), out.at(first + i), elements.data() + i * out.stride() / 2});
    }
    key->n_squared().mul_one_plus(tasks);
  });
  return out;
}

CiphertextArray rerandomize(const ResidueSource& source, const CiphertextArray& a) {
  const PublicKeyPtr key = source.public_key();
  a.require_key(*key);
  source.prepare(a.size());
  CiphertextArray out(a.key(), a.size());
  parallel_blocks(a.size(), kBlock, [&](std::size_t first, std::size_t count) {
    source.random_residues(out.at(first), count);
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = first; i < first + count; ++i) tasks.push_back({out.at(i), out.at(i), a.at(i)});
    key->n_squared().mul(tasks);
  });
  return out;
}

}  // namespace isthmus::paillier
