// Kernels on four elements per vector, AVX2 + FMA.

#include <immintrin.h>

#include "fp25519x4.hpp"
#include "ristretto255_tile.hpp"
#include "x25519_tile.hpp"

namespace isthmus {
namespace {

/// Rounds to nearest, which the field counts on, whatever mode the host left this thread in.
class RoundToNearest {
 public:
  RoundToNearest() noexcept : before_(_mm_getcsr()) { _mm_setcsr(before_ & ~kRoundingBits); }
  ~RoundToNearest() { _mm_setcsr((_mm_getcsr() & ~kRoundingBits) | (before_ & kRoundingBits)); }
  RoundToNearest(const RoundToNearest&) = delete;
  RoundToNearest& operator=(const RoundToNearest&) = delete;

 private:
  static constexpr unsigned kRoundingBits = _MM_ROUND_MASK;
  unsigned before_;
};

template <auto kKernel>
struct Nearest;

template <class... Arguments, void (*kKernel)(Arguments...)>
struct Nearest<kKernel> {
  static void run(Arguments... arguments) {
    const RoundToNearest mode;
    kKernel(arguments...);
  }
};

}  // namespace

namespace ristretto255 {
using Avx2 = TileKernels<Fp25519x4>;
const Kernels kAvx2Kernels = {&Nearest<&Avx2::mult>::run, &Nearest<&Avx2::map>::run,
                              &Nearest<&Avx2::map_mult>::run, &Nearest<&Avx2::decode>::run};
}  // namespace ristretto255

namespace x25519 {
using Avx2 = TileKernels<Fp25519x4>;
const Kernels kAvx2Kernels = {&Nearest<&Avx2::mult>::run, &Nearest<&Avx2::map>::run,
                              &Nearest<&Avx2::map_mult>::run};
}  // namespace x25519

}  // namespace isthmus
