// Paillier keys, ciphertext arrays and their operations.
//
// Integer batches come as int64 or uint64 arrays, or as (magnitudes, negative): uint8 (n, width) big-endian
// and uint8 (n,). They are borrowed for the call, which runs without the GIL. Plaintexts stay in C++ until
// the caller asks for a form of them.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../src/paillier/fault_injection.hpp"
#include "bindings.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "isthmus/paillier/ops.hpp"
#include "isthmus/paillier/private_key.hpp"
#include "isthmus/paillier/randomizer_pool.hpp"
#include "isthmus/paillier/table_memory.hpp"
#include "natural.hpp"

namespace isthmus::bindings {
namespace {

using namespace isthmus::paillier;

using SharedPublicKey = std::shared_ptr<PublicKey>;
using SharedPrivateKey = std::shared_ptr<PrivateKey>;

// pybind11 holders are not const; the classes have no mutating method.
SharedPublicKey unconst(const PublicKeyPtr& key) { return std::const_pointer_cast<PublicKey>(key); }
SharedPrivateKey unconst(const std::shared_ptr<const PrivateKey>& key) {
  return std::const_pointer_cast<PrivateKey>(key);
}

ByteSpan byte_view(const py::buffer_info& info) {
  require(info.itemsize == 1 && info.ndim == 1 && (info.size < 2 || info.strides[0] == 1),
          "expected contiguous bytes");
  return {static_cast<const std::uint8_t*>(info.ptr), static_cast<std::size_t>(info.size)};
}

py::bytes to_py_bytes(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

template <class T>
Array<T> to_array(const std::vector<T>& values) {
  Array<T> out(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), out.mutable_data());
  return out;
}

IntegerBatch integer_batch(const py::object& values) {
  if (py::isinstance<Array<std::int64_t>>(values)) return view(values.cast<Array<std::int64_t>>());
  if (py::isinstance<Array<std::uint64_t>>(values)) return view(values.cast<Array<std::uint64_t>>());
  require(py::isinstance<py::tuple>(values), "expected an int64 or uint64 array, or (magnitudes, negative)");
  const auto [first, second] = values.cast<std::pair<py::object, py::object>>();
  // The views outlive this function, so they must be of the caller's arrays and not of converted copies.
  require(py::isinstance<Array<std::uint8_t>>(first) && py::isinstance<Array<std::uint8_t>>(second),
          "magnitudes and signs must be contiguous uint8 arrays");
  const auto magnitudes = py::reinterpret_borrow<Array<std::uint8_t>>(first);
  const auto negative = py::reinterpret_borrow<Array<std::uint8_t>>(second);
  require(magnitudes.ndim() == 2 && magnitudes.shape(0) == negative.size(),
          "one magnitude per sign is needed");
  return SignedBatch{view(magnitudes), view(negative), static_cast<std::size_t>(magnitudes.shape(1))};
}

// Runs a native function on an array and a borrowed integer batch.
template <class Left, CiphertextArray (*function)(const Left&, const IntegerBatch&)>
CiphertextArray with_integers(const Left& left, const py::object& values) {
  const IntegerBatch batch = integer_batch(values);
  const py::gil_scoped_release release;
  return function(left, batch);
}

CiphertextArray encrypt_packed(const ResidueSource& source, const Array<std::uint64_t>& words,
                               std::size_t slot_bits) {
  require(words.ndim() == 2, "expected one row of slots per plaintext");
  const PackedBatch batch{view(words), static_cast<std::size_t>(words.shape(1)), slot_bits};
  const py::gil_scoped_release release;
  return encrypt(source, batch);
}

/// Decrypted plaintexts: wiped when released, converted on demand.
class Plaintexts {
 public:
  Plaintexts(const PrivateKey& key, const CiphertextArray& ciphertexts)
      : key_(key.public_key()), bytes_(key.decrypt(ciphertexts)) {}

  py::object to_int64() const {
    std::optional<std::vector<std::int64_t>> values;
    {
      const py::gil_scoped_release release;
      values = paillier::to_int64(*key_, bytes_);
    }
    if (!values) return py::none();
    return to_array(*values);
  }
  py::object to_double(std::size_t scale_bits) const {
    std::vector<double> values;
    {
      const py::gil_scoped_release release;
      values = paillier::to_double(*key_, bytes_, scale_bits);
    }
    return to_array(values);
  }
  py::object to_words(std::size_t slot_bits, std::size_t slots, std::size_t shift) const {
    std::vector<std::uint64_t> words;
    {
      const py::gil_scoped_release release;
      words = paillier::to_words(*key_, bytes_, slot_bits, slots, shift);
    }
    const auto rows = static_cast<py::ssize_t>(words.size() / slots);
    return to_array(words).reshape({rows, static_cast<py::ssize_t>(slots)});
  }
  void require_at_most_bits(std::size_t bits) const {
    const py::gil_scoped_release release;
    paillier::require_at_most_bits(*key_, bytes_, bits);
  }
  py::bytes to_bytes() const { return to_py_bytes(bytes_); }

 private:
  PublicKeyPtr key_;
  SecretVector<std::uint8_t> bytes_;
};

std::unique_ptr<Plaintexts> decrypt(const PrivateKey& key, const CiphertextArray& ciphertexts) {
  const py::gil_scoped_release release;
  return std::make_unique<Plaintexts>(key, ciphertexts);
}

CiphertextArray ciphertexts_from_bytes(const SharedPublicKey& key, const py::buffer& buffer,
                                       std::size_t size) {
  const py::buffer_info info = buffer.request();
  const ByteSpan bytes = byte_view(info);
  const py::gil_scoped_release release;
  return CiphertextArray::from_bytes(key, bytes, size);
}

py::bytes ciphertexts_to_bytes(const CiphertextArray& ciphertexts) {
  PlainVector<std::uint8_t> bytes;
  {
    const py::gil_scoped_release release;
    bytes = ciphertexts.to_bytes();
  }
  return to_py_bytes(bytes);
}

void bind_keys(py::module_& m) {
  py::enum_<KeyKind>(m, "KeyKind")
      .value("standard", KeyKind::standard)
      .value("djn", KeyKind::djn)
      .value("fast", KeyKind::fast);
  py::class_<ResidueSource, std::shared_ptr<ResidueSource>>(m, "ResidueSource");
  py::class_<PublicKey, ResidueSource, SharedPublicKey>(m, "PublicKey")
      .def_static("from_bytes",
                  [](const py::buffer& buffer) {
                    const py::buffer_info info = buffer.request();
                    const ByteSpan bytes = byte_view(info);
                    const py::gil_scoped_release release;
                    return unconst(PublicKey::from_bytes(bytes));
                  })
      .def("to_bytes", [](const PublicKey& key) { return to_py_bytes(key.to_bytes()); })
      .def_property_readonly("n", [](const PublicKey& key) { return to_python(key.n()); })
      .def_property_readonly("hs",
                             [](const PublicKey& key) -> py::object {
                               if (!key.base()) return py::none();
                               return to_python(key.base()->hs);
                             })
      .def_property_readonly("kind", &PublicKey::kind)
      .def_property_readonly("exponent_bits",
                             [](const PublicKey& key) { return key.base() ? key.base()->exponent_bits : 0; })
      .def_property_readonly("key_bits", &PublicKey::key_bits)
      .def_property_readonly("max_plaintext_bits", &PublicKey::max_plaintext_bits)
      .def_property_readonly("ciphertext_bytes", &PublicKey::ciphertext_bytes)
      .def_property_readonly("fingerprint",
                             [](const PublicKey& key) { return to_py_bytes(key.fingerprint()); })
      .def("ciphertexts_from_bytes", &ciphertexts_from_bytes, py::arg("bytes"), py::arg("size"));
  py::class_<PrivateKey, ResidueSource, SharedPrivateKey>(m, "PrivateKey")
      .def_static(
          "generate",
          [](std::size_t key_bits, bool fast) {
            const py::gil_scoped_release release;
            return unconst(PrivateKey::generate(key_bits, fast));
          },
          py::arg("key_bits"), py::arg("fast") = false)
      .def_static("from_primes",
                  [](const py::int_& p, const py::int_& q) {
                    return unconst(PrivateKey::from_primes(to_natural(p), to_natural(q)));
                  })
      .def_static("deserialize",
                  [](const py::bytearray& secret) {
                    const py::buffer_info info = py::buffer(secret).request();
                    return unconst(PrivateKey::deserialize(byte_view(info)));
                  })
      .def("serialize",
           [](const PrivateKey& key) {
             const auto bytes = key.serialize();
             return py::bytearray(reinterpret_cast<const char*>(bytes.data()), bytes.size());
           })
      .def_property_readonly("public_key", [](const PrivateKey& key) { return unconst(key.public_key()); })
      .def("decrypt", &decrypt);
  const auto no_gil = py::call_guard<py::gil_scoped_release>();
  py::class_<RandomizerPool, ResidueSource, std::shared_ptr<RandomizerPool>>(m, "RandomizerPool")
      .def(py::init<std::shared_ptr<ResidueSource>, std::size_t>(), no_gil, py::arg("source"),
           py::arg("capacity"))
      .def("stop", &RandomizerPool::stop, no_gil)
      .def_property_readonly("capacity", &RandomizerPool::capacity)
      .def_property_readonly("ready", &RandomizerPool::ready);
  py::class_<Plaintexts>(m, "Plaintexts")
      .def("to_int64", &Plaintexts::to_int64)
      .def("to_double", &Plaintexts::to_double, py::arg("scale_bits"))
      .def("to_words", &Plaintexts::to_words, py::arg("slot_bits"), py::arg("slots"), py::arg("shift"))
      .def("require_at_most_bits", &Plaintexts::require_at_most_bits, py::arg("bits"))
      .def("to_bytes", &Plaintexts::to_bytes);
}

void bind_ciphertexts(py::module_& m) {
  const auto no_gil = py::call_guard<py::gil_scoped_release>();
  py::class_<CiphertextArray>(m, "CiphertextArray")
      .def_property_readonly("size", &CiphertextArray::size)
      .def_property_readonly("key", [](const CiphertextArray& a) { return unconst(a.key()); })
      .def("to_bytes", &ciphertexts_to_bytes);
  m.def("set_table_bytes", &set_table_bytes, py::arg("bytes"));
  m.def("table_bytes", &table_bytes);
  m.def("encrypt", &with_integers<ResidueSource, &encrypt>, py::arg("source"), py::arg("values"));
  m.def("encrypt_packed", &encrypt_packed, py::arg("source"), py::arg("words").noconvert(),
        py::arg("slot_bits"));
  m.def("rerandomize", &rerandomize, no_gil);
  m.def("add", &add, no_gil);
  m.def("subtract", &subtract, no_gil);
  m.def("negate", &negate, no_gil);
  m.def("mul_plain", &with_integers<CiphertextArray, &mul_plain>);
  m.def("add_plain", &with_integers<CiphertextArray, &add_plain>);
  m.def("sum", &sum, no_gil, py::arg("ciphertexts"), py::arg("outer"), py::arg("axis"), py::arg("inner"));
  m.def("gather", [](const CiphertextArray& a, const Array<std::int64_t>& index) {
    const auto rows = view(index);
    const py::gil_scoped_release release;
    return gather(a, rows);
  });
  m.def("concatenate", [](const std::vector<const CiphertextArray*>& parts) {
    for (const CiphertextArray* const part : parts) require(part != nullptr, "None is no ciphertext array");
    return concatenate(parts);
  });
}

void bind_fault_injection(py::module_& m) {
  py::enum_<InjectedFault>(m, "_InjectedFault")
      .value("none", InjectedFault::none)
      .value("reduction", InjectedFault::reduction)
      .value("exponentiation_low", InjectedFault::exponentiation_low)
      .value("exponentiation_high", InjectedFault::exponentiation_high)
      .value("logarithm", InjectedFault::logarithm)
      .value("plaintext", InjectedFault::plaintext)
      .value("ciphertext", InjectedFault::ciphertext)
      .value("randomizer_exponent", InjectedFault::randomizer_exponent)
      .value("randomizer", InjectedFault::randomizer)
      .value("joined_randomizer", InjectedFault::joined_randomizer);
  m.def("_inject_fault_for_testing", [](InjectedFault fault) { injected_fault.store(fault); });
}

}  // namespace

void bind_paillier(py::module_& m) {
  py::module_ p = m.def_submodule("paillier", "Paillier keys and ciphertext arrays.");
  bind_keys(p);
  bind_ciphertexts(p);
  bind_fault_injection(p);
}

}  // namespace isthmus::bindings
