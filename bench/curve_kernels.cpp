// Times the field products of one backend of curve25519 and the steps that are made of them, and counts the
// products (kernel_times.hpp). groups.py compiles it with the backend's flags and LANES = 1, 4 or 8, and
// reads its lines.

#include <vector>

#if LANES == 8
#include "../cpp/src/curve/backend/fp25519x8.hpp"
using Field = isthmus::Fp25519x8;
#elif LANES == 4
#include "../cpp/src/curve/backend/fp25519x4.hpp"
using Field = isthmus::Fp25519x4;
#else
#include "isthmus/field/fp25519.hpp"
using Field = isthmus::Fp25519;
#endif
#include "../cpp/src/curve/backend/ristretto255_tile.hpp"
#include "../cpp/src/curve/backend/x25519_tile.hpp"
#include "counted_field.hpp"
#include "isthmus/curve/scalar25519.hpp"
#include "kernel_times.hpp"

using namespace isthmus;

namespace {

constexpr std::size_t kTile = Group::kTile;
using Counter = Counted<LANES>;

template <class F>
F some_element() {
  std::uint64_t words[4 * LANES];
  for (std::size_t i = 0; i < 4 * LANES; ++i) words[i] = 0x123456789abcdef * (i + 77);
  return F::from_lanes(words);
}

using Times = KernelTimes<Field, Counter>;

struct Inputs {
  std::vector<std::uint8_t> uniform = std::vector<std::uint8_t>(96 * kTile, 3);
  std::vector<std::uint8_t> ristretto = std::vector<std::uint8_t>(32 * kTile);
  std::vector<std::uint8_t> x25519 = std::vector<std::uint8_t>(32 * kTile);
  std::vector<std::uint8_t> out = std::vector<std::uint8_t>(32 * kTile);
  std::vector<Decoded> decoded = std::vector<Decoded>(kTile);
  std::vector<std::uint8_t> scalar = std::vector<std::uint8_t>(32, 5);
  Inputs() {
    ristretto255::TileKernels<Fp25519>::map(uniform.data(), kTile, ristretto.data());
    x25519::TileKernels<Fp25519>::map(uniform.data(), kTile, x25519.data());
  }
};

void report_ristretto255(const Times& times, Inputs& in) {
  const edwards25519::ScalarDigits digits(in.scalar.data(), 1, 0);
  constexpr double kVectorPair = 2 * LANES;
  times.report("ristretto255.decode", kVectorPair, [&]<class F>() {
    LanePair<F> s(some_element<F>(), some_element<F>());
    auto p = ristretto255::decode(s);
    keep(p);
  });
  times.report("ristretto255.map", kVectorPair, [&]<class F>() {
    LanePair<F> t(some_element<F>(), some_element<F>());
    auto p = ristretto255::map_to_point(t);
    keep(p);
  });
  times.report("ristretto255.multiply", LANES, [&]<class F>() {
    const F x = some_element<F>();
    auto p = edwards25519::mult(digits, 0, edwards25519::Point<F>{x, x, x, x});
    keep(p);
  });
  times.report("ristretto255.encode", LANES, [&]<class F>() {
    const F x = some_element<F>();
    const ristretto255::DoubledEncoder<F> encoder(edwards25519::Point<F>{x, x, x, x});
    F r = encoder.encode(encoder.to_invert());
    keep(r);
  });
  times.report("ristretto255.hashed", kTile, [&]<class F>() {
    ristretto255::TileKernels<F>::map(in.uniform.data(), kTile, in.out.data());
  });
  times.report("ristretto255.own", kTile, [&]<class F>() {
    ristretto255::TileKernels<F>::map_mult(digits, in.uniform.data(), kTile, in.out.data());
  });
  times.report("ristretto255.peer", kTile, [&]<class F>() {
    ristretto255::TileKernels<F>::mult(digits, in.ristretto.data(), kTile, in.out.data(), in.decoded.data());
  });
}

void report_x25519(const Times& times, Inputs& in) {
  constexpr double kVectorPair = 2 * LANES;
  times.report("X25519.decode", kVectorPair, [&]<class F>() {
    const LanePair<F> u(some_element<F>(), some_element<F>());
    auto judgement = x25519::judge_coordinate(u);
    keep(judgement);
  });
  times.report("X25519.map", kVectorPair, [&]<class F>() {
    LanePair<F> t(some_element<F>(), some_element<F>());
    auto p = elligator2::map_to_edwards(t);
    keep(p);
  });
  times.report("X25519.multiply", LANES, [&]<class F>() {
    auto p = x25519::eightfold_multiple(in.scalar.data(), some_element<F>());
    keep(p);
  });
  times.report("X25519.hashed", kTile,
               [&]<class F>() { x25519::TileKernels<F>::map(in.uniform.data(), kTile, in.out.data()); });
  times.report("X25519.own", kTile, [&]<class F>() {
    x25519::TileKernels<F>::map_mult(in.scalar.data(), in.uniform.data(), kTile, in.out.data());
  });
  times.report("X25519.peer", kTile, [&]<class F>() {
    x25519::TileKernels<F>::mult(in.scalar.data(), in.x25519.data(), kTile, in.out.data(), in.decoded.data());
  });
}

}  // namespace

int main() {
  const Times times(some_element<Field>());
  times.report_field("field 2²⁵⁵ − 19.product", "field 2²⁵⁵ − 19.square");
  Inputs inputs;
  report_ristretto255(times, inputs);
  report_x25519(times, inputs);
}
