#include "../../cpp/src/curve/backend/fp256x8.hpp"
#include "lanes256.hpp"

namespace {

using isthmus::weierstrass::Fp256x8;

struct Limbs {
  static constexpr int kRadixBits = 52;
  static constexpr int kMontgomeryBits = 260;
  static std::int64_t most(std::size_t limb) {
    if (limb < 4) return (std::int64_t{1} << 52) - 1;
    return (std::int64_t{1} << 48) / 100 * 108;
  }
  static std::int64_t least(std::size_t) { return 0; }
  template <class F>
  static std::int64_t get(const F& a, std::size_t limb, std::size_t lane) {
    return static_cast<std::int64_t>(a.limb[limb][lane]);
  }
  template <class F>
  static void set(F& a, std::size_t limb, std::size_t lane, std::int64_t value) {
    a.limb[limb][lane] = static_cast<std::uint64_t>(value);
  }
};

}  // namespace

int main() {
  if (!isthmus::runs_here(isthmus::Backend::avx512ifma)) return 0;
  isthmus::LanesTest<Fp256x8<isthmus::P256>, Limbs>::run();
  isthmus::LanesTest<Fp256x8<isthmus::Sm2>, Limbs>::run();
  return check::finish("lanes256");
}
