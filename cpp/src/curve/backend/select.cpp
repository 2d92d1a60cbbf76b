#include "isthmus/core/cpu.hpp"
#include "kernels.hpp"

namespace isthmus::ristretto255 {
namespace {

struct KernelRow {
  Backend backend;
  const Kernels* kernels;
};

// Slowest first; the first is the oracle the others are tested against.
constexpr KernelRow kRows[] = {
    {Backend::portable, &kPortableKernels},
};

const Kernels& choose() {
  const Kernels* best = nullptr;
  for (const KernelRow& row : kRows) {
    if (row.backend <= active_backend()) best = row.kernels;
  }
  return *best;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace isthmus::ristretto255
