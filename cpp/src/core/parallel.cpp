#include "isthmus/core/parallel.hpp"

#ifdef _OPENMP
#include <pthread.h>
#endif

#include <atomic>

#include "isthmus/core/error.hpp"

namespace isthmus {
namespace {
std::atomic<int> requested_threads{0};

#ifdef _OPENMP
std::atomic<bool> threads_started{false};
std::atomic<bool> threads_lost{false};

[[maybe_unused]] const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { threads_lost.store(threads_started.load()); });
#endif

}  // namespace

int thread_count() noexcept {
#ifdef _OPENMP
  const int requested = requested_threads.load();
  return requested > 0 ? requested : omp_get_max_threads();
#else
  return 1;
#endif
}

bool may_start_threads() noexcept {
#ifdef _OPENMP
  if (threads_lost.load()) return false;
  threads_started.store(true);
  return true;
#else
  return false;
#endif
}

void set_thread_count(int threads) {
  require(threads >= 0 && threads <= 4096, "the thread count must lie in 0..4096");
  requested_threads.store(threads);
}

}  // namespace isthmus
