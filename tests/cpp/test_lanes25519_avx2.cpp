#include "../../cpp/src/curve/backend/fp25519x4.hpp"
#include "lanes25519.hpp"

namespace {

struct Limbs {
  static constexpr std::int64_t kMost = (std::int64_t{1} << 50) + (1 << 16);
  static constexpr std::int64_t kLeast = -kMost;
  static std::int64_t get(const isthmus::Fp25519x4& a, std::size_t limb, std::size_t lane) {
    return static_cast<std::int64_t>(a.limb[limb][lane]);
  }
  static void set(isthmus::Fp25519x4& a, std::size_t limb, std::size_t lane, std::int64_t value) {
    a.limb[limb][lane] = static_cast<double>(value);
  }
};

}  // namespace

int main() { return isthmus::LanesTest<isthmus::Fp25519x4, Limbs>::run(isthmus::Backend::avx2); }
