// Records of items and tags as uint64 arrays, and the secret seed that orders them. Every call runs without
// the GIL on arrays that it borrows.

#include "bindings.hpp"
#include "isthmus/psi/record.hpp"
#include "isthmus/psi/seed.hpp"
#include "record_arrays.hpp"

namespace isthmus::bindings {
namespace {

template <std::size_t Words>
py::tuple partition_as(const Array<std::uint64_t>& records) {
  const auto in = record_view<Words>(records);
  auto out = record_matrix<Words>(in.size());
  const auto out_span = mutable_record_view<Words>(out);
  Array<std::uint64_t> starts(static_cast<py::ssize_t>(kPartitions + 1));
  const std::span<std::uint64_t, kPartitions + 1> starts_span(starts.mutable_data(), kPartitions + 1);
  {
    const py::gil_scoped_release release;
    partition_records<Words>(in, out_span, starts_span);
  }
  return py::make_tuple(out, starts);
}

template <std::size_t Words>
Array<std::uint64_t> sort_as(const Array<std::uint64_t>& records) {
  const auto in = record_view<Words>(records);
  auto out = record_matrix<Words>(in.size());
  const auto out_span = mutable_record_view<Words>(out);
  const py::gil_scoped_release release;
  sort_records<Words>(in, out_span);
  return out;
}

// Calls work<Words>() for the width of the records; record_view() refuses those of another.
template <class Work>
auto by_words(const Array<std::uint64_t>& records, const Work& work) {
  switch (records.ndim() == 2 ? records.shape(1) : 0) {
    case 4:
      return work.template operator()<4>();
    case 5:
      return work.template operator()<5>();
    case 6:
      return work.template operator()<6>();
    default:
      return work.template operator()<3>();
  }
}

py::tuple partition(const Array<std::uint64_t>& records) {
  return by_words(records, [&]<std::size_t Words>() { return partition_as<Words>(records); });
}

Array<std::uint64_t> sort(const Array<std::uint64_t>& records) {
  return by_words(records, [&]<std::size_t Words>() { return sort_as<Words>(records); });
}

py::tuple split(const Array<std::uint64_t>& sorted) {
  const auto in = record_view<6>(sorted);
  auto digests = matrix(in.size(), kItemDigestBytes);
  Array<std::uint64_t> rows(static_cast<py::ssize_t>(in.size()));
  const auto digests_span = mutable_view(digests);
  const auto rows_span = mutable_view(rows);
  std::size_t items = 0;
  {
    const py::gil_scoped_release release;
    items = split_items(in, digests_span, rows_span);
  }
  return py::make_tuple(digests[py::slice(0, static_cast<py::ssize_t>(items), 1)], rows);
}

py::tuple reorder(const Array<std::uint8_t>& digests, const Array<std::uint64_t>& rows,
                  const SecretSeed& seed) {
  const auto digests_span = view(digests);
  const auto rows_span = view(rows);
  auto out = record_matrix<6>(rows_span.size());
  const auto out_span = mutable_record_view<6>(out);
  std::uint64_t print = 0;
  {
    const py::gil_scoped_release release;
    print =
        reorder_item_records(digests_span, rows_span, seed.sip_key("order"), seed.sip_key("print"), out_span);
  }
  return py::make_tuple(out, print);
}

Array<std::uint64_t> tag_records(const Array<std::uint8_t>& rows, std::size_t offset, std::size_t width,
                                 std::uint64_t first_position) {
  require(rows.ndim() == 2, "tags must be the rows of a uint8 array");
  auto out = record_matrix<3>(static_cast<std::size_t>(rows.shape(0)));
  const auto in = view(rows);
  const auto out_span = mutable_record_view<3>(out);
  const auto stride = static_cast<std::size_t>(rows.shape(1));
  const py::gil_scoped_release release;
  make_tag_records(in, stride, offset, width, first_position, out_span);
  return out;
}

py::tuple match(const Array<std::uint64_t>& own, const Array<std::uint64_t>& peer, std::size_t tag_bytes) {
  const auto own_span = record_view<3>(own);
  const auto peer_span = record_view<3>(peer);
  Array<std::uint64_t> positions(static_cast<py::ssize_t>(own_span.size()));
  const auto positions_span = mutable_view(positions);
  TagMatch found;
  {
    const py::gil_scoped_release release;
    found = match_tags(own_span, peer_span, tag_bytes, positions_span);
  }
  return py::make_tuple(positions[py::slice(0, static_cast<py::ssize_t>(found.count), 1)], found.own_repeats,
                        found.peer_repeats);
}

py::bytes reveal(const SecretSeed& seed) {
  return {reinterpret_cast<const char*>(seed.bytes().data()), seed.bytes().size()};
}

}  // namespace

void bind_records(py::module_& m) {
  py::module_ records = m.def_submodule("records", "Fixed-size records of items and tags.");
  py::class_<SecretSeed>(records, "SecretSeed")
      .def(py::init<>())
      .def(py::init([](const py::bytes& data) { return SecretSeed(bytes_view(data)); }), py::arg("data"))
      .def("scalar", &SecretSeed::scalar, py::arg("group"))
      .def("reveal", &reveal)
      .def("__repr__", [](const SecretSeed&) { return "<SecretSeed, secret>"; });
  records.attr("PARTITIONS") = kPartitions;
  records.attr("TAG_BYTES") = kTagBytes;
  records.attr("REPEATED") = kRepeated;
  records.def("partition", &partition, py::arg("records").noconvert());
  records.def("sort", &sort, py::arg("records").noconvert());
  records.def("split", &split, py::arg("sorted").noconvert());
  records.def("reorder", &reorder, py::arg("digests").noconvert(), py::arg("rows").noconvert(),
              py::arg("seed"));
  records.def("tag_records", &tag_records, py::arg("rows").noconvert(), py::arg("offset"), py::arg("width"),
              py::arg("first_position"));
  records.def("match", &match, py::arg("own").noconvert(), py::arg("peer").noconvert(), py::arg("tag_bytes"));
}

}  // namespace isthmus::bindings
