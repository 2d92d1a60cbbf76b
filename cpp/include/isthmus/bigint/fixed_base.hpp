#pragma once
// Powers of one base modulo m^2, by tables.
//
// With windows of w bits, base^e = prod_i base^(2^(w*i) * digit_i(e)): a product per window and no squaring.
// A table of 2^w rows serves `levels` neighbouring windows i, base^e = prod_s (prod_t T[t][digit_(levels*t +
// s) (e)])^(2^(w*s)), which costs (levels - 1) * w squarings for a whole exponent and divides the memory. A
// row y is kept as (y0, u) with y = y0 * (1 + m*u), so that a step multiplies by the one digit y0 and adds u:
// 4k^2 word products, not 5k^2; or 3k^2 on backends that multiply by constants, for which rows keep
// floor(y0 * R / m) too.
//
// Ref       Brickell, Gordon, McCurley and Wilson, "Fast exponentiation with precomputation", EUROCRYPT 1992;
//           Lim and Lee, "More flexible exponentiation with precomputation", CRYPTO 1994.

#include <cstddef>

#include "isthmus/bigint/square_modulus.hpp"

namespace isthmus::bigint {

/// How exponents are cut.
struct WindowPlan {
  unsigned window;      // bits
  std::size_t windows;  // of an exponent
  std::size_t levels;   // windows that share a table

  std::size_t tables() const noexcept { return (windows + levels - 1) / levels; }
  std::size_t entries() const noexcept { return std::size_t{1} << window; }
  bool operator==(const WindowPlan&) const = default;
};

/// What FixedBaseTable and MaskedBaseTable share.
class WindowTables {
 public:
  std::size_t exponent_bits() const noexcept { return exponent_bits_; }
  std::size_t exponent_limbs() const noexcept { return (exponent_bits_ + 63) / 64; }
  const WindowPlan& plan() const noexcept { return plan_; }
  std::size_t bytes() const noexcept { return words_.size() * sizeof(Limb); }

 protected:
  /// How a table lies in memory: row after row, or word after word of all its rows.
  enum class Order { rows, words };

  WindowTables(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
               const WindowPlan& plan, Order order);
  void power(Limb* out, const Limb* exponents, std::size_t count) const;

 private:
  class Builder;
  class Batch;

  std::size_t table_words() const noexcept { return plan_.entries() * row_words_; }
  const Limb* table(std::size_t t) const noexcept { return words_.data() + t * table_words(); }
  std::size_t digit(const Limb* exponent, std::size_t window) const noexcept;

  const SquareModulus* modulus_;
  std::size_t exponent_bits_, row_words_;
  WindowPlan plan_;
  Order order_;
  AlignedLimbs words_;
};

/// Powers for exponents whose digits may be read as addresses.
/// Timing    Reads rows at the exponent's digits: a local observer of the cache could learn the exponent, so
///           it must be used once, on a machine its owner trusts (docs/security.md). The values of base and m
///           do not affect time.
class FixedBaseTable : public WindowTables {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{32} << 20;

  /// The plan with the least work for building tables that fit max_bytes and raising to `uses` exponents. For
  /// a handful of them that is plain exponentiation: one small table, and squarings.
  static WindowPlan best_plan(const SquareModulus& modulus, std::size_t exponent_bits, std::size_t max_bytes,
                              std::size_t uses);

  /// `modulus` must outlive the table. Builds in parallel.
  /// Throws    CiphertextNotUnit when base is not a unit.
  FixedBaseTable(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
                 const WindowPlan& plan)
      : WindowTables(modulus, base, exponent_bits, plan, Order::rows) {}

  /// out[i] = base^exponent[i]; exponent i is the i-th run of exponent_limbs() limbs.
  void pow_vartime(Limb* out, const Limb* exponents, std::size_t count) const {
    power(out, exponents, count);
  }
};

/// Powers for secret exponents: small tables, every row of which is read for every digit.
/// Timing    Constant in everything but the lengths.
class MaskedBaseTable : public WindowTables {
 public:
  /// As of FixedBaseTable; reading all rows keeps the windows at five to seven bits.
  static WindowPlan best_plan(const SquareModulus& modulus, std::size_t exponent_bits, std::size_t max_bytes,
                              std::size_t uses);
  /// As FixedBaseTable. Throws    InvalidArgument also unless windows have 4 to 7 bits.
  MaskedBaseTable(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
                  const WindowPlan& plan)
      : WindowTables(modulus, base, exponent_bits, plan, Order::words) {}

  void pow(Limb* out, const Limb* exponents, std::size_t count) const { power(out, exponents, count); }
};

}  // namespace isthmus::bigint
