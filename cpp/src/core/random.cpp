#include "isthmus/core/random.hpp"

#include <sys/random.h>

#include <atomic>
#include <cerrno>
#include <numeric>
#include <utility>

#include "isthmus/core/error.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {
namespace {

bool kernel_entropy(MutableByteSpan out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    done += static_cast<std::size_t>(got);
  }
  return true;
}

std::atomic<EntropySource> entropy_source{&kernel_entropy};

// Buffers words within one call, so that shuffling n items does not cost n system calls.
class WordStream {
 public:
  ~WordStream() { zeroise(words_, sizeof words_); }
  std::uint64_t next() {
    if (used_ == kWords) {
      random_bytes({reinterpret_cast<std::uint8_t*>(words_), sizeof words_});
      used_ = 0;
    }
    return std::exchange(words_[used_++], 0);
  }
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t reject = (std::uint64_t{0} - bound) % bound;  // 2^64 mod bound
    for (;;) {
      const std::uint64_t x = next();
      if (x >= reject) return x % bound;
    }
  }

 private:
  static constexpr std::size_t kWords = 512;
  std::uint64_t words_[kWords];
  std::size_t used_ = kWords;
};

}  // namespace

void random_bytes(MutableByteSpan out) {
  if (!entropy_source.load()(out)) {
    zeroise(out.data(), out.size());
    throw Error(ErrorCode::Rng,
                "the operating system's random number generator failed; refusing to continue");
  }
}

std::uint64_t random_u64() {
  std::uint64_t x;
  random_bytes({reinterpret_cast<std::uint8_t*>(&x), sizeof x});
  return x;
}

std::uint64_t random_below(std::uint64_t bound) {
  require(bound > 0, "bound must be positive");
  const std::uint64_t reject = (std::uint64_t{0} - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t x = random_u64();
    if (x >= reject) return x % bound;
  }
}

void random_permutation(std::span<std::int64_t> out) {
  std::iota(out.begin(), out.end(), std::int64_t{0});
  WordStream words;
  for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[words.below(i)]);
}

void set_entropy_source_for_testing(EntropySource source) noexcept {
  entropy_source.store(source != nullptr ? source : &kernel_entropy);
}

}  // namespace isthmus
