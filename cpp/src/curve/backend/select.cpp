#include "isthmus/core/cpu.hpp"
#include "kernels.hpp"

namespace isthmus::ristretto255 {
namespace {

struct KernelRow {
  Backend backend;
  const Kernels* kernels;
};

// One row per backend; the first is the oracle the others are tested against.
constexpr KernelRow kRows[] = {
    {Backend::portable, &kPortableKernels},
};

const Kernels& choose() {
  for (const KernelRow& row : kRows) {
    if (row.backend == active_backend()) return *row.kernels;
  }
  return *kRows[0].kernels;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace isthmus::ristretto255
