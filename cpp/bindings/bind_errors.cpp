// Translates isthmus::Error into the class of python/isthmus/errors.py that carries the same code, and keeps
// arguments out of the messages of TypeErrors.

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

// pybind11 ends the message about arguments that fit no signature with all of them, printed; some are primes
// or plaintexts.
void drop_arguments_from_type_error() noexcept {
  constexpr std::string_view kBeforeArguments = "\nInvoked with: ";
  if (PyErr_ExceptionMatches(PyExc_TypeError) == 0) return;
  try {
    py::error_already_set error;
    const auto message = py::str(error.value()).cast<std::string>();
    const std::size_t end = message.find(kBeforeArguments);
    if (end == std::string::npos) return error.restore();
    PyErr_SetString(PyExc_TypeError, message.substr(0, end).c_str());
  } catch (...) {
    PyErr_SetString(PyExc_TypeError, "incompatible function arguments");
  }
}

// What pybind11 puts behind every function, in the calling convention that its version uses.
template <class... Arguments>
PyObject* (*dispatcher)(PyObject* self, Arguments... arguments) = nullptr;

template <class... Arguments>
PyObject* dispatch_quietly(PyObject* self, Arguments... arguments) {
  PyObject* const result = dispatcher<Arguments...>(self, arguments...);
  if (result == nullptr) drop_arguments_from_type_error();
  return result;
}

template <class... Arguments>
void replace_dispatcher(PyMethodDef& method) {
  dispatcher<Arguments...> =
      reinterpret_cast<PyObject* (*)(PyObject*, Arguments...)>(reinterpret_cast<void (*)()>(method.ml_meth));
  method.ml_meth =
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&dispatch_quietly<Arguments...>));
}

void hide_in_function(PyObject* function) {
  static const PyCFunction of_pybind11 = PyCFunction_GET_FUNCTION(py::cpp_function([] {}).ptr());
  PyMethodDef& method = *reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
  if (method.ml_meth != of_pybind11) return;
  if ((method.ml_flags & METH_FASTCALL) != 0) {
    replace_dispatcher<PyObject* const*, Py_ssize_t, PyObject*>(method);
  } else {
    replace_dispatcher<PyObject*, PyObject*>(method);
  }
}

// The functions of a module, a class, a property or a method.
void hide_arguments_of(const py::handle& holder) {
  PyObject* const object = holder.ptr();
  if (PyCFunction_Check(object) != 0) return hide_in_function(object);
  if (PyInstanceMethod_Check(object) != 0) return hide_in_function(PyInstanceMethod_GET_FUNCTION(object));
  if (py::isinstance<py::staticmethod>(holder)) return hide_arguments_of(holder.attr("__func__"));
  if (PyObject_TypeCheck(object, &PyProperty_Type) != 0) {
    for (const char* const accessor : {"fget", "fset"}) hide_arguments_of(holder.attr(accessor));
  }
  if (!py::isinstance<py::module_>(holder) && PyType_Check(object) == 0) return;
  for (const auto& item : py::dict(holder.attr("__dict__"))) hide_arguments_of(item.second);
}

}  // namespace

void hide_arguments_in_errors(const py::module_& m) { hide_arguments_of(m); }

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
