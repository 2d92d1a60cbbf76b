// Bucket sums, weighted sums, packed products, folding, fixed point and packing layouts.
//
// Matrices are borrowed with their strides, in any memory order; the caller's arrays stay alive for the
// length of the call, which runs without the GIL. Should another thread change them meanwhile, the result is
// unspecified or an error, and no memory outside the arrays is read or written.

#include <optional>
#include <vector>

#include "bindings.hpp"
#include "isthmus/aggregate/bucket_sum.hpp"
#include "isthmus/aggregate/compress.hpp"
#include "isthmus/aggregate/fixed_point.hpp"
#include "isthmus/aggregate/packed_products.hpp"
#include "isthmus/aggregate/packing.hpp"
#include "isthmus/aggregate/weighted_sum.hpp"

namespace isthmus::bindings {
namespace {

using aggregate::MatrixView;
using aggregate::PackLayout;
using aggregate::RowSubset;
using aggregate::SparseView;
using paillier::CiphertextArray;

template <class T>
MatrixView<T> matrix_view(const py::array& array) {
  require(array.ndim() == 2, "expected a two-dimensional array");
  constexpr auto kSize = static_cast<py::ssize_t>(sizeof(T));
  require(array.strides(0) % kSize == 0 && array.strides(1) % kSize == 0, "expected an aligned array");
  return {aligned_data<T>(array), static_cast<std::size_t>(array.shape(0)),
          static_cast<std::size_t>(array.shape(1)), array.strides(0) / kSize, array.strides(1) / kSize};
}

MatrixView<std::int64_t> int64_matrix(const py::array& array) {
  require(py::isinstance<py::array_t<std::int64_t>>(array), "expected int64");
  return matrix_view<std::int64_t>(array);
}

RowSubset row_subset(const std::optional<Array<std::int64_t>>& rows) {
  return rows ? RowSubset(view(*rows)) : std::nullopt;
}

SparseView sparse_view(std::size_t row_count, const Array<std::int64_t>& column_starts,
                       const Array<std::int64_t>& row_numbers, const Array<std::int64_t>& values) {
  const auto starts = view(column_starts);
  return {row_count, {starts.begin(), starts.end()}, view(row_numbers), view(values)};
}

template <class T>
CiphertextArray bucket_sum_as(const CiphertextArray& in, std::size_t planes, const py::array& buckets,
                              std::size_t n_buckets, const RowSubset& rows, const PackLayout* layout) {
  const auto matrix = matrix_view<T>(buckets);
  const py::gil_scoped_release release;
  return aggregate::bucket_sum(in, planes, matrix, n_buckets, rows, layout);
}

CiphertextArray bucket_sum(const CiphertextArray& in, std::size_t planes, const py::array& buckets,
                           std::size_t n_buckets, const std::optional<Array<std::int64_t>>& rows,
                           const PackLayout* layout) {
  const RowSubset subset = row_subset(rows);
  const auto has_type = [&](auto value) { return py::isinstance<py::array_t<decltype(value)>>(buckets); };
  const auto sum_as = [&](auto value) {
    return bucket_sum_as<decltype(value)>(in, planes, buckets, n_buckets, subset, layout);
  };
  if (has_type(std::uint8_t{})) return sum_as(std::uint8_t{});
  if (has_type(std::uint16_t{})) return sum_as(std::uint16_t{});
  if (has_type(std::int32_t{})) return sum_as(std::int32_t{});
  require(has_type(std::int64_t{}), "buckets must be uint8, uint16, int32 or int64");
  return sum_as(std::int64_t{});
}

CiphertextArray bucket_sum_sparse(const CiphertextArray& in, std::size_t planes, std::size_t row_count,
                                  const Array<std::int64_t>& column_starts,
                                  const Array<std::int64_t>& row_numbers, const Array<std::int64_t>& values,
                                  std::size_t n_buckets, const std::optional<Array<std::int64_t>>& rows,
                                  const PackLayout* layout) {
  const SparseView matrix = sparse_view(row_count, column_starts, row_numbers, values);
  const RowSubset subset = row_subset(rows);
  const py::gil_scoped_release release;
  return aggregate::bucket_sum(in, planes, matrix, n_buckets, subset, layout);
}

CiphertextArray weighted_sum(const CiphertextArray& in, const py::array& weights,
                             const std::optional<Array<std::int64_t>>& rows) {
  const auto matrix = int64_matrix(weights);
  const RowSubset subset = row_subset(rows);
  const py::gil_scoped_release release;
  return aggregate::weighted_sum(in, matrix, subset);
}

CiphertextArray weighted_sum_sparse(const CiphertextArray& in, std::size_t row_count,
                                    const Array<std::int64_t>& column_starts,
                                    const Array<std::int64_t>& row_numbers, const Array<std::int64_t>& values,
                                    const std::optional<Array<std::int64_t>>& rows) {
  const SparseView matrix = sparse_view(row_count, column_starts, row_numbers, values);
  const RowSubset subset = row_subset(rows);
  const py::gil_scoped_release release;
  return aggregate::weighted_sum(in, matrix, subset);
}

Array<std::int64_t> to_fixed_point(const Array<double>& values, std::size_t scale_bits) {
  require(values.ndim() == 2, "expected a two-dimensional array");
  Array<std::int64_t> out({values.shape(0), values.shape(1)});
  if (values.size() == 0) return out;
  const auto in_span = view(values);
  const auto out_span = mutable_view(out);
  const auto columns = static_cast<std::size_t>(values.shape(1));
  const py::gil_scoped_release release;
  aggregate::to_fixed_point(in_span, columns, scale_bits, out_span);
  return out;
}

std::string repr(const PackLayout& layout) {
  return "PackLayout(key_bits=" + std::to_string(layout.key_bits()) +
         ", value_bits=" + py::repr(py::tuple(py::cast(layout.value_bits()))).cast<std::string>() +
         ", max_addends=" + std::to_string(layout.max_addends()) + ")";
}

py::tuple value_bits(const PackLayout& layout) { return py::tuple(py::cast(layout.value_bits())); }

py::tuple state(const PackLayout& layout) {
  return py::make_tuple(layout.key_bits(), value_bits(layout), layout.max_addends());
}

void bind_pack_layout(py::module_& m) {
  py::class_<PackLayout> type(m, "PackLayout",
                              R"(Several non-negative values in one plaintext, with a proven bound.

plaintext = sum_s value[s] << (s * slot_bits), slot_bits = max(value_bits) + ceil(log2(max_addends)).

The sum of up to `max_addends` such plaintexts carries from no slot into the next and stays below n/2.

Parameters
----------
key_bits : int
    Size of the Paillier modulus.
value_bits : sequence of int
    Bits of each field's largest value, lowest slot first.
max_addends : int
    How many packed plaintexts may be added up.

Raises
------
PlaintextOverflow
    If the fields do not fit in ``key_bits - 2`` bits.
InvalidArgument
    If there is no field, a field has no bits, or `max_addends` is 0.
)");
  type.attr("__module__") = "isthmus.aggregate";  // where pickle finds it
  type.def(py::init<std::size_t, std::vector<std::size_t>, std::uint64_t>(), py::kw_only(),
           py::arg("key_bits"), py::arg("value_bits"), py::arg("max_addends"));
  type.def_static("uniform", &PackLayout::uniform, py::arg("key_bits"), py::arg("slot_bits"),
                  "As many equal slots as fit; one addend, so the whole slot is the value.");
  type.def_property_readonly("key_bits", &PackLayout::key_bits, "Size of the modulus.");
  type.def_property_readonly("slots", &PackLayout::slots, "Number of fields.");
  type.def_property_readonly("slot_bits", &PackLayout::slot_bits, "Width of every slot.");
  type.def_property_readonly("headroom_bits", &PackLayout::headroom_bits, "ceil(log2(max_addends)).");
  type.def_property_readonly("max_addends", &PackLayout::max_addends, "Plaintexts that may be added up.");
  type.def_property_readonly("value_bits", &value_bits, "Bits of each field, lowest slot first.");
  type.def("require_addends", &PackLayout::require_addends, py::arg("addends"),
           "Raise PlaintextOverflow when the bound does not cover a sum of `addends` plaintexts.");
  type.def("__eq__", [](const PackLayout& a, const py::object& b) {
    return py::isinstance<PackLayout>(b) && a == b.cast<const PackLayout&>();
  });
  type.def("__hash__", [](const PackLayout& layout) { return py::hash(state(layout)); });
  type.def("__repr__", &repr);
  type.def(py::pickle(&state, [](const py::tuple& t) {
    return PackLayout(t[0].cast<std::size_t>(), t[1].cast<std::vector<std::size_t>>(),
                      t[2].cast<std::uint64_t>());
  }));
}

}  // namespace

void bind_aggregate(py::module_& m) {
  py::module_ sub = m.def_submodule("aggregate", "Sums over ciphertexts.");
  bind_pack_layout(sub);
  sub.def("bucket_sum", &bucket_sum, py::arg("ct"), py::arg("planes"), py::arg("buckets"),
          py::arg("n_buckets"), py::arg("rows").noconvert() = py::none(), py::arg("layout") = py::none());
  sub.def("bucket_sum_sparse", &bucket_sum_sparse, py::arg("ct"), py::arg("planes"), py::arg("row_count"),
          py::arg("column_starts").noconvert(), py::arg("row_numbers").noconvert(),
          py::arg("values").noconvert(), py::arg("n_buckets"), py::arg("rows").noconvert() = py::none(),
          py::arg("layout") = py::none());
  sub.def("weighted_sum", &weighted_sum, py::arg("ct"), py::arg("weights"),
          py::arg("rows").noconvert() = py::none());
  sub.def("weighted_sum_sparse", &weighted_sum_sparse, py::arg("ct"), py::arg("row_count"),
          py::arg("column_starts").noconvert(), py::arg("row_numbers").noconvert(),
          py::arg("values").noconvert(), py::arg("rows").noconvert() = py::none());
  sub.def(
      "packed_products",
      [](const CiphertextArray& in, const py::array& weights, std::size_t slot_bits) {
        const auto matrix = int64_matrix(weights);
        const py::gil_scoped_release release;
        return aggregate::packed_products(in, matrix, slot_bits);
      },
      py::arg("ct"), py::arg("weights"), py::arg("slot_bits"));
  sub.def("compress", &aggregate::compress, py::arg("ct"), py::arg("slot_bits"),
          py::call_guard<py::gil_scoped_release>());
  sub.def("to_fixed_point", &to_fixed_point, py::arg("values").noconvert(), py::arg("scale_bits"));
}

}  // namespace isthmus::bindings
