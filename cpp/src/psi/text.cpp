#include "text.hpp"

namespace isthmus {
namespace {

constexpr std::uint32_t kMalformed = 0xffffffff;
constexpr std::uint32_t kByteOrderMark = 0xfeff;

// One code point and its length, by table 3-7 of the Unicode standard: no overlong forms, no surrogates.
struct CodePoint {
  std::uint32_t value;
  std::size_t length;
};

CodePoint decode_multibyte(ByteSpan text) noexcept {
  const std::uint8_t lead = text[0];
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return {kMalformed, 1};
  std::uint32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xc0) != 0x80) return {kMalformed, 1};
    value = (value << 6) | (text[i] & 0x3fu);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xd800 && value < 0xe000;
  return {overlong || surrogate || value > 0x10ffff ? kMalformed : value, length};
}

// White_Space of the Unicode character database, without the control characters, which are refused anyway.
bool is_space(std::uint32_t c) noexcept {
  return c == 0x20 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_control(std::uint32_t c) noexcept { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

}  // namespace

const char* text_fault(ByteSpan text) noexcept {
  std::uint32_t last = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = text[at] < 0x80 ? CodePoint{text[at], 1} : decode_multibyte(text.subspan(at));
    if (c.value == kMalformed) return "is not valid UTF-8; decode the source with its real character set";
    if (c.value == kByteOrderMark) return "holds a byte order mark; read the source as UTF-8 with signature";
    if (is_control(c.value))
      return "holds a control character (NUL, tab, line break or the like); clean the column";
    if (at == 0 && is_space(c.value)) return "starts with white space; trim the column";
    last = c.value;
    at += c.length;
  }
  return is_space(last) ? "ends with white space; trim the column" : nullptr;
}

}  // namespace isthmus
