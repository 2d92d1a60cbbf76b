#pragma once
// Threads. The only file that names OpenMP; without it everything runs on the calling thread.

#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace isthmus {

/// Threads the next parallel_for uses.
int thread_count() noexcept;

/// Notes that threads are about to start. False in a process forked from one that had started some: GNU's
/// OpenMP would wait there for threads that did not come along, so everything runs on the calling thread.
bool may_start_threads() noexcept;

/// Sets it; 0 restores the default (OMP_NUM_THREADS or all cores).
void set_thread_count(int threads);

/// Calls body(i) for i in [0, n), in parallel in blocks of `grain`.
/// The result may not depend on the order: every i writes its own place. When several i throw, the exception
/// of the smallest failing i is rethrown, so that errors too are the same for any thread count.
template <class Body>
void parallel_for(std::size_t n, Body&& body, std::size_t grain = 1) {
  std::exception_ptr first_error;
  std::size_t first_index = std::numeric_limits<std::size_t>::max();
  std::mutex error_mutex;
  const auto guarded = [&](std::size_t i) {
    try {
      body(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (i < first_index) {
        first_index = i;
        first_error = std::current_exception();
      }
    }
  };
  const std::size_t blocks = (n + grain - 1) / grain;
  const auto run_block = [&](std::size_t block) {
    const std::size_t end = block * grain + grain < n ? block * grain + grain : n;
    for (std::size_t i = block * grain; i < end; ++i) guarded(i);
  };
#ifdef _OPENMP
  if (blocks > 1 && thread_count() > 1 && may_start_threads()) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(thread_count())
    for (std::size_t block = 0; block < blocks; ++block) run_block(block);
  } else {
    for (std::size_t block = 0; block < blocks; ++block) run_block(block);
  }
#else
  for (std::size_t block = 0; block < blocks; ++block) run_block(block);
#endif
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace isthmus
