#pragma once
// Typed errors with stable codes, mirrored one to one by python/isthmus/errors.py.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus {

// One row per cause: enumerator, stable code. The codes are a contract with users; append, never rename.
#define ISTHMUS_ERROR_CODES(X)                    \
  X(InvalidArgument, "ERR_INVALID_ARGUMENT")      \
  X(CiphertextRange, "ERR_CIPHERTEXT_RANGE")      \
  X(CiphertextNotUnit, "ERR_CIPHERTEXT_NOT_UNIT") \
  X(KeyMismatch, "ERR_KEY_MISMATCH")              \
  X(KeyRejected, "ERR_KEY_REJECTED")              \
  X(KeyCorrupt, "ERR_KEY_CORRUPT")                \
  X(Decode, "ERR_DECODE")                         \
  X(PlaintextOverflow, "ERR_PLAINTEXT_OVERFLOW")  \
  X(FaultDetected, "ERR_FAULT_DETECTED")          \
  X(Rng, "ERR_RNG")                               \
  X(PointInvalid, "ERR_POINT_INVALID")            \
  X(PointEncoding, "ERR_POINT_ENCODING")          \
  X(HashToCurve, "ERR_H2C")                       \
  X(IdEncoding, "ERR_ID_ENCODING")                \
  X(ProofInvalid, "ERR_PROOF_INVALID")            \
  X(Resource, "ERR_RESOURCE")

enum class ErrorCode {
#define ISTHMUS_ENUMERATOR(name, code) name,
  ISTHMUS_ERROR_CODES(ISTHMUS_ENUMERATOR)
#undef ISTHMUS_ENUMERATOR
};

/// The stable text of a code, for example "ERR_DECODE".
std::string_view code_text(ErrorCode code) noexcept;

/// Every stable code, in declaration order.
std::vector<std::string_view> all_error_codes();

/// The only exception the core throws on purpose.
/// `row` is the position in the caller's batch that failed, when one position did. Messages never carry
/// secrets, identifiers or key material.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::optional<std::size_t> row = std::nullopt)
      : std::runtime_error(message), code_(code), row_(row) {}

  ErrorCode code() const noexcept { return code_; }
  std::optional<std::size_t> row() const noexcept { return row_; }

 private:
  ErrorCode code_;
  std::optional<std::size_t> row_;
};

/// Throws InvalidArgument unless `condition` holds.
inline void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorCode::InvalidArgument, message);
}

}  // namespace isthmus
