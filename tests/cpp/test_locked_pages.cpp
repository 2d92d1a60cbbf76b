// Pages of secrets, as /proc/self/smaps shows them: "lo" locked, "dd" left out of core dumps.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "../../cpp/src/paillier/locked_pages.hpp"
#include "check.hpp"
#include "isthmus/core/error.hpp"

using isthmus::paillier::LockedPages;

namespace {

// Whether the page at `address` has the flag.
bool has_flag(const void* address, const std::string& flag) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    if (words >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return (line + " ").find(" " + flag + " ") != std::string::npos;
    }
  }
  return false;
}

}  // namespace

int main() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const map = mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(map != MAP_FAILED);
  auto* const bytes = static_cast<unsigned char*>(map);
  // Whether this system lets this user lock anything (AddressSanitizer makes mlock do nothing and succeed);
  // leaving pages out of dumps needs no permission.
  const bool can_lock = mlock(bytes, page) == 0 && has_flag(bytes, "lo");
  if (can_lock) munlock(bytes, page);

  auto outer = std::make_unique<LockedPages>(bytes + page, page + 1);  // pages 1 and 2
  auto inner = std::make_unique<LockedPages>(bytes + 2 * page + 8, std::size_t{16});
  for (const std::size_t i : {1, 2}) {
    CHECK(has_flag(bytes + i * page, "dd"));
    CHECK(has_flag(bytes + i * page, "lo") == can_lock);
  }
  CHECK(!has_flag(bytes, "dd"));
  CHECK(!has_flag(bytes + 3 * page, "dd"));

  outer.reset();
  CHECK(!has_flag(bytes + page, "dd"));
  CHECK(!has_flag(bytes + page, "lo"));
  CHECK(has_flag(bytes + 2 * page, "dd"));  // the other object still covers it
  CHECK(has_flag(bytes + 2 * page, "lo") == can_lock);
  inner.reset();
  CHECK(!has_flag(bytes + 2 * page, "dd"));
  CHECK(!has_flag(bytes + 2 * page, "lo"));

  const LockedPages nothing(bytes, 0);
  CHECK(!has_flag(bytes, "dd"));
  return check::finish("locked_pages");
}
