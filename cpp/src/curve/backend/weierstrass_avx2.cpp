// P-256 and SM2 kernels on four elements per vector, in double-precision fused multiply-adds of AVX2 + FMA.
//
// The product of two limbs below 2^52 is cut at 2^52 without an error when rounding is toward zero:
//   high = fma(a, b, 2^104)                            = 2^104 + h 2^52
//   low  = fma(a, b, (2^104 + 2^52) - high)            = 2^52 + l,   a b = h 2^52 + l, 0 <= l < 2^52.
// Both lie in one binade, so that their bit patterns are fixed constants plus h and l, and columns add up
// with 64-bit integer additions. Everything else in floating point here is exact.

#include <immintrin.h>

#include "fp256_lanes.hpp"

namespace isthmus::weierstrass {
namespace {

struct Fma {
  static constexpr std::size_t kLanes = 4;
  using Vector = std::uint64_t __attribute__((vector_size(32)));
  using Digit = __m256d;
  static constexpr bool kShiftsQuotients = true;
  static constexpr std::uint64_t kTwo52 = std::uint64_t{1023 + 52} << 52;  // the bits of the double
  static constexpr std::uint64_t kLowOffset = kTwo52;
  static constexpr std::uint64_t kHighOffset = std::uint64_t{1023 + 104} << 52;
  static constexpr std::uint64_t kLimbOffset = kTwo52;
  static constexpr std::uint64_t kLift = std::uint64_t{1} << 62;

  struct Mask {
    __m256i lanes;
    friend Mask operator|(Mask a, Mask b) noexcept { return {a.lanes | b.lanes}; }
    friend Mask operator^(Mask a, Mask b) noexcept { return {a.lanes ^ b.lanes}; }
    friend std::uint64_t lane_of(Mask mask, std::size_t lane) noexcept {
      const auto bits = static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_castsi256_pd(mask.lanes)));
      return std::uint64_t{0} - ((bits >> lane) & 1);
    }
  };

  ISTHMUS_LANES_INLINE static Vector load(const std::uint64_t* p) noexcept {
    return (Vector)_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  ISTHMUS_LANES_INLINE static void store(std::uint64_t* p, Vector v) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
  }
  ISTHMUS_LANES_INLINE static Vector load_bytes(const std::uint8_t* p) noexcept {
    std::int32_t four;
    std::memcpy(&four, p, 4);
    return (Vector)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
  }
  ISTHMUS_LANES_INLINE static Digit digit(std::uint64_t a) noexcept {
    return _mm256_set1_pd(static_cast<double>(a));
  }
  ISTHMUS_LANES_INLINE static Digit to_digit(Vector v) noexcept {
    return (__m256d)(v | kTwo52) - _mm256_set1_pd(0x1p52);
  }
  ISTHMUS_LANES_INLINE static Vector to_vector(Digit d) noexcept {
    return (Vector)(d + _mm256_set1_pd(0x1p52));
  }

  // v + kValue, from memory: the compiler would build the constant in general registers.
  template <std::uint64_t kValue>
  ISTHMUS_LANES_INLINE static Vector add(Vector v) noexcept {
    alignas(32) static constexpr std::uint64_t kLanesOf[4] = {kValue, kValue, kValue, kValue};
    Vector r;
    __asm__("vpaddq %[constant], %[v], %[r]" : [r] "=x"(r) : [v] "x"(v), [constant] "m"(kLanesOf));
    return r;
  }

  // In assembly, additions included, because the compiler would make all halves first, add them up in trees,
  // and keep them on the stack until then.
  template <bool kSetLow, bool kSetHigh>
  ISTHMUS_LANES_INLINE static void multiply(Vector& low, Vector& high, Digit a, Digit b) noexcept {
    const __m256d c = _mm256_set1_pd(0x1p104), c_plus = _mm256_set1_pd(0x1p104 + 0x1p52);
    __m256d h, l;
    if constexpr (kSetHigh) {
      __asm__(
          "vmovapd %[c], %[h]\n\t"
          "vfmadd231pd %[b], %[a], %[h]\n\t"
          "vsubpd %[h], %[c_plus], %[l]\n\t"
          "vfmadd231pd %[b], %[a], %[l]"
          : [h] "=&x"(h), [l] "=&x"(l)
          : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
      high = (Vector)h;
    } else {
      __asm__(
          "vmovapd %[c], %[h]\n\t"
          "vfmadd231pd %[b], %[a], %[h]\n\t"
          "vsubpd %[h], %[c_plus], %[l]\n\t"
          "vpaddq %[h], %[high], %[high]\n\t"
          "vfmadd231pd %[b], %[a], %[l]"
          : [high] "+x"(high), [h] "=&x"(h), [l] "=&x"(l)
          : [a] "x"(a), [b] "xm"(b), [c] "x"(c), [c_plus] "x"(c_plus));
    }
    if constexpr (kSetLow) {
      low = (Vector)l;
    } else {
      __asm__("vpaddq %[l], %[low], %[low]" : [low] "+x"(low) : [l] "x"(l));
    }
  }
  template <int kBits>
  ISTHMUS_LANES_INLINE static Vector shift_right(Vector v) noexcept {
    return v >> kBits;
  }
  ISTHMUS_LANES_INLINE static Mask equal(Vector a, Vector b) noexcept {
    return {_mm256_cmpeq_epi64((__m256i)a, (__m256i)b)};
  }
  ISTHMUS_LANES_INLINE static Digit select(Mask mask, Digit a, Digit b) noexcept {
    return _mm256_blendv_pd(b, a, _mm256_castsi256_pd(mask.lanes));
  }
};

// Rounding toward zero while it lives.
class TowardZero {
 public:
  TowardZero() noexcept : before_(_mm_getcsr()) { _mm_setcsr(before_ | _MM_ROUND_TOWARD_ZERO); }
  ~TowardZero() { _mm_setcsr(before_); }
  TowardZero(const TowardZero&) = delete;
  TowardZero& operator=(const TowardZero&) = delete;

 private:
  unsigned before_;
};

// The kernel of this function pointer under that rounding. The call is through a pointer that the compiler
// cannot see through, so that nothing of the kernel moves across the change of mode.
template <auto kKernel>
struct Rounded;
template <class... Arguments, void (*kKernel)(Arguments...)>
struct Rounded<kKernel> {
  static void run(Arguments... arguments) {
    const TowardZero mode;
    auto kernel = kKernel;
    __asm__("" : "+r"(kernel));
    kernel(arguments...);
  }
};

template <class F>
constexpr Kernels kRoundedKernels = {&Rounded<&mult_tile<F>>::run, &Rounded<&map_tile<F, 2>>::run,
                                     &Rounded<&map_tile<F, 1>>::run, &Rounded<&map_mult_tile<F>>::run,
                                     &Rounded<&decode_tile<F>>::run};

}  // namespace

const CurveKernels kAvx2Kernels = {kRoundedKernels<Lanes<Fma, P256>>, kRoundedKernels<Lanes<Fma, Sm2>>};

}  // namespace isthmus::weierstrass
