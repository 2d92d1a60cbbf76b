// Incremental hashing equals one-shot hashing for every split of a message, and stretching messages side by
// side in the lanes of every backend equals stretching them one by one.

#include <algorithm>
#include <numeric>
#include <vector>

#include "../../cpp/src/hash/expand_lanes.hpp"
#include "check.hpp"
#include "isthmus/hash/expand_message.hpp"
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

// Messages of mixed lengths, so that lanes end in different blocks.
std::vector<std::vector<std::uint8_t>> messages_of(std::size_t count) {
  std::vector<std::vector<std::uint8_t>> messages(count);
  for (std::size_t i = 0; i < count; ++i) {
    messages[i].resize(i * 37 % 300);
    std::iota(messages[i].begin(), messages[i].end(), static_cast<std::uint8_t>(i));
  }
  return messages;
}

void check_lanes(const Sha512Lanes& lanes, std::size_t dst_bytes, std::size_t length) {
  std::vector<std::uint8_t> dst(dst_bytes, 'd');
  const XmdExpander<Sha512> expander(dst);
  dst.push_back(static_cast<std::uint8_t>(dst_bytes));
  for (const std::size_t count : {1, 2, 3, 4, 5, 7, 8, 9, 21}) {
    const auto messages = messages_of(count);
    const std::vector<ByteSpan> spans(messages.begin(), messages.end());
    std::vector<std::uint8_t> together(count * length), one(length);
    ExpandLanes(lanes, dst, length, (length + 63) / 64).run(spans, together.data());
    for (std::size_t i = 0; i < count; ++i) {
      expander.expand(spans[i], one);
      CHECK(std::equal(one.begin(), one.end(), together.begin() + static_cast<std::ptrdiff_t>(i * length)));
    }
  }
}

}  // namespace

int main() {
  for (const std::string& name : available_backends()) {
    for (const Backend backend : {Backend::portable, Backend::avx2, Backend::avx512ifma}) {
      if (backend_name(backend) != name) continue;
      for (const std::size_t dst_bytes : {1, 47, 100, 255}) {
        for (const std::size_t length : {1, 64, 96, 130}) {
          check_lanes(sha512_lanes_of(backend), dst_bytes, length);
        }
      }
    }
  }
  check_splits<Sha256>();
  check_splits<Sha512>();
  check_splits<Sm3>();
  return check::finish("hash");
}
