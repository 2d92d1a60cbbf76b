// Every vector backend this CPU runs against the portable one: products of the same residues must be the same
// numbers. More than 10^6 products, of random and of edge-shaped values, for batches of 1 to 17 tasks; an
// argument multiplies their number.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "../../cpp/src/bigint/digits.hpp"
#include "../../cpp/src/bigint/lanes.hpp"
#include "check.hpp"
#include "isthmus/bigint/natural.hpp"

using namespace isthmus;
using namespace isthmus::bigint;

namespace {

class Random {
 public:
  std::uint64_t operator()() {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::size_t below(std::size_t n) { return (*this)() % n; }

 private:
  std::uint64_t state_ = 2024;
};

Random random_word;

Natural random_natural(std::size_t bits) {
  std::vector<Limb> limbs((bits + 63) / 64);
  for (Limb& limb : limbs) limb = random_word();
  return Natural(limbs) >> (64 * limbs.size() - bits);
}

Natural all_ones(std::size_t bits) { return Natural::power_of_two(bits) - Natural(1); }
Natural residue(const Natural& x, const Natural& m) { return divide_vartime(x, m).remainder; }

// Odd moduli of exactly `bits` bits, with digits that stretch carries and quotients.
std::vector<Natural> moduli(std::size_t bits) {
  const Natural top = Natural::power_of_two(bits - 1), one(1);
  std::vector<Natural> out = {all_ones(bits), top + one};           // all ones; sparse
  out.push_back(all_ones(bits) - Natural::power_of_two(bits / 2));  // one zero bit
  for (int i = 0; i < 3; ++i) out.push_back(((random_natural(bits - 2) << 1) + one) + top);
  out.push_back(top + (all_ones(bits / 3) << (bits / 3)) + one);  // a run of ones
  for (Natural& m : out) m = m.is_odd() ? m : m + one;
  return out;
}

// Values below the bound, the first ones of extreme shapes.
std::vector<Natural> values_below(const Natural& bound, const std::vector<Natural>& extremes) {
  const std::size_t bits = bound.bit_length();
  std::vector<Natural> out = {Natural(), Natural(1), bound - Natural(1), bound - Natural(2)};
  for (const Natural& x : extremes) out.push_back(residue(x, bound));
  for (const unsigned width : {52U, 59U, 60U, 61U}) {
    for (const std::size_t digits : {std::size_t{1}, bits / width / 2, bits / width}) {
      out.push_back(residue(all_ones(width * digits), bound));
      out.push_back(residue(Natural::power_of_two(width * digits), bound));
    }
  }
  while (out.size() < 64) out.push_back(residue(random_natural(bits + 8), bound));
  return out;
}

enum class Kind { mod_mul, mod_sqr, pair_mul, pair_sqr, pair_mul_digit };

bool is_pair(Kind kind) { return kind != Kind::mod_mul && kind != Kind::mod_sqr; }
bool is_square(Kind kind) { return kind == Kind::mod_sqr || kind == Kind::pair_sqr; }

// One backend and one modulus: takes and returns plain numbers, whatever its radix.
class Side {
 public:
  Side(const Natural& m, const KernelTable& table)
      : m_(m),
        context_(m, table),
        k_(context_.layout.count),
        r_(Natural::power_of_two(context_.layout.width * k_)),
        r_squared_(element(residue(r_ * r_, m), Kind::mod_mul)),
        pair_r_squared_(element(residue(r_ * r_, m * m), Kind::pair_mul)) {}

  const Natural& r() const { return r_; }
  std::size_t words(Kind kind) const { return is_pair(kind) ? 2 * k_ : k_; }

  // x in digits as it is; for pairs, its two digits base m.
  AlignedLimbs element(const Natural& x, Kind kind) const {
    AlignedLimbs out(words(kind));
    const auto [high, low] = divide_vartime(x, m_);
    limbs_to_digits(context_.layout, out.data(), low.limbs());
    if (is_pair(kind)) limbs_to_digits(context_.layout, out.data() + k_, high.limbs());
    return out;
  }

  // A number below R as it is, for the single operand of pair_mul_digit.
  AlignedLimbs digit(const Natural& x) const {
    AlignedLimbs out(k_);
    limbs_to_digits(context_.layout, out.data(), x.limbs());
    return out;
  }

  void run(Kind kind, std::span<const MulTask> tasks) const {
    const LaneRing mod{context_, k_, &LaneKernels::mod}, pair{context_, 2 * k_, &LaneKernels::pair};
    if (kind == Kind::mod_mul) multiply(mod, tasks);
    if (kind == Kind::mod_sqr) square(mod, tasks);
    if (kind == Kind::pair_mul) multiply(pair, tasks);
    if (kind == Kind::pair_sqr) square(pair, tasks);
    if (kind == Kind::pair_mul_digit) multiply_digit(context_, tasks);
  }

  // Undoes the division by R of the products in `rows`, and spells them as limbs.
  std::vector<Limb> plain(Kind kind, AlignedLimbs rows) const {
    const std::size_t w = words(kind), limbs = (m_.bit_length() + 63) / 64;
    std::vector<MulTask> tasks;
    for (std::size_t i = 0; i < rows.size(); i += w) {
      tasks.push_back(
          {rows.data() + i, rows.data() + i, (is_pair(kind) ? pair_r_squared_ : r_squared_).data()});
    }
    run(is_pair(kind) ? Kind::pair_mul : Kind::mod_mul, tasks);
    std::vector<Limb> out(rows.size() / k_ * limbs);
    for (std::size_t i = 0; i < rows.size() / k_; ++i) {
      digits_to_limbs(context_.layout, MutableLimbSpan(out).subspan(i * limbs, limbs), rows.data() + i * k_);
    }
    return out;
  }

  const DigitContext& context() const { return context_; }

 private:
  Natural m_;
  DigitContext context_;
  std::size_t k_;
  Natural r_;
  AlignedLimbs r_squared_, pair_r_squared_;
};

// Which operand the output overwrites.
enum class Alias { none, a, b };

struct Batch {
  Kind kind;
  Alias alias;
  std::vector<std::size_t> a, b;  // indices of values
};

std::vector<Limb> products(const Side& side, const Batch& batch, const std::vector<AlignedLimbs>& a,
                           const std::vector<AlignedLimbs>& b) {
  const std::size_t w = side.words(batch.kind), count = batch.a.size();
  AlignedLimbs out(count * w);
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    Limb* const row = out.data() + i * w;
    MulTask task{row, a[batch.a[i]].data(), is_square(batch.kind) ? nullptr : b[batch.b[i]].data()};
    if (batch.alias == Alias::a) task.a = std::copy_n(task.a, w, row) - w;
    if (batch.alias == Alias::b) task.b = std::copy_n(task.b, w, row) - w;
    tasks.push_back(task);
  }
  side.run(batch.kind, tasks);
  return side.plain(batch.kind, out);
}

Batch random_batch(Kind kind, std::size_t size, std::size_t values) {
  Batch batch{kind, static_cast<Alias>(random_word.below(3)), {}, {}};
  if (batch.alias == Alias::b && (is_square(kind) || kind == Kind::pair_mul_digit)) batch.alias = Alias::a;
  for (std::size_t i = 0; i < size; ++i) {
    batch.a.push_back(random_word.below(values));
    batch.b.push_back(random_word.below(values));
  }
  return batch;
}

// Both sides' elements of the same numbers.
struct Operands {
  std::vector<AlignedLimbs> a, b;
};

Operands operands(const Side& side, Kind kind, const std::vector<Natural>& values,
                  const std::vector<Natural>& digits) {
  Operands out;
  for (const Natural& x : values) out.a.push_back(side.element(x, kind));
  out.b = out.a;
  if (kind == Kind::pair_mul_digit) {
    out.b.clear();
    for (const Natural& x : digits) out.b.push_back(side.digit(x));
  }
  return out;
}

std::size_t compare(const Side& oracle, const Side& side, const Natural& m, std::size_t cases) {
  std::size_t done = 0;
  const std::vector<Natural> extremes = {oracle.r(), side.r(), m, m - Natural(1)};
  for (const Kind kind :
       {Kind::mod_mul, Kind::mod_sqr, Kind::pair_mul, Kind::pair_sqr, Kind::pair_mul_digit}) {
    const auto values = values_below(is_pair(kind) ? m * m : m, extremes);
    // A single digit may be anything below R; 4m - 1 is below that of every backend.
    const auto digits = values_below(m << 2, extremes);
    const Operands of_oracle = operands(oracle, kind, values, digits),
                   of_side = operands(side, kind, values, digits);
    std::size_t different = 0;
    for (std::size_t n = 0; n < cases / 5;) {
      const Batch batch = random_batch(kind, 1 + random_word.below(17), values.size());
      different +=
          products(oracle, batch, of_oracle.a, of_oracle.b) != products(side, batch, of_side.a, of_side.b);
      n += batch.a.size();
      done += batch.a.size();
    }
    CHECK(different == 0);
  }
  return done;
}

// base^exponent for every number of bases up to 9, through tables and scans.
void compare_powers(const Side& oracle, const Side& side, const Natural& m) {
  const auto values = values_below(m * m, {});
  const auto run = [&](const Side& s, std::size_t count, const Natural& exponent, std::size_t bits) {
    const std::size_t w = s.words(Kind::pair_mul);
    AlignedLimbs bases(count * w);
    for (std::size_t i = 0; i < count; ++i) {
      const AlignedLimbs base =
          s.element(residue(values[values.size() - 1 - i] * s.r(), m * m), Kind::pair_mul);
      std::copy(base.begin(), base.end(), bases.data() + i * w);
    }
    const AlignedLimbs one = s.element(residue(s.r(), m * m), Kind::pair_mul);
    power(LaneRing{s.context(), w, &LaneKernels::pair}, one.data(), bases.data(), bases.data(), count,
          exponent.limbs(), bits);
    const AlignedLimbs unit = s.digit(Natural(1));
    std::vector<MulTask> tasks;
    for (std::size_t i = 0; i < count; ++i)
      tasks.push_back({bases.data() + i * w, bases.data() + i * w, unit.data()});
    s.run(Kind::pair_mul_digit, tasks);
    std::vector<Limb> plain;
    const std::size_t limbs = (m.bit_length() + 63) / 64;
    for (std::size_t i = 0; i < 2 * count; ++i) {
      std::vector<Limb> row(limbs);
      digits_to_limbs(s.context().layout, row, bases.data() + i * w / 2);
      plain.insert(plain.end(), row.begin(), row.end());
    }
    return plain;
  };
  for (std::size_t count = 1; count <= 9; ++count) {
    for (const std::size_t bits : {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{130}}) {
      const Natural exponent = bits == 0 ? Natural() : random_natural(bits);
      CHECK(run(oracle, count, exponent, bits) == run(side, count, exponent, bits));
    }
  }
}

// Blocks of the lanes' own functions, word by word.
void test_blocks(const LaneKernels& kernels) {
  const std::size_t lanes = kernels.lanes;
  for (const std::size_t words : {1, 2, 7, 8, 20, 41, 60}) {
    AlignedLimbs elements(lanes * words), block(lanes * words), back(lanes * words);
    std::vector<const Limb*> from;
    std::vector<Limb*> to;
    for (Limb& word : elements) word = random_word();
    for (std::size_t l = 0; l < lanes; ++l) {
      from.push_back(elements.data() + l * words);
      to.push_back(back.data() + l * words);
    }
    kernels.gather(block.data(), from.data(), words);
    bool same = true;
    for (std::size_t i = 0; i < lanes * words; ++i)
      same = same && block[i] == elements[i % lanes * words + i / lanes];
    kernels.scatter(to.data(), block.data(), words);
    CHECK(same && back == elements);
    for (const std::size_t entries : {16, 32, 64, 128}) {
      AlignedLimbs shared(entries * words), blocks(entries * words * lanes), index(2 * kMaxLanes);
      AlignedLimbs picked(2 * words * lanes);
      for (Limb& word : shared) word = random_word();
      for (Limb& word : blocks) word = random_word();
      for (Limb& i : index) i = random_word.below(entries);
      for (const std::size_t count : {1, 2}) {
        kernels.pick(picked.data(), shared.data(), entries, words, index.data(), count);
        same = true;
        for (std::size_t i = 0; i < count * lanes * words; ++i) {
          const std::size_t wanted = index[i / (lanes * words) * lanes + i % lanes];
          same = same && picked[i] == shared[i / lanes % words * entries + wanted];
        }
        CHECK(same);
      }
      kernels.select({block.data(), blocks.data(), entries, words, index[0]});
      CHECK(std::equal(block.begin(), block.end(), blocks.data() + index[0] * words * lanes));
    }
  }
}

void test_sums(const Side& side, const LaneKernels& kernels, const Natural& m) {
  const auto values = values_below(m, {m - Natural(1)});
  const std::size_t k = side.words(Kind::mod_mul), lanes = kernels.lanes;
  bool same = true;
  for (std::size_t first = 0; first < values.size(); ++first) {
    AlignedLimbs a(k * lanes), b(k * lanes);
    std::vector<AlignedLimbs> sums;
    for (std::size_t l = 0; l < lanes; ++l) {
      const Natural &x = values[(first + l) % values.size()], &y = values[random_word.below(values.size())];
      const AlignedLimbs xs = side.digit(x), ys = side.digit(y);
      sums.push_back(side.digit(residue(x + y, m)));
      for (std::size_t i = 0; i < k; ++i) a[i * lanes + l] = xs[i];
      for (std::size_t i = 0; i < k; ++i) b[i * lanes + l] = ys[i];
    }
    kernels.add(side.context(), a.data(), a.data(), b.data());
    for (std::size_t i = 0; i < k * lanes; ++i) same = same && a[i] == sums[i % lanes][i / lanes];
  }
  CHECK(same);
}

// A block with those numbers one after the other in each lane.
AlignedLimbs block_of(const Side& side, std::size_t lanes, const std::vector<std::vector<Natural>>& numbers) {
  const std::size_t k = side.words(Kind::mod_mul), parts = numbers[0].size();
  AlignedLimbs out(parts * k * lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    for (std::size_t part = 0; part < parts; ++part) {
      const AlignedLimbs digits = side.digit(numbers[l][part]);
      for (std::size_t i = 0; i < k; ++i) out[(part * k + i) * lanes + l] = digits[i];
    }
  }
  return out;
}

// Products by constants against those of whole numbers: chains of them that are not reduced before their end,
// from pairs as large as are allowed, with extreme constants in every place.
void test_constants(const Side& side, const LaneKernels& kernels, const Natural& m) {
  constexpr std::size_t kSteps = 5;  // 0 to 4 products
  const std::size_t lanes = kernels.lanes;
  const Natural one(1);
  const std::vector<Natural> constants = values_below(m, {side.r(), m - one});
  const Natural half = m >> 1;  // as m is odd, less than m/2
  const std::vector<Natural> low = {m + half, m, m - one, Natural(), one};
  const std::vector<Natural> high = {(m << 1) + m + half, (m << 1) + m, m << 1, (m << 1) - one, m, Natural()};
  bool same = true;
  for (std::size_t first = 0; first < constants.size(); ++first) {
    std::vector<std::vector<Natural>> pairs(lanes), rows(lanes), residues(lanes);
    std::vector<Natural> expected(lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      pairs[l] = {low[random_word.below(low.size())], high[random_word.below(high.size())]};
      expected[l] = residue(pairs[l][0] + pairs[l][1] * m, m * m);
    }
    AlignedLimbs x = block_of(side, lanes, pairs), product(x.size());
    for (std::size_t step = 0; step < first % kSteps; ++step) {
      for (std::size_t l = 0; l < lanes; ++l) {
        const Natural& b =
            constants[step == 0 ? (first + l) % constants.size() : random_word.below(constants.size())];
        const auto [ratio, rest] = divide_vartime(b * side.r(), m);
        rows[l] = {b, ratio};
        residues[l] = {rest};
        expected[l] = residue(expected[l] * b, m * m);
      }
      AlignedLimbs row = block_of(side, lanes, rows), ratios = block_of(side, lanes, residues);
      kernels.constant->quotient(side.context(), ratios.data(), ratios.data());
      same = same && std::equal(ratios.begin(), ratios.end(), row.data() + row.size() / 2);
      Lines none;
      kernels.constant->pair_mul(side.context(), product.data(), x.data(), row.data(), none);
      x.swap(product);
    }
    kernels.constant->settle(side.context(), x.data());
    for (std::size_t l = 0; l < lanes; ++l) {
      const auto [top, bottom] = divide_vartime(expected[l], m);
      pairs[l] = {bottom, top};
    }
    same = same && x == block_of(side, lanes, pairs);
  }
  CHECK(same);
}

struct Plan {
  std::size_t bits, cases;
};

// Portable products of long numbers take most of the time: those get fewer cases.
constexpr std::array kPlans = {
    Plan{2, 40'000},    Plan{51, 60'000},   Plan{52, 60'000},   Plan{64, 60'000},   Plan{155, 80'000},
    Plan{206, 80'000},  Plan{258, 80'000},  Plan{310, 80'000},  Plan{362, 60'000},  Plan{521, 60'000},
    Plan{768, 60'000},  Plan{1024, 90'000}, Plan{1046, 30'000}, Plan{1536, 60'000}, Plan{2048, 60'000},
    Plan{2049, 10'000}, Plan{3072, 30'000}, Plan{4096, 14'000},
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t factor = argc > 1 ? std::stoul(argv[1]) : 1;
  const std::vector<const KernelTable*> tables = runnable_kernels();
  CHECK(tables[0] == &kPortableKernels);
  for (const KernelTable* table : tables) {
    for (const LaneKernels* kernels : {&table->wide, &table->narrow}) {
      test_blocks(*kernels);
      for (const std::size_t bits : {64, 310, 1024, 2049}) {
        for (const Natural& m : moduli(bits)) test_sums(Side(m, *table), *kernels, m);
      }
      // Among them are lengths with R = 4m, for which bounds are tightest.
      for (const std::size_t bits : {59, 154, 206, 608, 622, 1024, 1536, 2048, 3072}) {
        for (const Natural& m : moduli(bits)) {
          if (kernels->constant != nullptr) test_constants(Side(m, *table), *kernels, m);
        }
      }
    }
  }
  for (std::size_t t = 1; t < tables.size(); ++t) {
    std::size_t cases = 0;
    for (const Plan& plan : kPlans) {
      const std::vector<Natural> of_this_size = plan.bits == 2 ? std::vector{Natural(3)} : moduli(plan.bits);
      for (const Natural& m : of_this_size) {
        const Side oracle(m, *tables[0]), side(m, *tables[t]);
        cases += compare(oracle, side, m, factor * plan.cases / of_this_size.size());
      }
      if (plan.bits == 310 || plan.bits == 1024 || plan.bits == 1536) {
        compare_powers(Side(of_this_size[3], *tables[0]), Side(of_this_size[3], *tables[t]), of_this_size[3]);
      }
    }
    CHECK(cases >= 1'000'000);
    std::printf("kernels: backend %zu agrees on %zu products\n", t, cases);
  }
  return check::finish("kernels");
}
