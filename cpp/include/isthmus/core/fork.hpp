#pragma once
// Locks that a forked child finds free.

#include <mutex>

namespace isthmus {

/// The one mutex of the process-wide registries, for sections of microseconds that call nothing that locks it
/// too. A fork waits until nobody holds it; were it one of many ordinary mutexes, a child forked while
/// another thread held it would wait for that thread, which it does not have. Never destroyed.
std::mutex& fork_safe_mutex();

}  // namespace isthmus
