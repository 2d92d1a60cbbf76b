#include "ristretto255_kernels.hpp"
#include "x25519_kernels.hpp"

namespace isthmus {
namespace {

template <class Kernels>
struct KernelRow {
  Backend backend;
  const Kernels* kernels;
};

// Slowest first; the first is the oracle the others are tested against.
constexpr KernelRow<ristretto255::Kernels> kRistretto255Rows[] = {
    {Backend::portable, &ristretto255::kPortableKernels},
#if defined(__x86_64__)
    {Backend::avx2, &ristretto255::kAvx2Kernels},
    {Backend::avx512ifma, &ristretto255::kAvx512IfmaKernels},
#endif
};
constexpr KernelRow<x25519::Kernels> kX25519Rows[] = {
    {Backend::portable, &x25519::kPortableKernels},
#if defined(__x86_64__)
    {Backend::avx2, &x25519::kAvx2Kernels},
    {Backend::avx512ifma, &x25519::kAvx512IfmaKernels},
#endif
};

template <class Rows>
const auto& best_row(const Rows& rows, Backend backend) {
  auto best = rows[0].kernels;
  for (const auto& row : rows) {
    if (row.backend <= backend) best = row.kernels;
  }
  return *best;
}

}  // namespace

namespace ristretto255 {
const Kernels& kernels_of(Backend backend) { return best_row(kRistretto255Rows, backend); }
const Kernels& kernels() {
  static const Kernels& chosen = kernels_of(active_backend());
  return chosen;
}
}  // namespace ristretto255

namespace x25519 {
const Kernels& kernels_of(Backend backend) { return best_row(kX25519Rows, backend); }
const Kernels& kernels() {
  static const Kernels& chosen = kernels_of(active_backend());
  return chosen;
}
}  // namespace x25519

}  // namespace isthmus
