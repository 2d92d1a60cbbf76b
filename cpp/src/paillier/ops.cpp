#include "isthmus/paillier/ops.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.hpp"
#include "isthmus/core/error.hpp"
#include "plaintext_reader.hpp"

namespace isthmus::paillier {
namespace {

constexpr std::size_t kBlock = 64;       // products handed to the kernel together
constexpr std::size_t kSumChains = 64;   // terms are added up in about as many chains, side by side,
constexpr std::size_t kSumLength = 256;  // of at most this length,
constexpr std::size_t kSumBlock = 16;    // as many of them a thread at a time

// a * b. Throws InvalidArgument when that wraps.
std::size_t checked_product(std::size_t a, std::size_t b) {
  require(b == 0 || a <= std::numeric_limits<std::size_t>::max() / b, "the shape has too many elements");
  return a * b;
}

void require_compatible(const CiphertextArray& a, const CiphertextArray& b) {
  a.require_key(*b.key());
  require(a.size() == b.size(), "the arrays differ in size");
}

// out[i] = a[i] * b[i] for all i; b is a run of elements.
void multiply_all(CiphertextArray& out, const CiphertextArray& a, const Limb* b) {
  const bigint::SquareModulus& modulus = a.key()->n_squared();
  parallel_blocks(a.size(), kBlock, [&](std::size_t first, std::size_t count) {
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = first; i < first + count; ++i) {
      tasks.push_back({out.at(i), a.at(i), b + i * a.stride()});
    }
    modulus.mul(tasks);
  });
}

}  // namespace

CiphertextArray add(const CiphertextArray& a, const CiphertextArray& b) {
  require_compatible(a, b);
  CiphertextArray out(a.key(), a.size());
  multiply_all(out, a, b.at(0));
  return out;
}

CiphertextArray negate(const CiphertextArray& a) {
  CiphertextArray out(a.key(), a.size());
  a.key()->n_squared().invert(out.at(0), a.at(0), a.size());
  return out;
}

CiphertextArray subtract(const CiphertextArray& a, const CiphertextArray& b) {
  require_compatible(a, b);
  CiphertextArray out = negate(b);
  multiply_all(out, a, out.at(0));
  return out;
}

CiphertextArray mul_plain(const CiphertextArray& a, const IntegerBatch& k) {
  require(batch_size(k) == a.size(), "the arrays differ in size");
  require_in_range(k, a.key()->n());
  const bigint::SquareModulus& modulus = a.key()->n_squared();
  CiphertextArray out(a.key(), a.size());
  std::vector<std::uint8_t> negative(a.size());
  parallel_blocks(a.size(), kBlock, [&](std::size_t first, std::size_t count) {
    const std::size_t width = magnitude_limbs(k);
    SecretVector<Limb> magnitudes(count * width);
    for (std::size_t i = 0; i < count; ++i) {
      const bigint::MutableLimbSpan magnitude = bigint::MutableLimbSpan(magnitudes).subspan(i * width, width);
      negative[first + i] = static_cast<std::uint8_t>(read_integer(k, first + i, magnitude));
    }
    modulus.pow_vartime(out.at(first), a.at(first), count, magnitudes);
  });
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (negative[i] != 0) rows.push_back(static_cast<std::int64_t>(i));
  }
  const CiphertextArray inverses = negate(gather(out, rows));
  for (std::size_t j = 0; j < rows.size(); ++j) {
    std::copy_n(inverses.at(j), a.stride(), out.at(static_cast<std::size_t>(rows[j])));
  }
  return out;
}

CiphertextArray add_plain(const CiphertextArray& a, const IntegerBatch& m) {
  require(batch_size(m) == a.size(), "the arrays differ in size");
  require_in_range(m, a.key()->n());
  CiphertextArray out(a.key(), a.size());
  parallel_blocks(a.size(), kBlock, [&](std::size_t first, std::size_t count) {
    const bigint::AlignedLimbs elements = plaintext_elements(*a.key(), m, first, count);
    std::vector<bigint::MulTask> tasks;
    for (std::size_t i = 0; i < count; ++i) {
      tasks.push_back({out.at(first + i), a.at(first + i), elements.data() + i * a.stride() / 2});
    }
    a.key()->n_squared().mul_one_plus(tasks);
  });
  return out;
}

CiphertextArray sum(const CiphertextArray& a, std::size_t outer, std::size_t axis, std::size_t inner) {
  const std::size_t columns = checked_product(outer, inner);
  require(checked_product(columns, axis) == a.size(), "the shape does not match the number of ciphertexts");
  const bigint::SquareModulus& modulus = a.key()->n_squared();
  const std::size_t length = std::clamp<std::size_t>(a.size() / kSumChains, 2, kSumLength);
  const std::size_t chunks = std::max<std::size_t>(1, (axis + length - 1) / length);
  CiphertextArray partial = CiphertextArray::neutral(a.key(), checked_product(columns, chunks));
  parallel_blocks(partial.size(), kSumBlock, [&](std::size_t first, std::size_t count) {
    std::vector<bigint::MulTask> tasks;
    for (std::size_t step = 0; step < length; ++step) {
      tasks.clear();
      for (std::size_t place = first; place < first + count; ++place) {
        const std::size_t column = place % inner, chunk = place / inner % chunks,
                          row = place / inner / chunks;
        const std::size_t j = chunk * length + step;
        if (j >= axis) continue;
        const Limb* const term = a.at((row * axis + j) * inner + column);
        if (step == 0) {
          std::copy_n(term, a.stride(), partial.at(place));
        } else {
          tasks.push_back({partial.at(place), partial.at(place), term});
        }
      }
      modulus.mul(tasks);
    }
  });
  return chunks == 1 ? partial : sum(partial, outer, chunks, inner);
}

CiphertextArray gather(const CiphertextArray& a, std::span<const std::int64_t> index) {
  CiphertextArray out(a.key(), index.size());
  for (std::size_t i = 0; i < index.size(); ++i) {
    const auto source = static_cast<std::size_t>(index[i]);
    if (source >= a.size()) throw Error(ErrorCode::InvalidArgument, "an index is out of range", i);
    std::copy_n(a.at(source), a.stride(), out.at(i));
  }
  return out;
}

CiphertextArray concatenate(std::span<const CiphertextArray* const> parts) {
  require(!parts.empty(), "nothing to concatenate");
  std::size_t size = 0;
  for (const CiphertextArray* part : parts) {
    part->require_key(*parts[0]->key());
    size += part->size();
  }
  CiphertextArray out(parts[0]->key(), size);
  Limb* end = out.at(0);
  for (const CiphertextArray* part : parts)
    end = std::copy_n(part->at(0), part->size() * part->stride(), end);
  return out;
}

}  // namespace isthmus::paillier
