#include "../../cpp/src/curve/backend/fp25519x8.hpp"
#include "lanes25519.hpp"

namespace {

struct Limbs {
  static constexpr std::int64_t kMost = (std::int64_t{1} << 51) + (1 << 17) - 1;
  static constexpr std::int64_t kLeast = 0;
  static std::int64_t get(const isthmus::Fp25519x8& a, std::size_t limb, std::size_t lane) {
    return static_cast<std::int64_t>(a.limb[limb][lane]);
  }
  static void set(isthmus::Fp25519x8& a, std::size_t limb, std::size_t lane, std::int64_t value) {
    a.limb[limb][lane] = static_cast<std::uint64_t>(value);
  }
};

}  // namespace

int main() { return isthmus::LanesTest<isthmus::Fp25519x8, Limbs>::run(isthmus::Backend::avx512ifma); }
