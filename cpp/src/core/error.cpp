#include "isthmus/core/error.hpp"

namespace isthmus {

std::string_view code_text(ErrorCode code) noexcept {
  switch (code) {
#define ISTHMUS_CASE(name, text) \
  case ErrorCode::name:          \
    return text;
    ISTHMUS_ERROR_CODES(ISTHMUS_CASE)
#undef ISTHMUS_CASE
  }
  return "ERR_UNKNOWN";
}

std::vector<std::string_view> all_error_codes() {
  return {
#define ISTHMUS_TEXT(name, text) text,
      ISTHMUS_ERROR_CODES(ISTHMUS_TEXT)
#undef ISTHMUS_TEXT
  };
}

}  // namespace isthmus
