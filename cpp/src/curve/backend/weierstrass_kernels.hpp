#pragma once
// The kernels that a backend provides for P-256 and SM2. Each works through one tile of at most Group::kTile
// elements on the calling thread. A backend is one source file with its own compiler flags and one row in
// weierstrass_select.cpp. Such a file must bring its own field type: an inline function shared with other
// files could be linked from it and run where its ISA is missing.

#include "../weierstrass_digits.hpp"
#include "isthmus/core/cpu.hpp"

namespace isthmus::weierstrass {

struct Kernels {
  // Decodes points[n * 33], multiplies row i by scalar i, encodes to out[n * 33]; decoded[i] says which are
  // valid.
  void (*mult)(const SignedDigits& scalars, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
               Decoded* decoded);
  // The sum of two SSWU maps of uniform[n * 96], encoded; and one map of uniform[n * 48].
  void (*map)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  void (*map_nonuniform)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  // Scalar i times the sum of two maps of row i, encoded.
  void (*map_mult)(const SignedDigits& scalars, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out);
  // Decodes points[n * 33] to affine[n * 64], two big-endian coordinates.
  void (*decode)(const std::uint8_t* points, std::size_t n, std::uint8_t* affine, Decoded* decoded);
};

/// One backend's kernels for either curve.
struct CurveKernels {
  Kernels p256;
  Kernels sm2;
};

extern const CurveKernels kPortableKernels;
extern const CurveKernels kAvx2Kernels;
extern const CurveKernels kAvx512IfmaKernels;

/// The kernels of this backend, or of the best one before it that has a row.
const CurveKernels& kernels_of(Backend backend);

/// The kernels of the active backend, for P256 and Sm2.
template <class Curve>
const Kernels& kernels();

}  // namespace isthmus::weierstrass
