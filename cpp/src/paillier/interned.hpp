#pragma once
// One object per key in a process.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "isthmus/core/fork.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

/// Finds the living object of a key, so that key objects which say the same share one, and with it its
/// tables. Holds none alive: the last owner frees it, and secrets are wiped then. Threads   Safe.
template <class T>
class Interned {
 public:
  /// The living object of that key, or `make()`, which runs without the lock and may lose to another thread.
  template <class Make>
  std::shared_ptr<const T> find_or_make(const Fingerprint& fingerprint, Make&& make) {
    if (auto found = find(fingerprint)) return found;
    std::shared_ptr<const T> made = make();
    const std::lock_guard<std::mutex> lock(fork_safe_mutex());
    std::weak_ptr<const T>& entry = living_[fingerprint];
    if (auto found = entry.lock()) return found;
    entry = made;
    if (living_.size() >= sweep_at_) sweep();
    return made;
  }

 private:
  std::shared_ptr<const T> find(const Fingerprint& fingerprint) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex());
    const auto entry = living_.find(fingerprint);
    return entry == living_.end() ? nullptr : entry->second.lock();
  }

  // Drops the entries of objects that are gone; the next sweep waits until the others have doubled.
  void sweep() {
    std::erase_if(living_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * living_.size() + kLeast;
  }

  static constexpr std::size_t kLeast = 16;
  // Guarded by fork_safe_mutex():
  std::map<Fingerprint, std::weak_ptr<const T>> living_;
  std::size_t sweep_at_ = kLeast;
};

/// The registry for T. Never destroyed: keys with static storage duration may outlive it otherwise.
template <class T>
Interned<T>& interned() {
  static Interned<T>* const registry = new Interned<T>;
  return *registry;
}

}  // namespace isthmus::paillier
