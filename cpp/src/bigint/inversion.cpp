// Inversion modulo m^2, many elements at a time (Montgomery's trick on a binary tree, whose levels are
// batches).

#include <algorithm>
#include <optional>
#include <vector>

#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kBlock = 256;  // elements that share one inversion

}  // namespace

std::size_t SquareModulus::find_non_unit(const Limb* in, std::size_t count) const {
  const auto is_unit = [&](const Limb* x) {
    return gcd_odd(root_.export_value(x), root_.value()) == Natural(1);
  };
  if (count == 0) return 0;
  // The product of all elements modulo m, by halving.
  const std::size_t k = root_.stride();
  AlignedLimbs products((count + 1) / 2 * k), next((count + 3) / 4 * k);
  std::vector<MulTask> tasks;
  const Limb* level = in;
  std::size_t level_stride = stride();
  for (std::size_t size = count; size > 1; size = (size + 1) / 2) {
    tasks.clear();
    for (std::size_t i = 0; i + 1 < size; i += 2) {
      tasks.push_back(
          {products.data() + i / 2 * k, level + i * level_stride, level + (i + 1) * level_stride});
    }
    root_.mul(tasks);
    if (size % 2 != 0) std::copy_n(level + (size - 1) * level_stride, k, products.data() + size / 2 * k);
    products.swap(next);
    level = next.data();
    level_stride = k;
  }
  if (is_unit(level)) return count;
  std::size_t row = 0;
  while (is_unit(in + row * stride())) ++row;
  return row;
}

bool SquareModulus::invert_block(Limb* out, const Limb* in, std::size_t count) const {
  // products[h] holds the products of 2^(h+1) neighbours; the inverse of a product times either half of it is
  // the inverse of the other half.
  std::vector<AlignedLimbs> products;
  std::vector<MulTask> tasks;
  const auto level = [&](std::size_t h) { return h == 0 ? in : products[h - 1].data(); };
  const auto size_of = [count](std::size_t h) { return (count + (std::size_t{1} << h) - 1) >> h; };
  std::size_t top = 0;
  for (; size_of(top) > 1; ++top) {
    const std::size_t size = size_of(top);
    AlignedLimbs halves(size_of(top + 1) * stride());
    tasks.clear();
    for (std::size_t i = 0; i + 1 < size; i += 2) {
      const Limb* const pair = level(top) + i * stride();
      tasks.push_back({halves.data() + i / 2 * stride(), pair, pair + stride()});
    }
    mul(tasks);
    if (size % 2 != 0)
      std::copy_n(level(top) + (size - 1) * stride(), stride(), &halves[size / 2 * stride()]);
    products.push_back(std::move(halves));
  }
  AlignedLimbs inverses(stride());
  if (!invert_one(inverses.data(), level(top))) return false;
  for (std::size_t h = top; h-- > 0;) {
    const std::size_t size = size_of(h);
    AlignedLimbs below(h == 0 ? 0 : size * stride());
    Limb* const to = h == 0 ? out : below.data();
    tasks.clear();
    for (std::size_t i = 0; i < size; ++i) {
      const Limb* const parent = inverses.data() + i / 2 * stride();
      if ((i ^ 1) < size) {
        tasks.push_back({to + i * stride(), parent, level(h) + (i ^ 1) * stride()});
      } else {
        std::copy_n(parent, stride(), to + i * stride());
      }
    }
    mul(tasks);
    inverses = std::move(below);
  }
  if (top == 0) std::copy_n(inverses.data(), stride(), out);
  return true;
}

bool SquareModulus::invert_one(Limb* out, const Limb* in) const {
  // One inversion modulo m, then the Newton step y <- y * (2 - x*y) lifts it to m^2: x*y = 1 + m*e there, so
  // y * (2 - x*y) = y * (1 - m*e).
  const std::size_t k = root_.stride();
  const std::optional<Natural> inverse_of_low = inverse(root_.export_value(in), root_.value());
  if (!inverse_of_low) return false;
  AlignedLimbs y(stride()), product(stride()), minus_e(k);
  const AlignedLimbs zero(k);
  import_value(y.data(), *inverse_of_low);
  mul(product.data(), in, y.data());
  log_one_plus(product.data(), product.data());
  root_.sub(minus_e.data(), zero.data(), product.data());
  mul_one_plus(out, y.data(), minus_e.data());
  return true;
}

void SquareModulus::invert(Limb* out, const Limb* in, std::size_t count) const {
  const std::size_t blocks = (count + kBlock - 1) / kBlock;
  parallel_for(blocks, [&](std::size_t block) {
    const std::size_t first = block * kBlock;
    const std::size_t size = std::min(kBlock, count - first);
    if (invert_block(out + first * stride(), in + first * stride(), size)) return;
    const std::size_t row = first + find_non_unit(in + first * stride(), size);
    throw Error(ErrorCode::CiphertextNotUnit, "an element has no inverse", row);
  });
}

}  // namespace isthmus::bigint
