#include "core/azure/token_call.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/net/http_date.h"
#include "core/net/retry.h"

namespace kc::azure {
namespace {

using nlohmann::json;

constexpr Timespan kTryMax = Timespan::seconds(20);
constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;
constexpr std::size_t kTokenBytesMax = std::size_t{64} << 10;
// The waits of the Azure SDKs are told in whole seconds, without jitter.
constexpr net::RetryRules kDoubling{
    .retries_max = 3, .first_wait = Timespan::seconds(1), .jitter_from = 1, .jitter_to = 1};
constexpr net::RetryRules kEverySecond{.retries_max = 3,
                                       .first_wait = Timespan::seconds(1),
                                       .growth = 1,
                                       .jitter_from = 1,
                                       .jitter_to = 1};
constexpr net::RetryRules kGone{.retries_max = 7,
                                .first_wait = Timespan::seconds(10),
                                .growth = 1,
                                .jitter_from = 1,
                                .jitter_to = 1};
constexpr double kLifetimeSecondsMax = 10.0 * 366 * 86'400;

bool passes(Patience patience, int status) {
  const bool common = status == 408 || status == 429;
  switch (patience) {
    case Patience::entra:
      return common || (status >= 500 && status < 600);
    case Patience::imds:
      return common || status == 404 || status == 410 || (status >= 500 && status < 600);
    case Patience::managed:
      return common || status == 404 || status == 500 || status == 503 || status == 504;
    case Patience::once:
      return false;
  }
  return false;
}

const net::RetryRules* rules_for(Patience patience, const Result<net::HttpAnswer>& answer) {
  const bool passing = answer ? passes(patience, answer->status)
                              : answer.error().kind == ErrorKind::unavailable &&
                                    answer.error().code != "net.answer_too_large";
  if (!passing || patience == Patience::once) return nullptr;
  if (answer && answer->status == 410) return &kGone;
  return patience == Patience::managed ? &kEverySecond : &kDoubling;
}

// A code or an id is a word: anything else in its place is not shown.
std::string word(std::string text) {
  const bool fine = text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '-';
                    });
  return fine ? text : std::string();
}

std::string text_of(const json& body, const char* name) {
  return body.is_object() && body.contains(name) && body[name].is_string()
             ? body[name].get<std::string>()
             : std::string();
}

// `AADSTS7000215` out of the description that Entra sends.
std::string aadsts_of(const json& body) {
  const auto text = text_of(body, "error_description");
  const auto at = text.find("AADSTS");
  if (at == std::string::npos) return {};
  auto end = at + 6;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9' && end - at < 20) ++end;
  return end > at + 6 ? text.substr(at, end - at) : std::string();
}

std::optional<double> seconds_of(const json& body, const char* name) {
  if (!body.contains(name)) return std::nullopt;
  const auto& value = body[name];
  double seconds = -1;
  if (value.is_number()) {
    seconds = value.get<double>();
  } else if (value.is_string()) {
    const auto text = value.get<std::string>();
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  if (!std::isfinite(seconds) || seconds < 0 || seconds > kLifetimeSecondsMax) return std::nullopt;
  return seconds;
}

std::optional<Ticks> instant_of(const json& body, const char* name, Ticks now) {
  if (!body.contains(name)) return std::nullopt;
  const auto& value = body[name];
  if (value.is_number_integer())
    return parse_instant(std::to_string(value.get<std::int64_t>()), now);
  return value.is_string() ? parse_instant(value.get<std::string>(), now) : std::nullopt;
}

Failure bad_answer(const std::string& who, const char* what) {
  return fail(ErrorKind::corrupt, "identity.bad_answer", who + ": the answer " + what);
}

bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<Ticks> from_calendar(std::tm parts) {
  if (parts.tm_year < 70 || parts.tm_year > 8000 || parts.tm_mon < 0 || parts.tm_mon > 11)
    return std::nullopt;
  return Ticks{kTicksAtUnixEpoch + static_cast<std::int64_t>(::timegm(&parts)) * kTicksPerSecond};
}

// As App Service's older endpoint writes it, on Windows by twelve hours.
std::optional<Ticks> parse_month_first(const std::string& text) {
  std::tm at{};
  int end = 0;
  if (std::sscanf(text.c_str(), "%2d/%2d/%4d %2d:%2d:%2d%n", &at.tm_mon, &at.tm_mday, &at.tm_year,
                  &at.tm_hour, &at.tm_min, &at.tm_sec, &end) != 6)
    return std::nullopt;
  auto rest = trim(std::string_view(text).substr(static_cast<std::size_t>(end)));
  const bool pm = rest.starts_with("PM");
  if (pm || rest.starts_with("AM")) {
    if (at.tm_hour < 1 || at.tm_hour > 12) return std::nullopt;
    at.tm_hour = at.tm_hour % 12 + (pm ? 12 : 0);
    rest = trim(rest.substr(2));
  }
  if (rest != "+00:00") return std::nullopt;
  at.tm_mon -= 1;
  at.tm_year -= 1900;
  return from_calendar(at);
}

struct Hint {
  std::string_view code, what;
};
constexpr std::array kHints = {
    Hint{"AADSTS7000215",
         "the client secret is wrong: give the secret's value, not its id, and the one of this "
         "application"},
    Hint{"AADSTS7000222", "the client secret or certificate has expired: add a new one"},
    Hint{
        "AADSTS700027",
        "the certificate is not registered with the application, or its key does not belong to it"},
    Hint{"AADSTS700024",
         "the assertion is outside its time: check this machine's clock, or that the federated "
         "token file is still being renewed"},
    Hint{"AADSTS70021",
         "no federated credential of the application matches the token's issuer, "
         "subject and audience"},
    Hint{"AADSTS700211", "no federated credential of the application has this issuer"},
    Hint{"AADSTS700213", "no federated credential of the application has this subject"},
    Hint{"AADSTS700016",
         "the application is not in this tenant: check the client id and the "
         "tenant"},
    Hint{"AADSTS90002", "there is no such tenant, or it is in another cloud"},
    Hint{"AADSTS900023", "the tenant is neither an id nor a domain"},
    Hint{"AADSTS500011",
         "the tenant does not know the resource that the token is for: check the "
         "scope and the cloud"},
    Hint{"AADSTS65001", "nobody has consented to this application's access"},
    Hint{"AADSTS50196", "the same question was asked too often: something asks in a loop"},
    Hint{"AADSTS7000229", "the application has no service principal in this tenant"},
    Hint{"AADSTS53003", "a conditional access policy forbids it"},
    Hint{"AADSTS50076", "this account needs a second factor: use an application instead"},
};

Failure stopped(const std::string& who) {
  return fail(ErrorKind::cancelled, "identity.cancelled", who + ": stopped");
}

Error no_answer(Error error, const std::string& who) {
  if (error.kind == ErrorKind::cancelled) error.code = "identity.cancelled";
  if (error.kind == ErrorKind::unavailable) {
    const bool too_large = error.code == "net.answer_too_large";
    error.kind = too_large ? ErrorKind::corrupt : ErrorKind::unavailable;
    error.code = too_large ? "identity.bad_answer" : "identity.unavailable";
  }
  return std::move(error).in(who);
}

}  // namespace

std::string_view hint_of(std::string_view aadsts_code) {
  const auto found = std::find_if(kHints.begin(), kHints.end(),
                                  [&](const Hint& one) { return one.code == aadsts_code; });
  return found == kHints.end() ? std::string_view() : found->what;
}

std::optional<Ticks> parse_instant(std::string_view text, Ticks now) {
  text = trim(text);
  if (text.empty() || text.size() > 64) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code == std::errc() && end == text.data() + text.size()) {
    constexpr std::int64_t kLast = (kTicksMax.value - kTicksAtUnixEpoch) / kTicksPerSecond;
    if (seconds < 0 || seconds > kLast) return std::nullopt;
    return Ticks{kTicksAtUnixEpoch + seconds * kTicksPerSecond};
  }
  if (auto iso = parse_datetime(text)) return *iso;
  if (auto at = net::parse_http_date(text, now)) return at;
  return parse_month_first(std::string(text));
}

std::string error_word(std::string_view text) {
  const auto body = json::parse(text, nullptr, false);
  auto name = text_of(body, "error");
  if (name.empty() && body.is_object() && body.contains("error"))
    name = text_of(body["error"], "code");  // Service Fabric
  return word(std::move(name));
}

Result<net::HttpAnswer> ask(const Surroundings& with, net::HttpCall call,
                            const TokenRequest& request, Patience patience,
                            const std::string& who) {
  if (request.cancel.stop_requested()) return stopped(who);
  call.cancel = request.cancel;
  call.repeatable = true;
  call.answer_bytes_max = kAnswerBytesMax;
  auto last = net::send_repeatedly(
      {.transport = with.transport,
       .clock = with.clock,
       .origin = net::origin_of(call.url),
       .wait = [&](Timespan span) { return with.wait(span, request.cancel); },
       .deadline = request.deadline},
      [&](const net::Try& tried) {
        call.attempt = tried.number;
        call.deadline = std::clamp(tried.left, Timespan::milliseconds(1), kTryMax);
        return with.transport.exchange(call);
      },
      [&](const auto& answer) { return rules_for(patience, answer); });
  if (last.stopped) return stopped(who);
  if (!last.answer) return fail(no_answer(std::move(last.answer).error(), who));
  return std::move(last.answer);
}

Result<AccessToken> read_token(const net::HttpAnswer& answer, Ticks now, const std::string& who) {
  const auto body = json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return bad_answer(who, "is no JSON object");
  AccessToken token;
  token.secret = text_of(body, "access_token");
  if (token.secret.empty()) return bad_answer(who, "has no access_token");
  if (token.secret.size() > kTokenBytesMax || !is_header_text(token.secret))
    return bad_answer(who, "has an access_token that cannot be sent");
  const auto type = text_of(body, "token_type");
  if (!type.empty() && lower(type) != "bearer")
    return bad_answer(who, "has a token that is not of type Bearer");
  const auto after = [&](double seconds) {
    return now + Timespan{static_cast<std::int64_t>(seconds * 1e7)};
  };
  // The relative time does not need this machine's clock to be right.
  if (const auto seconds = seconds_of(body, "expires_in"))
    token.expires = after(*seconds);
  else if (const auto at = instant_of(body, "expires_on", now))
    token.expires = *at;
  else
    return bad_answer(who, "does not say when the token expires");
  if (token.expires <= now)
    return bad_answer(who,
                      "has a token that has already expired: this machine's clock may be wrong");
  if (const auto seconds = seconds_of(body, "refresh_in")) token.refresh = after(*seconds);
  return token;
}

Error refusal(const net::HttpAnswer& answer, const std::string& origin, const std::string& who,
              Ticks now) {
  const auto body = json::parse(answer.body, nullptr, false);
  const auto name = error_word(answer.body);
  const auto aadsts = aadsts_of(body);
  Error error{.kind = ErrorKind::denied, .code = "identity.refused", .message = {}};
  if (answer.status == 429) {
    error.kind = ErrorKind::throttled;
    error.code = "identity.throttled";
  } else if (answer.status == 408 || answer.status == 410 || answer.status >= 500 ||
             name == "temporarily_unavailable") {
    error.kind = ErrorKind::unavailable;
    error.code = "identity.unavailable";
  } else if (answer.status < 400) {
    error.kind = ErrorKind::corrupt;
    error.code = "identity.bad_answer";
  }
  error.message = who + ": " + origin + " answered " + std::to_string(answer.status);
  if (!name.empty()) error.message += " " + name;
  if (!aadsts.empty()) error.message += " (" + aadsts + ")";
  if (const auto hint = hint_of(aadsts); !hint.empty()) error.message += ": " + std::string(hint);
  error.service_code = aadsts.empty() ? name : aadsts;
  error.request_id = word(text_of(body, "correlation_id"));
  if (const auto pause = net::retry_after(answer, now))
    error.retry_after = std::min(*pause, net::kRetryAfterMax).to_milliseconds();
  return error;
}

}  // namespace kc::azure
