// The store of a randomizer pool, and the pool among threads and forks.

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <numeric>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "../../cpp/src/paillier/randomizer_ring.hpp"
#include "check.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/paillier/private_key.hpp"
#include "isthmus/paillier/randomizer_pool.hpp"

using namespace isthmus;
using namespace isthmus::paillier;

namespace {

using Element = std::vector<Limb>;

void test_ring() {
  RandomizerRing ring(5, 3);
  std::vector<Limb> in(15), out(15);
  std::iota(in.begin(), in.end(), Limb{100});
  ring.push(in.data(), 4);
  ring.pop(out.data(), 2);
  ring.push(in.data() + 12, 1);
  ring.push(in.data(), 2);  // around the end
  CHECK(ring.size() == 5);
  ring.pop(out.data() + 6, 3);
  CHECK(std::equal(out.begin(), out.end(), in.begin()));
  CHECK(!ring.is_blank());
  ring.pop(out.data(), 2);
  CHECK(std::equal(out.begin(), out.begin() + 6, in.begin()));
  CHECK(ring.size() == 0);
  CHECK(ring.is_blank());
  ring.push(in.data(), 5);
  ring.wipe();
  CHECK(ring.is_blank());
  CHECK(ring.size() == 0);
}

// A child sees that the ring is not its own, and finds nothing in it.
void test_ring_after_fork() {
  RandomizerRing ring(2, 4);
  const std::vector<Limb> in(8, 7);
  ring.push(in.data(), 2);
  const pid_t child = fork();
  if (child == 0) _exit(ring.is_own() || !ring.is_blank() ? 1 : 0);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(ring.is_own());
}

void wait_until_ready(const RandomizerPool& pool, std::size_t count) {
  for (int i = 0; i < 6000 && pool.ready() < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(pool.ready() >= count);
}

std::set<Element> draw(const ResidueSource& source, std::size_t count) {
  const std::size_t stride = source.public_key()->n_squared().stride();
  Element words(count * stride);
  source.random_residues(words.data(), count);
  std::set<Element> drawn;
  for (std::size_t i = 0; i < count; ++i) {
    drawn.emplace(words.begin() + static_cast<std::ptrdiff_t>(i * stride),
                  words.begin() + static_cast<std::ptrdiff_t>((i + 1) * stride));
  }
  return drawn;
}

// Several threads draw more than is stored: no randomizer twice, and none missing.
void test_threads(const std::shared_ptr<const PrivateKey>& key) {
  RandomizerPool pool(key, 40);
  wait_until_ready(pool, 32);
  CHECK(pool.ready() <= pool.capacity());
  std::mutex mutex;
  std::set<Element> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 6; ++i) {
        const std::set<Element> drawn = draw(pool, 7);
        const std::lock_guard<std::mutex> lock(mutex);
        seen.insert(drawn.begin(), drawn.end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(seen.size() == 4 * 6 * 7);
  CHECK(pool.ready() <= pool.capacity());
  pool.stop();
  CHECK(pool.ready() == 0);
  CHECK(draw(pool, 3).size() == 3);
  pool.stop();
}

// The child draws, stops and destroys its copy of the pool without the parent's thread.
void test_fork(const std::shared_ptr<const PrivateKey>& key) {
  auto pool = std::make_unique<RandomizerPool>(key, 16);
  wait_until_ready(*pool, 16);
  const std::size_t stride = key->public_key()->n_squared().stride();
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Element words(4 * stride);
    pool->random_residues(words.data(), 4);
    const std::size_t bytes = words.size() * sizeof(Limb);
    const bool sent = write(pipe_ends[1], words.data(), bytes) == static_cast<ssize_t>(bytes);
    const bool empty = pool->ready() == 0;
    pool->stop();
    pool.reset();
    _exit(sent && empty ? 0 : 1);
  }
  Element words(4 * stride);
  auto* at = reinterpret_cast<char*>(words.data());
  for (std::size_t left = words.size() * sizeof(Limb); left > 0;) {
    const ssize_t got = read(pipe_ends[0], at, left);
    if (got <= 0) break;
    at += got;
    left -= static_cast<std::size_t>(got);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const std::set<Element> stored = draw(*pool, 16);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto first = words.begin() + static_cast<std::ptrdiff_t>(i * stride);
    CHECK(!stored.contains(Element(first, first + static_cast<std::ptrdiff_t>(stride))));
  }
}

// Without address space for one more stack there is no thread. In a child; stacks left over are used up
// first.
void test_without_threads(const std::shared_ptr<const PrivateKey>& key) {
  const pid_t child = fork();
  if (child == 0) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (std::size_t{2} << 20),
                       RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    try {
      for (;;) std::thread([] { pause(); }).detach();
    } catch (const std::system_error&) {
    }
    bool refused = false;
    try {
      const RandomizerPool pool(key, 16);
    } catch (const Error& error) {
      refused = error.code() == ErrorCode::Resource;
    }
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    _exit(refused && sigismember(&blocked, SIGALRM) == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  test_ring();
  test_ring_after_fork();
  const auto key = PrivateKey::generate(2048, true);
  key->prepare(RandomizerPool::kMaxCapacity);
  test_without_threads(key);
  test_threads(key);
  test_fork(key);
  CHECK_THROWS(RandomizerPool(key, 0), ErrorCode::InvalidArgument);
  CHECK_THROWS(RandomizerPool(key, RandomizerPool::kMaxCapacity + 1), ErrorCode::InvalidArgument);
  return check::finish("randomizer_pool");
}
