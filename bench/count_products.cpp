// Counts the products that operations really take: count_products KEY_BITS ROWS.
//
// The portable kernels, wrapped by ones that count, take the place of the backend's choice; as they have one
// lane, no idle lane is counted. Prints a line per operation: its name, and per unit the products and the
// squarings modulo n^2, and those modulo p^2, q^2 and their guarded multiples (weights as in counts.py).

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "bigint/backend/kernels.hpp"
#include "isthmus/aggregate/bucket_sum.hpp"
#include "isthmus/aggregate/compress.hpp"
#include "isthmus/aggregate/packed_products.hpp"
#include "isthmus/aggregate/weighted_sum.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "isthmus/paillier/ops.hpp"
#include "isthmus/paillier/private_key.hpp"

namespace isthmus::bigint {
namespace {

// In tenths of a product of pairs, which is 5 k^2 word products, or of a squaring, which is 3.5 k^2.
enum Weight : std::uint64_t { kModulo = 4, kConstant = 6, kDigitProduct = 8, kWhole = 10 };

struct Tally {
  std::atomic<std::uint64_t> products, squarings;
};

std::array<Tally, kMaxDigits + 1> tallies;  // by the digits of the modulus

void count_product(const DigitContext& c, std::uint64_t weight) {
  tallies[c.layout.count].products.fetch_add(weight, std::memory_order_relaxed);
}

void count_squaring(const DigitContext& c, std::uint64_t weight) {
  tallies[c.layout.count].squarings.fetch_add(weight, std::memory_order_relaxed);
}

constexpr ConstantKernels kCountedConstants = {
    [](const DigitContext& c, Limb* out, const Limb* a) {
      kPortableKernels.wide.constant->quotient(c, out, a);
    },
    [](const DigitContext& c, Limb* out, const Limb* x, const Limb* b, Lines& next) {
      count_product(c, kConstant);
      kPortableKernels.wide.constant->pair_mul(c, out, x, b, next);
    },
    [](const DigitContext& c, Limb* x) { kPortableKernels.wide.constant->settle(c, x); }};

KernelTable counted() {
  KernelTable table = kPortableKernels;
  for (LaneKernels* lanes : {&table.wide, &table.narrow}) {
    lanes->mod = {[](const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
                    count_product(c, kModulo);
                    kPortableKernels.wide.mod.mul(c, out, a, b);
                  },
                  [](const DigitContext& c, Limb* out, const Limb* a) {
                    count_squaring(c, kModulo);
                    kPortableKernels.wide.mod.sqr(c, out, a);
                  }};
    lanes->pair = {[](const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
                     count_product(c, kWhole);
                     kPortableKernels.wide.pair.mul(c, out, a, b);
                   },
                   [](const DigitContext& c, Limb* out, const Limb* a) {
                     count_squaring(c, kWhole);
                     kPortableKernels.wide.pair.sqr(c, out, a);
                   }};
    lanes->pair_mul_ahead = [](const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& next) {
      count_product(c, kWhole);
      kPortableKernels.wide.pair_mul_ahead(c, out, a, b, next);
    };
    lanes->pair_mul_digit = [](const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& next) {
      count_product(c, kDigitProduct);
      kPortableKernels.wide.pair_mul_digit(c, out, a, b, next);
    };
    lanes->pair_sqr_select = nullptr;
    lanes->constant = &kCountedConstants;
  }
  return table;
}

const KernelTable kCounted = counted();

}  // namespace

const KernelTable& active_kernels() { return kCounted; }
std::vector<const KernelTable*> runnable_kernels() { return {&kCounted}; }

}  // namespace isthmus::bigint

namespace {

using namespace isthmus;
using aggregate::MatrixView;
using paillier::CiphertextArray;
using paillier::IntegerBatch;
using paillier::PrivateKey;

constexpr std::size_t kPool = 64, kValues = 256, kMany = std::size_t{1} << 30, kSlotBits = 128;

class Counter {
 public:
  explicit Counter(std::size_t key_bits) : n_digits_(bigint::kPortableKernels.layout(key_bits).count) {}

  void row(const char* name, std::size_t units, const std::function<void()>& run) const {
    for (auto& [products, squarings] : bigint::tallies) products = squarings = 0;
    run();
    std::array<double, 4> sums{};  // modulo n^2, then the rest
    for (std::size_t k = 0; k < bigint::tallies.size(); ++k) {
      double* const sum = &sums[k == n_digits_ ? 0 : 2];
      sum[0] += static_cast<double>(bigint::tallies[k].products);
      sum[1] += static_cast<double>(bigint::tallies[k].squarings);
    }
    std::printf("%s", name);
    for (const double sum : sums) std::printf(" %.4f", sum / 10 / static_cast<double>(units));
    std::printf("\n");
  }

 private:
  std::size_t n_digits_;
};

std::vector<std::int64_t> draw(std::size_t count, std::int64_t least, std::int64_t most) {
  static std::mt19937_64 source(1);
  std::uniform_int_distribution<std::int64_t> next(least, most);
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) value = next(source);
  return values;
}

IntegerBatch batch(const std::vector<std::int64_t>& values) { return std::span<const std::int64_t>(values); }

template <class T>
MatrixView<T> matrix(const std::vector<T>& values, std::size_t columns) {
  return {values.data(), values.size() / columns, columns, static_cast<std::ptrdiff_t>(columns), 1};
}

// The key's own operations.
void count_key(const Counter& counter, const PrivateKey& key, bool fast) {
  const auto name = [fast](const char* standard, const char* of_fast) { return fast ? of_fast : standard; };
  const paillier::PublicKeyPtr public_key = key.public_key();
  const auto values = draw(kValues, -1000, 1000);
  public_key->prepare(kMany);
  key.prepare(kMany);
  CiphertextArray ct = paillier::encrypt(key, batch(values));
  counter.row(name("encrypt_public", "encrypt_public_fast"), kValues,
              [&] { paillier::encrypt(*public_key, batch(values)); });
  counter.row(name("encrypt_owner", "encrypt_owner_fast"), kValues,
              [&] { paillier::encrypt(key, batch(values)); });
  counter.row(name("decrypt", "decrypt_fast"), kValues, [&] { key.decrypt(ct); });
}

void count_arrays(const Counter& counter, const PrivateKey& key, std::size_t rows) {
  const CiphertextArray pool = paillier::encrypt(key, batch(draw(kPool, -1000, 1000)));
  const CiphertextArray ct = paillier::gather(pool, draw(rows, 0, kPool - 1));
  const CiphertextArray few = paillier::gather(pool, draw(kValues, 0, kPool - 1));
  const std::int64_t top = std::int64_t{1} << 40;
  const auto factors = draw(kValues, -top + 1, top - 1);
  counter.row("mul_plain", kValues, [&] { paillier::mul_plain(few, batch(factors)); });
  counter.row("rerandomize", kValues, [&] { paillier::rerandomize(*key.public_key(), few); });
  counter.row("compress", kValues, [&] { aggregate::compress(few, kSlotBits); });
  for (const std::size_t columns : {10, 30}) {
    const auto buckets = draw(rows * columns, 0, 31);
    counter.row(columns == 10 ? "bucket_sum_10" : "bucket_sum_30", rows * columns,
                [&] { aggregate::bucket_sum(ct, 1, matrix(buckets, columns), 32, std::nullopt, nullptr); });
  }
  for (const int bits : {20, 40}) {
    const std::int64_t most = (std::int64_t{1} << bits) - 1;
    const auto weights = draw(rows * 16, -most, most);
    counter.row(bits == 20 ? "weighted_sum_20" : "weighted_sum_40", rows * 16,
                [&] { aggregate::weighted_sum(ct, matrix(weights, 16), std::nullopt); });
  }
  std::vector<std::int64_t> binned = draw(rows * 16, 0, 31);
  for (std::int64_t& value : binned) value = (value * 2654435761 + 12345) % top;
  counter.row("weighted_sum_binned", rows * 16,
              [&] { aggregate::weighted_sum(ct, matrix(binned, 16), std::nullopt); });
  const auto weights = draw(rows * 16, -(1 << 20) + 1, (1 << 20) - 1);
  const CiphertextArray sixteen = paillier::gather(pool, draw(16, 0, kPool - 1));
  counter.row("packed_products", rows * 16,
              [&] { aggregate::packed_products(sixteen, matrix(weights, 16), kSlotBits); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  const std::size_t key_bits = std::strtoul(argv[1], nullptr, 10), rows = std::strtoul(argv[2], nullptr, 10);
  const Counter counter(key_bits);
  for (const bool fast : {false, true}) {
    const auto key = PrivateKey::generate(key_bits, fast);
    count_key(counter, *key, fast);
    if (!fast) count_arrays(counter, *key, rows);
  }
  return 0;
}
