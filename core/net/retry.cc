#include "core/net/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/net/http_date.h"

namespace kc::net {
namespace {

constexpr std::int64_t kNumberMax = 1'000'000'000;  // so that it can be counted in ticks

std::optional<std::int64_t> number(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
}

std::optional<Ticks> date(const std::string* text, Ticks now) {
  return text == nullptr ? std::nullopt : parse_http_date(trim(*text), now);
}

}  // namespace

std::optional<Timespan> next_wait(const RetryRules& rules, int retries_done,
                                  std::optional<Timespan> server_asks, Timespan left,
                                  double drawn) {
  if (retries_done >= rules.retries_max) return std::nullopt;
  const auto most = static_cast<double>(rules.wait_max.ticks);
  const double grown = std::min(
      most, static_cast<double>(rules.first_wait.ticks) * std::pow(rules.growth, retries_done));
  const double jitter = rules.jitter_from + (rules.jitter_to - rules.jitter_from) * drawn;
  Timespan wait{static_cast<std::int64_t>(std::min(most, grown * jitter))};
  if (server_asks) {
    wait = rules.server_may_shorten ? std::min(*server_asks, rules.wait_max)
                                    : std::max(std::min(*server_asks, kRetryAfterMax), wait);
  }
  if (wait >= left) return std::nullopt;
  return wait;
}

std::optional<Timespan> retry_after(const HttpAnswer& answer, Ticks now) {
  for (const auto* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto wait = number(answer.header(name)))
      return Timespan::milliseconds(std::min(*wait, kNumberMax));
  }
  const auto* text = answer.header("retry-after");
  if (const auto wait = number(text)) return Timespan::seconds(std::min(*wait, kNumberMax));
  const auto until = date(text, now);
  if (!until) return std::nullopt;
  const Timespan left = *until - date(answer.header("date"), now).value_or(now);
  return std::clamp(left, Timespan{}, Timespan::seconds(kNumberMax));
}

Sent send_repeatedly(const Repeating& with,
                     const std::function<Result<HttpAnswer>(const Try&)>& send,
                     const std::function<const RetryRules*(const Result<HttpAnswer>&)>& rules_for) {
  const auto start = with.clock.elapsed();
  const auto left = [&] { return with.deadline - Timespan::from(with.clock.elapsed() - start); };
  std::vector<std::pair<const RetryRules*, int>> retries;
  for (int tried = 1;; ++tried) {
    auto answer = send({.number = tried, .left = left()});
    const RetryRules* rules = rules_for(answer);
    if (rules == nullptr) {
      if (answer) with.transport.retry_budget().answered(with.origin);
      return {std::move(answer)};
    }
    auto done = std::find_if(retries.begin(), retries.end(),
                             [&](const auto& one) { return one.first == rules; });
    if (done == retries.end()) done = retries.insert(retries.end(), {rules, 0});
    const auto asked = answer ? retry_after(*answer, with.clock.now()) : std::nullopt;
    const auto wait =
        next_wait(*rules, done->second++, asked, left(), with.draw ? with.draw() : 0.5);
    if (!wait || !with.transport.retry_budget().take(with.origin, with.clock.elapsed()))
      return {std::move(answer)};
    if (!with.wait(*wait)) return {std::move(answer), true};
  }
}

}  // namespace kc::net
