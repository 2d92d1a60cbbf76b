#pragma once
// What text may not hold when it identifies somebody.

#include "isthmus/core/bytes.hpp"

namespace isthmus {

/// Null when the text is acceptable, else what is wrong with it and what to do.
const char* text_fault(ByteSpan text) noexcept;

}  // namespace isthmus
