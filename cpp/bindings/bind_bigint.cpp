// Big integers on Python ints, one operation a call: for tests and tools. Bulk work goes through paillier.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/bigint/prime.hpp"
#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/core/error.hpp"
#include "natural.hpp"

namespace isthmus::bindings {
namespace {

using namespace isthmus::bigint;

AlignedLimbs element(const Modulus& m, const py::int_& value) {
  AlignedLimbs out(m.stride());
  m.import_value(out.data(), to_natural(value));
  return out;
}

AlignedLimbs element(const SquareModulus& m, const py::int_& value) {
  AlignedLimbs out(m.stride());
  m.import_value(out.data(), to_natural(value));
  return out;
}

template <class Ring, class Operation>
auto binary(Operation operation) {
  return [operation](const Ring& m, const py::int_& a, const py::int_& b) {
    const AlignedLimbs x = element(m, a), y = element(m, b);
    AlignedLimbs out(m.stride());
    operation(m, out.data(), x.data(), y.data());
    return to_python(m.export_value(out.data()));
  };
}

template <class Ring>
AlignedLimbs elements(const Ring& m, const std::vector<py::int_>& values) {
  AlignedLimbs out(values.size() * m.stride());
  for (std::size_t i = 0; i < values.size(); ++i) {
    m.import_value(out.data() + i * m.stride(), to_natural(values[i]));
  }
  return out;
}

template <class Ring>
std::vector<py::int_> export_all(const Ring& m, const AlignedLimbs& elements) {
  std::vector<py::int_> out;
  for (std::size_t i = 0; i < elements.size(); i += m.stride()) {
    out.push_back(to_python(m.export_value(elements.data() + i)));
  }
  return out;
}

/// bases[i] * factors[i]^rounds, as `rounds` batches of products.
template <class Ring>
std::vector<py::int_> multiply_repeatedly(const Ring& m, const std::vector<py::int_>& bases,
                                          const std::vector<py::int_>& factors, std::size_t rounds) {
  require(bases.size() == factors.size(), "one factor for each base");
  AlignedLimbs x = elements(m, bases);
  const AlignedLimbs y = elements(m, factors);
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < x.size(); i += m.stride()) {
    tasks.push_back({x.data() + i, x.data() + i, y.data() + i});
  }
  {
    const py::gil_scoped_release release;
    for (std::size_t round = 0; round < rounds; ++round) m.mul(tasks);
  }
  return export_all(m, x);
}

/// bases[i]^(2^rounds), as `rounds` batches of squarings.
template <class Ring>
std::vector<py::int_> square_repeatedly(const Ring& m, const std::vector<py::int_>& bases,
                                        std::size_t rounds) {
  AlignedLimbs x = elements(m, bases);
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < x.size(); i += m.stride()) {
    tasks.push_back({x.data() + i, x.data() + i, nullptr});
  }
  {
    const py::gil_scoped_release release;
    for (std::size_t round = 0; round < rounds; ++round) m.sqr(tasks);
  }
  return export_all(m, x);
}

void bind_modulus(py::module_& m) {
  py::class_<Modulus>(m, "Modulus")
      .def(py::init([](const py::int_& value) { return std::make_unique<Modulus>(to_natural(value)); }))
      .def("mul",
           binary<Modulus>([](const Modulus& r, Limb* o, const Limb* a, const Limb* b) { r.mul(o, a, b); }))
      .def("add",
           binary<Modulus>([](const Modulus& r, Limb* o, const Limb* a, const Limb* b) { r.add(o, a, b); }))
      .def("sub",
           binary<Modulus>([](const Modulus& r, Limb* o, const Limb* a, const Limb* b) { r.sub(o, a, b); }))
      .def("sqr",
           [](const Modulus& r, const py::int_& a) {
             AlignedLimbs x = element(r, a);
             r.sqr(std::array{MulTask{x.data(), x.data(), nullptr}});
             return to_python(r.export_value(x.data()));
           })
      .def("multiply_repeatedly", &multiply_repeatedly<Modulus>, py::arg("bases"), py::arg("factors"),
           py::arg("rounds"))
      .def("square_repeatedly", &square_repeatedly<Modulus>, py::arg("bases"), py::arg("rounds"));
}

std::vector<py::int_> invert_all(const SquareModulus& m, const std::vector<py::int_>& values) {
  const AlignedLimbs in = elements(m, values);
  AlignedLimbs out(in.size());
  m.invert(out.data(), in.data(), values.size());
  return export_all(m, out);
}

std::vector<py::int_> pow_all(const SquareModulus& m, const std::vector<py::int_>& bases,
                              const py::int_& exponent, std::size_t exponent_bits) {
  AlignedLimbs x = elements(m, bases);
  m.pow(x.data(), x.data(), bases.size(), to_natural(exponent).limbs(), exponent_bits);
  return export_all(m, x);
}

// The values as equally long runs of limbs.
AlignedLimbs limb_rows(const std::vector<py::int_>& values, std::size_t width) {
  AlignedLimbs rows(values.size() * width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    to_natural(values[i]).copy_to(MutableLimbSpan(rows).subspan(i * width, width));
  }
  return rows;
}

std::vector<py::int_> fixed_base_pow(const SquareModulus& m, const py::int_& base,
                                     const std::vector<py::int_>& exponents, std::size_t exponent_bits,
                                     std::size_t max_bytes, std::size_t uses) {
  const WindowPlan plan = FixedBaseTable::best_plan(m, exponent_bits, max_bytes, uses);
  const FixedBaseTable table(m, element(m, base).data(), exponent_bits, plan);
  AlignedLimbs out(exponents.size() * m.stride());
  table.pow_vartime(out.data(), limb_rows(exponents, table.exponent_limbs()).data(), exponents.size());
  return export_all(m, out);
}

std::vector<py::int_> masked_base_pow(const SquareModulus& m, const py::int_& base,
                                      const std::vector<py::int_>& exponents, std::size_t exponent_bits,
                                      std::size_t max_bytes, std::size_t uses) {
  const WindowPlan plan = MaskedBaseTable::best_plan(m, exponent_bits, max_bytes, uses);
  const MaskedBaseTable table(m, element(m, base).data(), exponent_bits, plan);
  AlignedLimbs out(exponents.size() * m.stride());
  table.pow(out.data(), limb_rows(exponents, table.exponent_limbs()).data(), exponents.size());
  return export_all(m, out);
}

std::vector<py::int_> pow_each(const SquareModulus& m, const std::vector<py::int_>& bases,
                               const std::vector<py::int_>& exponents) {
  std::size_t width = 1;
  for (const py::int_& exponent : exponents) width = std::max(width, to_natural(exponent).limbs().size());
  AlignedLimbs x(bases.size() * m.stride());
  m.import_rows(x.data(), limb_rows(bases, m.limbs()), bases.size());
  m.pow_vartime(x.data(), x.data(), bases.size(), limb_rows(exponents, width));
  return export_all(m, x);
}

void bind_square_modulus(py::module_& m) {
  using S = SquareModulus;
  py::class_<S>(m, "SquareModulus")
      .def(py::init([](const py::int_& root) { return std::make_unique<S>(to_natural(root)); }))
      .def("mul", binary<S>([](const S& r, Limb* o, const Limb* a, const Limb* b) { r.mul(o, a, b); }))
      .def("sqr",
           [](const S& r, const py::int_& a) {
             AlignedLimbs x = element(r, a);
             r.sqr(x.data(), x.data());
             return to_python(r.export_value(x.data()));
           })
      .def("mul_one_plus",
           [](const S& r, const py::int_& a, const py::int_& plaintext) {
             AlignedLimbs x = element(r, a);
             const AlignedLimbs y = element(r.root(), plaintext);
             r.mul_one_plus(x.data(), x.data(), y.data());
             return to_python(r.export_value(x.data()));
           })
      .def("log_one_plus",
           [](const S& r, const py::int_& a) -> py::object {
             AlignedLimbs x = element(r, a);
             if (r.log_one_plus(x.data(), x.data()) == 0) return py::none();
             return to_python(r.root().export_value(x.data()));
           })
      .def("pow", &pow_all, py::arg("bases"), py::arg("exponent"), py::arg("exponent_bits"))
      .def("pow_vartime",
           [](const S& r, const py::int_& base, const py::int_& exponent) {
             AlignedLimbs x = element(r, base);
             r.pow_vartime(x.data(), x.data(), to_natural(exponent).limbs());
             return to_python(r.export_value(x.data()));
           })
      .def("pow_each_vartime", &pow_each, py::arg("bases"), py::arg("exponents"))
      .def("fixed_base_pow", &fixed_base_pow, py::arg("base"), py::arg("exponents"), py::arg("exponent_bits"),
           py::arg("max_bytes"), py::arg("uses") = std::size_t{1} << 30)
      .def("masked_base_pow", &masked_base_pow, py::arg("base"), py::arg("exponents"),
           py::arg("exponent_bits"), py::arg("max_bytes"), py::arg("uses") = std::size_t{1} << 30)
      .def("multiply_repeatedly", &multiply_repeatedly<S>, py::arg("bases"), py::arg("factors"),
           py::arg("rounds"))
      .def("square_repeatedly", &square_repeatedly<S>, py::arg("bases"), py::arg("rounds"))
      .def("invert", &invert_all);
}

}  // namespace

void bind_bigint(py::module_& m) {
  py::module_ b = m.def_submodule("bigint", "Big integers, one operation a call, for tests and tools.");
  bind_modulus(b);
  bind_square_modulus(b);
  b.def("mod_exp", [](const py::int_& base, const py::int_& exponent, const py::int_& modulus) {
    return to_python(mod_exp(to_natural(base), to_natural(exponent), to_natural(modulus)));
  });
  b.def("multiply",
        [](const py::int_& x, const py::int_& y) { return to_python(to_natural(x) * to_natural(y)); });
  b.def("divide", [](const py::int_& x, const py::int_& y) {
    const QuotientRemainder r = divide_vartime(to_natural(x), to_natural(y));
    return std::pair{to_python(r.quotient), to_python(r.remainder)};
  });
  b.def("remainder", [](const py::int_& x, const py::int_& y) {
    return to_python(remainder(to_natural(x), to_natural(y)));
  });
  b.def("gcd_odd", [](const py::int_& a, const py::int_& odd) {
    return to_python(gcd_odd(to_natural(a), to_natural(odd)));
  });
  b.def("inverse", [](const py::int_& a, const py::int_& odd) -> py::object {
    const auto result = inverse(to_natural(a), to_natural(odd));
    if (!result) return py::none();
    return to_python(*result);
  });
  b.def("square_root", [](const py::int_& a) { return to_python(square_root_vartime(to_natural(a))); });
  b.def(
      "is_probable_prime",
      [](const py::int_& candidate, int rounds) { return is_probable_prime(to_natural(candidate), rounds); },
      py::arg("candidate"), py::arg("rounds") = kAdversarialRounds);
  b.def("passes_miller_rabin", [](const py::int_& candidate, const py::int_& base) {
    return passes_miller_rabin(to_natural(candidate), to_natural(base));
  });
  b.def("has_small_factor", [](const py::int_& n) { return has_small_factor(to_natural(n)); });
  b.def("miller_rabin_rounds", &miller_rabin_rounds);
  b.def("random_prime_3_mod_4", [](std::size_t bits) {
    return to_python(random_prime_3_mod_4(bits, [](const Natural&) { return true; }));
  });
}

}  // namespace isthmus::bindings
