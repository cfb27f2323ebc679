#include "core/net/retry_budget.h"

#include <algorithm>

namespace kc::net {

bool RetryBudget::take(const std::string& origin, std::chrono::nanoseconds now) {
  return origins_.with([&](auto& all) {
    // One that is forgotten begins anew, with a full budget: the limit is for memory's sake.
    if (all.size() >= kOriginsMax && !all.contains(origin)) all.clear();
    auto [one, fresh] = all.try_emplace(origin, Left{.at = now});
    auto& left = one->second;
    const std::chrono::duration<double> passed = now - left.at;
    left.retries = std::min(kKept, left.retries + std::max(0.0, passed.count()) * kPerSecond);
    left.at = now;
    if (left.retries < 1) return false;
    left.retries -= 1;
    return true;
  });
}

void RetryBudget::answered(const std::string& origin) {
  origins_.with([&](auto& all) {
    const auto one = all.find(origin);
    if (one != all.end()) one->second.retries = std::min(kKept, one->second.retries + kPerAnswer);
  });
}

}  // namespace kc::net
