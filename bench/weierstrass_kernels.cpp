// As curve_kernels.cpp, for P-256 and SM2.

#include <vector>

#if LANES == 8
#include "../cpp/src/curve/backend/fp256x8.hpp"
#elif LANES == 4
#include "../cpp/src/curve/backend/fp256x4.hpp"
#else
#include "../cpp/src/curve/backend/weierstrass_tile.hpp"
#endif
#include "counted_field256.hpp"
#include "kernel_times.hpp"

namespace isthmus::weierstrass {
namespace {

#if LANES == 8
template <class C>
using Field = Fp256x8<C>;
#elif LANES == 4
template <class C>
using Field = Fp256x4<C>;
#else
template <class C>
using Field = Element<C>;
#endif

template <class F>
F some_element() {
  std::array<Words256, LANES> words;
  words.fill(F::Curve::kGeneratorX);
  return F::load(words.data());
}

// The steps of one curve on made-up elements, which are not on it: no step asks.
template <class C>
class Steps {
 public:
  explicit Steps(const char* name)
      : name_(name), times_(some_element<Field<C>>()), digits_(C::kOrder, scalar_.data(), 1, 0) {
    map_tile<Element<C>, 2>(uniform_.data(), kTile, points_.data());
  }

  void report() {
    times_.report_field(name_ + ".product", name_ + ".square");
    report_parts();
    report_items();
  }

 private:
  void report_parts() {
    times_.report(name_ + ".decode", LANES, []<class F>() {
      const F x = some_element<F>();
      auto point = decompress(x, is_odd(x));
      keep(point);
    });
    times_.report(name_ + ".map", LANES, []<class F>() {
      auto point = map_to_curve(some_element<F>());
      keep(point);
    });
    times_.report(name_ + ".multiply", LANES, [this]<class F>() {
      const F x = some_element<F>();
      OddMultiples<F> table;
      table.normalise(table.fill({x, x, x}));
      auto point = mult(table, digits_, 0);
      keep(point);
    });
    times_.report(name_ + ".encode", LANES, []<class F>() {
      const F x = some_element<F>();
      auto point = to_affine<F>({x, x, x}, x);
      keep(point);
    });
  }

  void report_items() {
    times_.report(name_ + ".hashed", kTile,
                  [this]<class F>() { map_tile<F, 2>(uniform_.data(), kTile, out_.data()); });
    times_.report(name_ + ".own", kTile,
                  [this]<class F>() { map_mult_tile<F>(digits_, uniform_.data(), kTile, out_.data()); });
    times_.report(name_ + ".peer", kTile, [this]<class F>() {
      mult_tile<F>(digits_, points_.data(), kTile, out_.data(), decoded_.data());
    });
  }

  std::string name_;
  KernelTimes<Field<C>, CountedElement<C, LANES>> times_;
  std::vector<std::uint8_t> scalar_ = std::vector<std::uint8_t>(32, 5);
  SignedDigits digits_;
  std::vector<std::uint8_t> uniform_ = std::vector<std::uint8_t>(2 * kUniformBytes * kTile, 3);
  std::vector<std::uint8_t> points_ = std::vector<std::uint8_t>(kElementBytes * kTile);
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(kElementBytes * kTile);
  std::vector<Decoded> decoded_ = std::vector<Decoded>(kTile);
};

}  // namespace
}  // namespace isthmus::weierstrass

int main() {
  using namespace isthmus;
  weierstrass::Steps<P256>("P-256").report();
  weierstrass::Steps<Sm2>("SM2").report();
}
