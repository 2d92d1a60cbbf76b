#include "isthmus/core/cpu.hpp"
#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

struct Row {
  Backend backend;
  const KernelTable* table;
};

constexpr Row kRows[] = {
    {Backend::portable, &kPortableKernels},
};

}  // namespace

const KernelTable& active_kernels() {
  const Backend backend = active_backend();
  for (const Row& row : kRows) {
    if (row.backend == backend) return *row.table;
  }
  return kPortableKernels;  // a backend without big-integer kernels of its own
}

}  // namespace isthmus::bigint
