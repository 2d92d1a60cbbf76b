#pragma once
// Times steps made of field products against the products' own time, and counts the products. Everything is
// per element, on one core, the best of many short runs.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace isthmus {

// Products and squares of field elements.
struct Counts {
  double products = 0;
  double squares = 0;
};

inline double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <class T>
void keep(T& value) {
  __asm__ volatile("" : : "r"(&value) : "memory");
}

// Nanoseconds of one field product and one square.
struct FieldTimes {
  double product;
  double square;
  double of(const Counts& counts) const { return counts.products * product + counts.squares * square; }
};

// Four independent chains keep the multipliers busy.
template <class F, class Step>
double chains(const F& first, const Step& step) {
  constexpr int kSteps = 100;
  F a = first, b = a * a, c = b * a, d = c * b;
  const double start = now();
  for (int i = 0; i < kSteps; ++i) {
    a = step(a), b = step(b), c = step(c), d = step(d);
    keep(a), keep(b), keep(c), keep(d);
  }
  return (now() - start) / (4.0 * kSteps * static_cast<double>(F::kLanes));
}

// Measures the kernels of the field F; Counter is a field of as many lanes that counts. Lines are "name
// nanoseconds products squares fraction-of-the-floor".
template <class F, class Counter>
class KernelTimes {
 public:
  explicit KernelTimes(const F& element) : element_(element) {}

  void report_field(const std::string& product, const std::string& square) const {
    FieldTimes best = measure_field();
    for (int i = 0; i < 2000; ++i) {
      const FieldTimes next = measure_field();
      best = {std::min(best.product, next.product), std::min(best.square, next.square)};
    }
    std::printf("%s %.4f 1 0 1\n%s %.4f 0 1 1\n", product.c_str(), best.product, square.c_str(), best.square);
  }

  // Counts with step<Counter>(), then times step<F>(). The clock of a busy machine changes from one
  // millisecond to the next, so the fraction of the floor is the median of fractions whose two times were
  // taken together.
  template <class Step>
  void report(const std::string& name, double elements, const Step& step) const {
    Counter::counts = {};
    step.template operator()<Counter>();
    constexpr auto kLanes = static_cast<double>(F::kLanes);
    const Counts counts = {Counter::counts.products * kLanes / elements,
                           Counter::counts.squares * kLanes / elements};
    std::vector<double> fractions;
    double fastest = 1e30;
    for (int i = 0; i < 101; ++i) {
      const double before = measure_field().of(counts);
      const double start = now();
      step.template operator()<F>();
      const double elapsed = (now() - start) / elements;
      fractions.push_back((before + measure_field().of(counts)) / (2 * elapsed));
      fastest = std::min(fastest, elapsed);
    }
    std::nth_element(fractions.begin(), fractions.begin() + 50, fractions.end());
    std::printf("%s %.3f %.2f %.2f %.4f\n", name.c_str(), fastest, counts.products, counts.squares,
                fractions[50]);
  }

 private:
  FieldTimes measure_field() const {
    return {chains(element_, [&](const F& x) { return x * element_; }),
            chains(element_, [](const F& x) { return square(x); })};
  }

  F element_;
};

}  // namespace isthmus
