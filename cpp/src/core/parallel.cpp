#include "isthmus/core/parallel.hpp"

#include <atomic>

#include "isthmus/core/error.hpp"

namespace isthmus {
namespace {
std::atomic<int> requested_threads{0};
}

int thread_count() noexcept {
#ifdef _OPENMP
  const int requested = requested_threads.load();
  return requested > 0 ? requested : omp_get_max_threads();
#else
  return 1;
#endif
}

void set_thread_count(int threads) {
  require(threads >= 0 && threads <= 4096, "the thread count must lie in 0..4096");
  requested_threads.store(threads);
}

}  // namespace isthmus
