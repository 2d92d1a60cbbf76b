#include "isthmus/paillier/randomizer_pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "isthmus/core/error.hpp"
#include "randomizer_ring.hpp"

namespace isthmus::paillier {
namespace {

// Randomizers made together: they share their way through the table, and the owner's check.
constexpr std::size_t kBlock = 32;
constexpr int kNiceness = 10;

/// Makes the calling thread give way to others.
void become_background() noexcept {
#ifdef __linux__
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness);
#endif
}

/// Blocks all signals for the calling thread, and for those it starts meanwhile: they stay with the threads
/// that expect them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

/// What the thread and those who draw share.
class RandomizerPool::Store {
 public:
  Store(const ResidueSource& source, std::size_t capacity)
      : source_(source), words_(source.public_key()->n_squared().stride()), ring_(capacity, words_) {
    const SignalsBlocked blocked;
    try {
      thread_ = std::thread([this] { fill(); });
    } catch (const std::system_error&) {
      throw Error(ErrorCode::Resource, "the system gave no thread to fill the pool");
    }
  }

  /// Requires  is_own().
  ~Store() { stop(); }

  bool is_own() const noexcept { return ring_.is_own(); }
  std::size_t capacity() const noexcept { return ring_.capacity(); }

  std::size_t ready() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ring_.size();
  }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    const std::lock_guard<std::mutex> joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
    const std::lock_guard<std::mutex> lock(mutex_);
    ring_.wipe();
  }

  /// Takes up to `count` out of the store and returns how many.
  std::size_t take(Limb* out, std::size_t count) {
    std::size_t taken = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      taken = std::min(count, ring_.size());
      ring_.pop(out, taken);
    }
    if (taken > 0) room_.notify_one();
    return taken;
  }

 private:
  void fill() noexcept {
    become_background();
    // Blocks of one size, as many as make the store full.
    const std::size_t blocks = (ring_.capacity() + kBlock - 1) / kBlock;
    const std::size_t block = ring_.capacity() / blocks;
    try {
      bigint::AlignedLimbs made(block * words_);
      for (std::unique_lock<std::mutex> lock(mutex_);;) {
        room_.wait(lock, [&] { return stopping_ || ring_.size() + block <= ring_.capacity(); });
        if (stopping_) return;
        lock.unlock();
        source_.random_residues(made.data(), block);
        lock.lock();
        if (!stopping_) ring_.push(made.data(), block);
        zeroise(made.data(), made.size() * sizeof(Limb));
      }
    } catch (...) {
      // Without entropy or memory there is nothing to store; whoever draws next gets the error from the
      // source.
    }
  }

  const ResidueSource& source_;
  std::size_t words_;
  RandomizerRing ring_;
  std::mutex mutex_;  // guards ring_ and stopping_
  std::mutex join_mutex_;
  std::condition_variable room_;
  bool stopping_ = false;
  std::thread thread_;
};

RandomizerPool::RandomizerPool(std::shared_ptr<const ResidueSource> source, std::size_t capacity)
    : source_(std::move(source)) {
  require(capacity >= 1 && capacity <= kMaxCapacity, "a pool holds between 1 and 2^20 randomizers");
  source_->prepare(capacity);
  store_ = std::make_unique<Store>(*source_, capacity);
}

RandomizerPool::~RandomizerPool() {
  // A child has a copy of the store whose thread and waiters do not exist: it can only be left alone.
  if (!store_->is_own()) (void)store_.release();
}

void RandomizerPool::stop() noexcept {
  if (store_->is_own()) store_->stop();
}

std::size_t RandomizerPool::capacity() const noexcept { return store_->capacity(); }

std::size_t RandomizerPool::ready() const noexcept { return store_->is_own() ? store_->ready() : 0; }

PublicKeyPtr RandomizerPool::public_key() const { return source_->public_key(); }

void RandomizerPool::prepare(std::size_t count) const {
  const std::size_t stored = ready();
  if (count > stored) source_->prepare(count - stored);
}

void RandomizerPool::random_residues(Limb* out, std::size_t count) const {
  const std::size_t taken = store_->is_own() ? store_->take(out, count) : 0;
  if (taken == count) return;
  source_->random_residues(out + taken * public_key()->n_squared().stride(), count - taken);
}

}  // namespace isthmus::paillier
