#pragma once
// Byte spans and endian loads and stores.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace isthmus {

using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;

inline std::uint64_t byteswap64(std::uint64_t x) noexcept { return __builtin_bswap64(x); }
inline std::uint32_t byteswap32(std::uint32_t x) noexcept { return __builtin_bswap32(x); }

inline std::uint64_t load_le64(const std::uint8_t* p) noexcept {
  std::uint64_t x;
  std::memcpy(&x, p, 8);
  return std::endian::native == std::endian::little ? x : byteswap64(x);
}
inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  std::uint64_t x;
  std::memcpy(&x, p, 8);
  return std::endian::native == std::endian::little ? byteswap64(x) : x;
}
inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  std::uint32_t x;
  std::memcpy(&x, p, 4);
  return std::endian::native == std::endian::little ? byteswap32(x) : x;
}
inline void store_le64(std::uint8_t* p, std::uint64_t x) noexcept {
  if constexpr (std::endian::native != std::endian::little) x = byteswap64(x);
  std::memcpy(p, &x, 8);
}
inline void store_be64(std::uint8_t* p, std::uint64_t x) noexcept {
  if constexpr (std::endian::native == std::endian::little) x = byteswap64(x);
  std::memcpy(p, &x, 8);
}
inline void store_be32(std::uint8_t* p, std::uint32_t x) noexcept {
  if constexpr (std::endian::native == std::endian::little) x = byteswap32(x);
  std::memcpy(p, &x, 4);
}

}  // namespace isthmus
