// Large blocks: which are kept, for whom, and how many.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "check.hpp"
#include "isthmus/core/memory.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

using namespace isthmus;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// A block that goes back at the end of the scope, every byte of it written.
class Block {
 public:
  explicit Block(std::size_t bytes, int filling = 1) : bytes_(bytes), data_(allocate_block(bytes)) {
    std::memset(data_, filling, bytes);
  }
  ~Block() { free_block(data_, bytes_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::size_t address() const { return reinterpret_cast<std::uintptr_t>(data_); }
  bool is_all(int filling) const {
    const auto* const bytes = static_cast<const unsigned char*>(data_);
    return std::all_of(bytes, bytes + bytes_, [=](unsigned char byte) { return byte == filling; });
  }

 private:
  std::size_t bytes_;
  void* data_;
};

std::size_t address_of_a_block(std::size_t bytes) { return Block(bytes).address(); }

void test_reuse() {
  for (const std::size_t bytes : {kLargeBlock, 5 * kMiB, 3 * kMiB + 8, kMostKeptBytes - kMiB}) {
    drop_kept_blocks();
    const std::size_t first = address_of_a_block(bytes);
    CHECK(kept_bytes() >= bytes && kept_bytes() <= bytes + bytes / 8);
    const Block again(bytes);
    CHECK(again.address() == first);
    CHECK(kept_bytes() == 0);
    const Block other(bytes);  // while the first is in use
    CHECK(other.address() != first);
  }
}

// A block serves a size close to its own, and none that would waste much of it.
void test_sizes() {
  drop_kept_blocks();
  const std::size_t large = address_of_a_block(8 * kMiB - 4096);
  CHECK(address_of_a_block(8 * kMiB - 8192) == large);
  CHECK(address_of_a_block(6 * kMiB) != large);
  CHECK(address_of_a_block(9 * kMiB) != large);
  drop_kept_blocks();
  CHECK(kept_bytes() == 0);
  for (std::size_t bytes = kLargeBlock; bytes < 2 * kMiB; bytes += 12'345) {
    address_of_a_block(bytes);
    CHECK(kept_bytes() >= bytes && kept_bytes() <= bytes + bytes / 8);
    drop_kept_blocks();
  }
}

void test_bound() {
  drop_kept_blocks();
  address_of_a_block(kLargeBlock - 1);
  CHECK(kept_bytes() == 0);
  address_of_a_block(kMostKeptBytes + 1);
  CHECK(kept_bytes() == 0);

  address_of_a_block(5 * kMiB);
  const std::size_t second = address_of_a_block(6 * kMiB);
  address_of_a_block(55 * kMiB);  // the oldest must make room for it, and no other
  const std::size_t before = kept_bytes();
  CHECK(before > 60 * kMiB && before <= kMostKeptBytes);
  {
    const Block fresh(5 * kMiB);
    CHECK(kept_bytes() == before);
    const Block taken(6 * kMiB);
    CHECK(taken.address() == second);
  }
  std::vector<void*> blocks;
  constexpr std::size_t kMany = 2 * kMostKeptBytes / kLargeBlock;
  for (std::size_t i = 0; i < kMany; ++i) blocks.push_back(allocate_block(kLargeBlock));
  std::size_t most = 0;
  for (void* const block : blocks) {
    free_block(block, kLargeBlock);
    most = std::max(most, kept_bytes());
  }
  CHECK(most > kMostKeptBytes - kMiB && most <= kMostKeptBytes);
  drop_kept_blocks();
}

void test_alignment() {
  drop_kept_blocks();
  for (const std::size_t bytes : {std::size_t{1}, kLargeBlock - 1, kLargeBlock, kLargeBlock + 1, 7 * kMiB}) {
    for (int round = 0; round < 2; ++round) CHECK(address_of_a_block(bytes) % 64 == 0);
  }
  PlainVector<std::uint64_t> vector(kMiB);
  vector.push_back(1);
  CHECK(reinterpret_cast<std::uintptr_t>(vector.data()) % 64 == 0);
}

// Whether `rounds` blocks of changing sizes hold what this thread alone wrote to them.
bool blocks_are_own(unsigned seed, int rounds) {
  bool own = true;
  for (int i = 0; i < rounds; ++i) {
    const int filling = static_cast<int>(seed * 31 + static_cast<unsigned>(i)) % 256;
    const std::size_t bytes = kLargeBlock + (seed + static_cast<unsigned>(i)) % 5 * 100'000;
    const Block one(bytes, filling), two(bytes, 255 - filling);
    own = own && one.is_all(filling) && two.is_all(255 - filling);
  }
  return own;
}

void test_threads() {
  std::atomic<int> own{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 8; ++seed) {
    threads.emplace_back([&own, seed] { own += blocks_are_own(seed, 40) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(own == 8);
  CHECK(kept_bytes() <= kMostKeptBytes);
}

// Children of a process whose threads allocate all the time find no lock taken and memory of their own.
void test_fork() {
  drop_kept_blocks();
  const std::size_t address = address_of_a_block(kMiB);
  std::atomic<bool> stop{false};
  std::thread busy([&stop] {
    while (!stop) free_block(allocate_block(2 * kMiB), 2 * kMiB);
  });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a child that waits for ever fails the test
      const bool reused = Block(kMiB, 7).address() == address;
      _exit(reused && blocks_are_own(1, 3) ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  stop = true;
  busy.join();
  void* const block = allocate_block(kMiB);
  CHECK(reinterpret_cast<std::uintptr_t>(block) == address);
  CHECK(*static_cast<unsigned char*>(block) == 1);  // not what the children wrote
  free_block(block, kMiB);
}

#ifndef __SANITIZE_ADDRESS__  // which needs address space for itself
// Before a request fails, what is kept is given up for it.
void test_shortage() {
  const pid_t child = fork();
  if (child == 0) {
    drop_kept_blocks();
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t space = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + 80 * kMiB;
    const rlimit limit{space, space};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    free_block(allocate_block(48 * kMiB), 48 * kMiB);
    if (kept_bytes() != 48 * kMiB) _exit(3);
    free_block(allocate_block(70 * kMiB), 70 * kMiB);  // more than the limit leaves beside the kept block
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}
#endif

#ifdef __SANITIZE_ADDRESS__
// What is kept, or lies beyond what was asked for, is still watched.
void test_sanitizer() {
  drop_kept_blocks();
  for (const std::size_t bytes : {kMiB, kMiB + 8}) {
    auto* const block = static_cast<char*>(allocate_block(bytes));
    CHECK(__asan_region_is_poisoned(block, bytes) == nullptr);
    CHECK(__asan_address_is_poisoned(block + bytes));
    free_block(block, bytes);
    CHECK(__asan_address_is_poisoned(block) && __asan_address_is_poisoned(block + bytes - 1));
  }
}
#endif

// Freed after main, when the destructors of static objects run.
PlainVector<std::uint64_t> freed_late;

}  // namespace

int main() {
  freed_late.resize(kMiB);
  test_reuse();
  test_sizes();
  test_bound();
  test_alignment();
  test_threads();
  test_fork();
#ifdef __SANITIZE_ADDRESS__
  test_sanitizer();
#else
  test_shortage();
#endif
  return check::finish("memory");
}
