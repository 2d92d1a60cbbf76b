#pragma once
// Randomizers made ahead of time.

#include <cstddef>
#include <memory>

#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

/// Draws for one key from a store that a thread of low priority keeps filled: an encryption or
/// rerandomisation that finds enough there costs two products. Each randomizer is handed out once and
/// overwritten; when there are too few the source makes the rest on the spot. Threads   Safe. A forked child
/// never draws from the parent's store, and has no thread to fill one: there the
///           source makes them all.
class RandomizerPool final : public ResidueSource {
 public:
  /// Prepares the source for many residues and starts the thread. Memory    capacity elements of n_squared(),
  /// fixed. Throws    InvalidArgument unless 1 <= capacity <= kMaxCapacity; Resource when
  /// the system gives no thread; std::bad_alloc.
  RandomizerPool(std::shared_ptr<const ResidueSource> source, std::size_t capacity);
  ~RandomizerPool() override;
  static constexpr std::size_t kMaxCapacity = std::size_t{1} << 20;

  /// Ends the thread and forgets what is stored; afterwards the source makes every randomizer. Repeatable.
  void stop() noexcept;
  std::size_t capacity() const noexcept;
  /// Randomizers in store.
  std::size_t ready() const noexcept;

  PublicKeyPtr public_key() const override;
  void prepare(std::size_t count) const override;
  void random_residues(Limb* out, std::size_t count) const override;

 private:
  class Store;

  std::shared_ptr<const ResidueSource> source_;
  std::unique_ptr<Store> store_;
};

}  // namespace isthmus::paillier
