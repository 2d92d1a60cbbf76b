#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "isthmus/core/cpu.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/core/secret.hpp"

using namespace isthmus;

int main() {
  CHECK(code_text(ErrorCode::Decode) == "ERR_DECODE");
  CHECK(all_error_codes().size() == 16);

  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    std::vector<int> seen(1000, 0);
    parallel_for(seen.size(), [&](std::size_t i) { seen[i] += 1; }, 7);
    CHECK(std::all_of(seen.begin(), seen.end(), [](int x) { return x == 1; }));
    std::size_t failed_row = 0;
    try {
      parallel_for(100, [](std::size_t i) {
        if (i % 30 == 29) throw Error(ErrorCode::Decode, "bad", i);
      });
    } catch (const Error& error) {
      failed_row = error.row().value_or(0);
    }
    CHECK(failed_row == 29);
  }
  set_thread_count(0);

  std::vector<std::int64_t> order(1000);
  random_permutation(order);
  CHECK(!std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == static_cast<std::int64_t>(i));
  for (int i = 0; i < 200; ++i) CHECK(random_below(7) < 7);

  set_entropy_source_for_testing([](MutableByteSpan) { return false; });
  std::vector<std::uint8_t> buffer(16, 0xff);
  CHECK_THROWS(random_bytes(buffer), ErrorCode::Rng);
  CHECK(std::all_of(buffer.begin(), buffer.end(), [](std::uint8_t b) { return b == 0; }));
  set_entropy_source_for_testing(nullptr);

  CHECK(ct_equal(5, 5) == ~std::uint64_t{0} && ct_equal(5, 6) == 0);
  CHECK(ct_select(ct_mask(1), 3, 4) == 3 && ct_select(ct_mask(0), 3, 4) == 4);
  const auto names = available_backends();
  CHECK(std::find(names.begin(), names.end(), "portable") != names.end());
  return check::finish("core");
}
