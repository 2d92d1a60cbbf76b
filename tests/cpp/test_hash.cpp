// Incremental hashing equals one-shot hashing for every split of a message.

#include <numeric>
#include <vector>

#include "check.hpp"
#include "isthmus/hash/sha2.hpp"
#include "isthmus/hash/sm3.hpp"

using namespace isthmus;

namespace {

template <class Hash>
void check_splits() {
  std::vector<std::uint8_t> message(2 * Hash::kBlockBytes + 7);
  std::iota(message.begin(), message.end(), std::uint8_t{1});
  const ByteSpan all(message);
  const auto expected = Hash().update(all).finish();
  for (std::size_t i = 0; i <= message.size(); ++i) {
    Hash prefix;
    prefix.update(all.first(i));
    for (const std::size_t j : {i, (i + message.size()) / 2, message.size()}) {
      Hash fork = prefix;
      fork.update(all.subspan(i, j - i)).update(all.subspan(j));
      CHECK(fork.finish() == expected);
    }
  }
}

}  // namespace

int main() {
  check_splits<Sha256>();
  check_splits<Sha512>();
  check_splits<Sm3>();
  return check::finish("hash");
}
