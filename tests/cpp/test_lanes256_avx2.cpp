#include "../../cpp/src/curve/backend/fp256x4.hpp"
#include "lanes256.hpp"

namespace {

using isthmus::weierstrass::Fp256x4;

struct Limbs {
  static constexpr int kRadixBits = 51;
  static constexpr int kMontgomeryBits = 255;
  static std::int64_t most(std::size_t limb) {
    if (limb < 4) return (std::int64_t{1} << 50) + (1 << 10);
    return (std::int64_t{1} << 51) - (1 << 17);
  }
  static std::int64_t least(std::size_t limb) { return -most(limb); }
  template <class F>
  static std::int64_t get(const F& a, std::size_t limb, std::size_t lane) {
    return static_cast<std::int64_t>(a.limb[limb][lane]);
  }
  template <class F>
  static void set(F& a, std::size_t limb, std::size_t lane, std::int64_t value) {
    a.limb[limb][lane] = static_cast<double>(value);
  }
};

}  // namespace

int main() {
  if (!isthmus::runs_here(isthmus::Backend::avx2)) return 0;
  for (const int mode : {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD}) {
    std::fesetround(mode);
    isthmus::LanesTest<Fp256x4<isthmus::P256>, Limbs>::run();
    isthmus::LanesTest<Fp256x4<isthmus::Sm2>, Limbs>::run();
  }
  std::fesetround(FE_TONEAREST);
  return check::finish("lanes256");
}
