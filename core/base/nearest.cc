#include "core/base/nearest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace kc {
namespace {

constexpr std::size_t kNameMax = 64;  // more of a name is no name
constexpr std::size_t kEditsMax = 3;  // further away is no slip of the pen

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, kNameMax)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

// Levenshtein's distance, one row of the table at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const auto above = row[k];
      row[k] = std::min({above + 1, row[k - 1] + 1, corner + (a[i - 1] == b[k - 1] ? 0U : 1U)});
      corner = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view given, std::span<const std::string_view> known) {
  const std::string wanted = folded(given);
  // Of a short name less may be wrong than the whole of it.
  std::size_t least = std::min(kEditsMax + 1, wanted.size());
  std::string_view best;
  for (const std::string_view each : known) {
    const auto away = distance(wanted, folded(each));
    if (away < least) {
      least = away;
      best = each;
    }
  }
  return std::string(best);
}

}  // namespace kc
