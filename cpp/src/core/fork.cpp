#include "isthmus/core/fork.hpp"

#include <pthread.h>

namespace isthmus {
namespace {

[[maybe_unused]] const std::mutex& made_at_load = fork_safe_mutex();  // before there are other threads

}  // namespace

std::mutex& fork_safe_mutex() {
  static std::mutex* const mutex = [] {
    pthread_atfork([] { fork_safe_mutex().lock(); }, [] { fork_safe_mutex().unlock(); },
                   [] { fork_safe_mutex().unlock(); });
    return new std::mutex;
  }();
  return *mutex;
}

}  // namespace isthmus
