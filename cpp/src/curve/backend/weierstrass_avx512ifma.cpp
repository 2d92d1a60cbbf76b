// P-256 and SM2 kernels on eight elements per vector, AVX-512 IFMA.

#include <immintrin.h>

#include "fp256_lanes.hpp"

namespace isthmus::weierstrass {
namespace {

struct Ifma {
  static constexpr std::size_t kLanes = 8;
  using Vector = std::uint64_t __attribute__((vector_size(64)));
  using SignedVector = std::int64_t __attribute__((vector_size(64)));
  using Digit = Vector;
  static constexpr bool kShiftsQuotients = false;
  static constexpr std::uint64_t kLowOffset = 0;
  static constexpr std::uint64_t kHighOffset = 0;
  static constexpr std::uint64_t kLimbOffset = 0;
  static constexpr std::uint64_t kLift = 0;

  struct Mask {
    __mmask8 lanes;
    friend Mask operator|(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes | b.lanes)}; }
    friend Mask operator^(Mask a, Mask b) noexcept { return {static_cast<__mmask8>(a.lanes ^ b.lanes)}; }
    friend std::uint64_t lane_of(Mask mask, std::size_t lane) noexcept {
      return std::uint64_t{0} - ((std::uint64_t{mask.lanes} >> lane) & 1);
    }
  };

  ISTHMUS_LANES_INLINE static Vector load(const std::uint64_t* p) noexcept {
    return (Vector)_mm512_loadu_si512(p);
  }
  ISTHMUS_LANES_INLINE static void store(std::uint64_t* p, Vector v) noexcept {
    _mm512_storeu_si512(p, (__m512i)v);
  }
  ISTHMUS_LANES_INLINE static Vector load_bytes(const std::uint8_t* p) noexcept {
    return (Vector)_mm512_maskz_cvtepu8_epi64(0xff, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  ISTHMUS_LANES_INLINE static Digit digit(std::uint64_t a) noexcept { return Vector{} + a; }
  template <std::uint64_t kValue>
  ISTHMUS_LANES_INLINE static Vector add(Vector v) noexcept {
    return v + kValue;
  }
  ISTHMUS_LANES_INLINE static Digit to_digit(Vector v) noexcept { return v; }
  ISTHMUS_LANES_INLINE static Vector to_vector(Digit d) noexcept { return d; }

  template <bool kSetLow, bool kSetHigh>
  ISTHMUS_LANES_INLINE static void multiply(Vector& low, Vector& high, Digit a, Digit b) noexcept {
    if constexpr (kSetLow) low = Vector{};
    if constexpr (kSetHigh) high = Vector{};
    low = (Vector)_mm512_madd52lo_epu64((__m512i)low, (__m512i)a, (__m512i)b);
    high = (Vector)_mm512_madd52hi_epu64((__m512i)high, (__m512i)a, (__m512i)b);
  }
  template <int kBits>
  ISTHMUS_LANES_INLINE static Vector shift_right(Vector v) noexcept {
    return (Vector)((SignedVector)v >> kBits);
  }
  ISTHMUS_LANES_INLINE static Mask equal(Vector a, Vector b) noexcept {
    return {_mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b)};
  }
  ISTHMUS_LANES_INLINE static Digit select(Mask mask, Digit a, Digit b) noexcept {
    return (Vector)_mm512_mask_mov_epi64((__m512i)b, mask.lanes, (__m512i)a);
  }
};

}  // namespace

const CurveKernels kAvx512IfmaKernels = {kTileKernels<Lanes<Ifma, P256>>, kTileKernels<Lanes<Ifma, Sm2>>};

}  // namespace isthmus::weierstrass
