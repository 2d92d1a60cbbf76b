// Times the field products of one backend of curve25519 and the steps that are made of them, and counts the
// products. groups.py compiles it with the backend's flags and LANES = 1, 4 or 8, and reads the lines
// "name nanoseconds products squares fraction-of-the-floor"; all per element, on one core, the best of many
// short runs.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "../cpp/src/curve/backend/ristretto255_tile.hpp"
#include "../cpp/src/curve/backend/x25519_tile.hpp"
#include "counted_field.hpp"
#include "isthmus/curve/scalar25519.hpp"
#if LANES == 8
#include "../cpp/src/curve/backend/fp25519x8.hpp"
using Field = isthmus::Fp25519x8;
#elif LANES == 4
#include "../cpp/src/curve/backend/fp25519x4.hpp"
using Field = isthmus::Fp25519x4;
#else
using Field = isthmus::Fp25519;
#endif

using namespace isthmus;

namespace {

constexpr std::size_t kTile = Group::kTile;
using Counter = Counted<LANES>;

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <class T>
void keep(T& value) {
  __asm__ volatile("" : : "r"(&value) : "memory");
}

template <class F>
F some_element() {
  std::uint64_t words[4 * LANES];
  for (std::size_t i = 0; i < 4 * LANES; ++i) words[i] = 0x123456789abcdef * (i + 77);
  return F::from_lanes(words);
}

// Nanoseconds of one field product and one square.
struct FieldTimes {
  double product;
  double square;
  double of(const Counts& counts) const { return counts.products * product + counts.squares * square; }
};

// Four independent chains keep the multipliers busy.
template <class Step>
double chains(const Step& step) {
  constexpr int kSteps = 100;
  Field a = some_element<Field>(), b = a * a, c = b * a, d = c * b;
  const double start = now();
  for (int i = 0; i < kSteps; ++i) {
    a = step(a), b = step(b), c = step(c), d = step(d);
    keep(a), keep(b), keep(c), keep(d);
  }
  return (now() - start) / (4.0 * kSteps * LANES);
}

FieldTimes measure_field() {
  const Field factor = some_element<Field>();
  return {chains([&](const Field& x) { return x * factor; }),
          chains([](const Field& x) { return square(x); })};
}

// Counts with step<Counter>(), then times step<Field>(). The clock of a busy machine changes from one
// millisecond to the next, so the fraction of the floor is the median of fractions whose two times were taken
// together.
template <class Step>
void report(const char* name, double elements, const Step& step) {
  Counter::counts = {};
  step.template operator()<Counter>();
  const Counts counts = {Counter::counts.products * LANES / elements,
                         Counter::counts.squares * LANES / elements};
  std::vector<double> fractions;
  double fastest = 1e30;
  for (int i = 0; i < 101; ++i) {
    const double before = measure_field().of(counts);
    const double start = now();
    step.template operator()<Field>();
    const double elapsed = (now() - start) / elements;
    fractions.push_back((before + measure_field().of(counts)) / (2 * elapsed));
    fastest = std::min(fastest, elapsed);
  }
  std::nth_element(fractions.begin(), fractions.begin() + 50, fractions.end());
  std::printf("%s %.3f %.2f %.2f %.4f\n", name, fastest, counts.products, counts.squares, fractions[50]);
}

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

void report_ristretto255(Inputs& in) {
  const edwards25519::ScalarDigits digits(in.scalar.data(), 1, 0);
  constexpr double kVectorPair = 2 * LANES;
  report("ristretto255.decode", kVectorPair, [&]<class F>() {
    LanePair<F> s(some_element<F>(), some_element<F>());
    auto p = ristretto255::decode(s);
    keep(p);
  });
  report("ristretto255.map", kVectorPair, [&]<class F>() {
    LanePair<F> t(some_element<F>(), some_element<F>());
    auto p = ristretto255::map_to_point(t);
    keep(p);
  });
  report("ristretto255.multiply", LANES, [&]<class F>() {
    const F x = some_element<F>();
    auto p = edwards25519::mult(digits, 0, edwards25519::Point<F>{x, x, x, x});
    keep(p);
  });
  report("ristretto255.encode", LANES, [&]<class F>() {
    const F x = some_element<F>();
    const ristretto255::DoubledEncoder<F> encoder(edwards25519::Point<F>{x, x, x, x});
    F r = encoder.encode(encoder.to_invert());
    keep(r);
  });
  report("ristretto255.hashed", kTile,
         [&]<class F>() { ristretto255::TileKernels<F>::map(in.uniform.data(), kTile, in.out.data()); });
  report("ristretto255.own", kTile, [&]<class F>() {
    ristretto255::TileKernels<F>::map_mult(digits, in.uniform.data(), kTile, in.out.data());
  });
  report("ristretto255.peer", kTile, [&]<class F>() {
    ristretto255::TileKernels<F>::mult(digits, in.ristretto.data(), kTile, in.out.data(), in.decoded.data());
  });
}

void report_x25519(Inputs& in) {
  constexpr double kVectorPair = 2 * LANES;
  report("X25519.decode", kVectorPair, [&]<class F>() {
    const LanePair<F> u(some_element<F>(), some_element<F>());
    auto judgement = x25519::judge_coordinate(u);
    keep(judgement);
  });
  report("X25519.map", kVectorPair, [&]<class F>() {
    LanePair<F> t(some_element<F>(), some_element<F>());
    auto p = elligator2::map_to_edwards(t);
    keep(p);
  });
  report("X25519.multiply", LANES, [&]<class F>() {
    auto p = x25519::eightfold_multiple(in.scalar.data(), some_element<F>());
    keep(p);
  });
  report("X25519.hashed", kTile,
         [&]<class F>() { x25519::TileKernels<F>::map(in.uniform.data(), kTile, in.out.data()); });
  report("X25519.own", kTile, [&]<class F>() {
    x25519::TileKernels<F>::map_mult(in.scalar.data(), in.uniform.data(), kTile, in.out.data());
  });
  report("X25519.peer", kTile, [&]<class F>() {
    x25519::TileKernels<F>::mult(in.scalar.data(), in.x25519.data(), kTile, in.out.data(), in.decoded.data());
  });
}

}  // namespace

int main() {
  FieldTimes best = measure_field();
  for (int i = 0; i < 2000; ++i) {
    const FieldTimes next = measure_field();
    best = {std::min(best.product, next.product), std::min(best.square, next.square)};
  }
  std::printf("product %.4f 1 0 1\nsquare %.4f 0 1 1\n", best.product, best.square);
  Inputs inputs;
  report_ristretto255(inputs);
  report_x25519(inputs);
}
