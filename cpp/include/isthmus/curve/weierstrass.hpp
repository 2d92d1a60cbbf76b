#pragma once
// P-256 (SP 800-186) and SM2 (GB/T 32918.5): the curves y^2 = x^3 - 3x + b of prime order over 256-bit
// primes.
//
// Elements travel in SEC 1 compressed form: 02 or 03 by the parity of y, then x, big-endian. Scalars are 32
// bytes, big-endian.

#include "isthmus/curve/group.hpp"
#include "isthmus/field/fp256.hpp"

namespace isthmus {

/// Parameters of one curve. kModulus is the field's prime, kMinusZ is -Z of the SSWU map (RFC 9380, section
/// 6.6.2), kRootOfMinusZ a square root of it.
struct P256 {
  static constexpr Words256 kModulus = {0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001};
  static constexpr Words256 kOrder = {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff,
                                      0xffffffff00000000};
  static constexpr Words256 kB = {0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc,
                                  0x5ac635d8aa3a93e7};
  static constexpr Words256 kGeneratorX = {0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2,
                                           0x6b17d1f2e12c4247};
  static constexpr Words256 kGeneratorY = {0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16,
                                           0x4fe342e2fe1a7f9b};
  // (m + 1) / 2^64 = 2^32 + 2^128 (2^64 - 2^32 + 1).
  [[gnu::always_inline]] static void add_multiple(std::uint64_t q, std::uint64_t* t) noexcept {
    const auto top = static_cast<fp256::Wide>(q) * kModulus[3];
    std::uint64_t carry = fp256::add_with_carry(t[1], q << 32, 0, t[1]);
    carry = fp256::add_with_carry(t[2], q >> 32, carry, t[2]);
    carry = fp256::add_with_carry(t[3], static_cast<std::uint64_t>(top), carry, t[3]);
    carry = fp256::add_with_carry(t[4], static_cast<std::uint64_t>(top >> 64), carry, t[4]);
    t[5] += carry;
  }
  static constexpr int kMinusZ = 10;
  static constexpr Words256 kRootOfMinusZ = {0xd332cbd81bcc3b80, 0x8472e008b3aa2a49, 0x36870398ae7f554d,
                                             0x25ac71c31e276467};
};

/// Z = -9 follows from the criteria of RFC 9380, appendix H.2, by which P-256 has its -10.
struct Sm2 {
  static constexpr Words256 kModulus = {0xffffffffffffffff, 0xffffffff00000000, 0xffffffffffffffff,
                                        0xfffffffeffffffff};
  static constexpr Words256 kOrder = {0x53bbf40939d54123, 0x7203df6b21c6052b, 0xffffffffffffffff,
                                      0xfffffffeffffffff};
  static constexpr Words256 kB = {0xddbcbd414d940e93, 0xf39789f515ab8f92, 0x4d5a9e4bcf6509a7,
                                  0x28e9fa9e9d9f5e34};
  static constexpr Words256 kGeneratorX = {0x715a4589334c74c7, 0x8fe30bbff2660be1, 0x5f9904466a39c994,
                                           0x32c4ae2c1f198119};
  static constexpr Words256 kGeneratorY = {0x02df32e52139f0a0, 0xd0a9877cc62a4740, 0x59bdcee36b692153,
                                           0xbc3736a2f4f6779c};
  // (m + 1) / 2^64 = 1 - 2^32 - 2^160 + 2^192.
  [[gnu::always_inline]] static void add_multiple(std::uint64_t q, std::uint64_t* t) noexcept {
    std::uint64_t carry = fp256::add_with_carry(t[1], q, 0, t[1]);
    carry = fp256::add_with_carry(t[2], 0, carry, t[2]);
    carry = fp256::add_with_carry(t[3], 0, carry, t[3]);
    carry = fp256::add_with_carry(t[4], q, carry, t[4]);
    t[5] += carry;
    std::uint64_t borrow = fp256::subtract_with_borrow(t[1], q << 32, 0, t[1]);
    borrow = fp256::subtract_with_borrow(t[2], q >> 32, borrow, t[2]);
    borrow = fp256::subtract_with_borrow(t[3], q << 32, borrow, t[3]);
    borrow = fp256::subtract_with_borrow(t[4], q >> 32, borrow, t[4]);
    t[5] -= borrow;
  }
  static constexpr int kMinusZ = 9;
  static constexpr Words256 kRootOfMinusZ = {3, 0, 0, 0};
};

namespace weierstrass {

inline constexpr std::size_t kElementBytes = 33;
inline constexpr std::size_t kScalarBytes = 32;
inline constexpr std::size_t kUniformBytes = 48;  // per field element: L of RFC 9380, section 5.1

/// The group of this curve; one object for the whole process. For P256 and Sm2.
template <class Curve>
const Group& group() noexcept;

/// out[i] = the sum of the SSWU maps of the two halves of uniform[i] (RFC 9380, section 3, hash_to_curve);
/// all zeros, which no decoder takes, should that be the identity. Shapes    uniform[n * 96], out[n * 33], n
/// <= Group::kTile. One thread: callers run tiles in parallel. Timing    Constant in `uniform`.
template <class Curve>
void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// out[i] = the SSWU map of uniform[i] (encode_to_curve).
/// Shapes    uniform[n * 48]; else as map().
template <class Curve>
void map_nonuniform(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// out[i] = scalar * map(uniform[i]), without the encoding and decoding in between.
/// Shapes    scalar[32] canonical and not zero; as map().
/// Timing    Constant in `scalar` and `uniform`.
template <class Curve>
void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// As map_mult(), with a scalar for every row: scalars[n * 32].
template <class Curve>
void map_mult_each(const std::uint8_t* scalars, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out);

}  // namespace weierstrass
}  // namespace isthmus
