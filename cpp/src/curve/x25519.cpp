#include "isthmus/curve/x25519.hpp"

#include "backend/x25519_kernels.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/curve/scalar25519.hpp"

namespace isthmus::x25519 {
namespace {

class X25519 final : public Group {
 public:
  std::string_view name() const noexcept override { return "X25519"; }
  std::size_t element_bytes() const noexcept override { return kElementBytes; }
  std::size_t scalar_bytes() const noexcept override { return kScalarBytes; }

 protected:
  void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                 Decoded* decoded) const override {
    scalar25519::Bytes eighth;
    const ZeroiseGuard<scalar25519::Bytes> wipe(eighth);
    scalar25519::halve(scalar.data(), eighth.data());
    scalar25519::halve(eighth.data(), eighth.data());
    scalar25519::halve(eighth.data(), eighth.data());
    kernels().mult(eighth.data(), points, n, out, decoded);
  }
  // One at a time: the ladder's lanes share the scalar.
  void mult_each_tile(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                      std::uint8_t* out, Decoded* decoded) const override {
    for (std::size_t i = 0; i < n; ++i) {
      mult_tile({scalars + i * kScalarBytes, kScalarBytes}, points + i * kElementBytes, 1,
                out + i * kElementBytes, decoded + i);
    }
  }
  bool is_canonical_scalar(ByteSpan bytes) const override { return scalar25519::is_canonical(bytes.data()); }
  void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const override {
    scalar25519::reduce_wide(uniform.data(), out.data());
  }
  void invert_scalar(ByteSpan scalar, MutableByteSpan out) const override {
    scalar25519::invert(scalar.data(), out.data());
  }
  void multiply_scalars(ByteSpan a, ByteSpan b, MutableByteSpan out) const override {
    scalar25519::mul(a.data(), b.data(), out.data());
  }
};

}  // namespace

const Group& group() noexcept {
  static const X25519 instance;
  return instance;
}

void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) { kernels().map(uniform, n, out); }

void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels().map_mult(scalar, uniform, n, out);
}

}  // namespace isthmus::x25519
