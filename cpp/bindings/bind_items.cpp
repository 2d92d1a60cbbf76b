// Identifier columns from any Arrow exporter: checked, made into records; their digests masked.
//
// Columns arrive as (schema, array) capsules of the Arrow PyCapsule interface. The native object keeps the
// capsules, and so the exporter's memory, alive; nothing is copied. Every method runs without the GIL.

#include <utility>
#include <vector>

#include "bindings.hpp"
#include "isthmus/psi/item.hpp"
#include "isthmus/psi/record.hpp"
#include "isthmus/psi/seed.hpp"
#include "record_arrays.hpp"

namespace isthmus::bindings {
namespace {

template <class T>
const T& unwrap(const py::handle capsule, const char* name) {
  const void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw py::error_already_set();
  return *static_cast<const T*>(pointer);
}

class Columns {
 public:
  explicit Columns(const py::list& columns) : items_(views(columns, capsules_)) {}
  const ItemColumns& items() const noexcept { return items_; }

 private:
  // One list per column, of one (schema, array) pair per chunk. The lists stay the caller's to change, so the
  // capsules themselves are kept.
  static std::vector<ItemColumns::Column> views(const py::list& columns, std::vector<py::object>& capsules) {
    std::vector<ItemColumns::Column> result;
    for (const py::handle column : columns) {
      ItemColumns::Column chunks;
      for (const py::handle chunk : py::reinterpret_borrow<py::list>(column)) {
        const auto pair = py::cast<std::pair<py::object, py::object>>(chunk);
        chunks.emplace_back(unwrap<ArrowSchema>(pair.first, "arrow_schema"),
                            unwrap<ArrowArray>(pair.second, "arrow_array"));
        capsules.insert(capsules.end(), {pair.first, pair.second});
      }
      result.push_back(std::move(chunks));
    }
    return result;
  }

  std::vector<py::object> capsules_;
  ItemColumns items_;
};

py::tuple records(const Columns& columns, const SecretSeed& seed, std::uint64_t first_row) {
  auto out = record_matrix<6>(columns.items().size());
  const auto span = mutable_record_view<6>(out);
  std::uint64_t print = 0;
  {
    const py::gil_scoped_release release;
    print = make_item_records(columns.items(), seed.sip_key("order"), seed.sip_key("print"), first_row, span);
  }
  return py::make_tuple(out, print);
}

Array<std::uint8_t> mask(const Array<std::uint8_t>& digests, const Scalar& scalar, const py::bytes& domain) {
  require(digests.ndim() == 2 && digests.shape(1) == static_cast<py::ssize_t>(kItemDigestBytes),
          "digests must be a uint8 array of shape (n, 32)");
  auto out = matrix(static_cast<std::size_t>(digests.shape(0)), scalar.group().element_bytes());
  const auto in_span = view(digests);
  const auto out_span = mutable_view(out);
  const ByteSpan domain_span = bytes_view(domain);
  const py::gil_scoped_release release;
  mask_digests(in_span, domain_span, scalar, out_span);
  return out;
}

py::bytes encode_row(const Columns& columns, std::size_t row) {
  SecretVector<std::uint8_t> item;
  columns.items().encode(row, item);
  return {reinterpret_cast<const char*>(item.data()), item.size()};
}

}  // namespace

void bind_items(py::module_& m) {
  py::module_ items = m.def_submodule("items", "Identifier columns.");
  py::class_<Columns>(items, "Columns")
      .def(py::init<py::list>(), py::arg("capsules"))
      .def("__len__", [](const Columns& c) { return c.items().size(); })
      .def(
          "check", [](const Columns& c) { c.items().check(); }, py::call_guard<py::gil_scoped_release>())
      .def("encode_row", &encode_row, py::arg("row"))
      .def("records", &records, py::arg("seed"), py::arg("first_row"));
  items.def("mask_digests", &mask, py::arg("digests").noconvert(), py::arg("scalar"), py::arg("domain"));
}

}  // namespace isthmus::bindings
