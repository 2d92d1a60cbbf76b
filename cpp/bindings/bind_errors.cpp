// Translates isthmus::Error into the class of python/isthmus/errors.py that carries the same code.

#include "bindings.hpp"

namespace isthmus::bindings {
namespace {

void raise_as_python(const Error& error) {
  const py::module_ errors = py::module_::import("isthmus.errors");
  const py::object type = errors.attr("class_for_code")(std::string(code_text(error.code())));
  py::object row = py::none();
  if (error.row()) row = py::int_(*error.row());
  const py::object instance = type(error.what(), py::arg("row") = row);
  PyErr_SetObject(type.ptr(), instance.ptr());
}

}  // namespace

void bind_errors(py::module_& m) {
  m.def("error_codes", [] {
    std::vector<std::string> codes;
    for (const auto code : all_error_codes()) codes.emplace_back(code);
    return codes;
  });
  py::register_exception_translator([](std::exception_ptr pending) {
    try {
      if (pending) std::rethrow_exception(pending);
    } catch (const Error& error) {
      raise_as_python(error);
    }
  });
}

}  // namespace isthmus::bindings
