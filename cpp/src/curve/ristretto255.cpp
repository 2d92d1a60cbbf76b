#include "isthmus/curve/ristretto255.hpp"

#include "backend/ristretto255_kernels.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/curve/scalar25519.hpp"

namespace isthmus::ristretto255 {
namespace {

// The digits of half the scalar.
class HalfDigits {
 public:
  explicit HalfDigits(const std::uint8_t* scalar) : digits_(halve(scalar).data()) {
    zeroise(half_.data(), half_.size());
  }
  const edwards25519::ScalarDigits& get() const noexcept { return digits_; }

 private:
  const scalar25519::Bytes& halve(const std::uint8_t* scalar) {
    scalar25519::halve(scalar, half_.data());
    return half_;
  }
  scalar25519::Bytes half_;
  edwards25519::ScalarDigits digits_;
};

class Ristretto255 final : public Group {
 public:
  std::string_view name() const noexcept override { return "ristretto255"; }
  std::size_t element_bytes() const noexcept override { return kElementBytes; }
  std::size_t scalar_bytes() const noexcept override { return kScalarBytes; }

 protected:
  void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                 Decoded* decoded) const override {
    kernels().mult(HalfDigits(scalar.data()).get(), points, n, out, decoded);
  }
  bool is_canonical_scalar(ByteSpan bytes) const override { return scalar25519::is_canonical(bytes.data()); }
  void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const override {
    scalar25519::reduce_wide(uniform.data(), out.data());
  }
  void invert_scalar(ByteSpan scalar, MutableByteSpan out) const override {
    scalar25519::invert(scalar.data(), out.data());
  }
};

}  // namespace

const Group& group() noexcept {
  static const Ristretto255 instance;
  return instance;
}

void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) { kernels().map(uniform, n, out); }

void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels().map_mult(HalfDigits(scalar).get(), uniform, n, out);
}

}  // namespace isthmus::ristretto255
