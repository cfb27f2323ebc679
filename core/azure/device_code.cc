#include "core/azure/device_code.h"

#include <algorithm>
#include <mutex>

#include "core/azure/encoding.h"
#include "core/azure/token_call.h"
#include "core/base/guarded.h"
#include "core/base/json.h"

namespace kc::azure {
namespace {

using nlohmann::json;

constexpr const char* kName = "device code";
constexpr std::int64_t kIntervalSeconds = 5;
constexpr std::int64_t kIntervalSecondsMax = 60;
constexpr std::int64_t kValidSeconds = 900;
constexpr std::int64_t kValidSecondsMax = 3600;

Failure refuse(ErrorKind kind, const char* code, const std::string& what) {
  return fail(kind, code, std::string(kName) + ": " + what);
}

std::string text_of(const json& body, const char* name) {
  return body.contains(name) && body[name].is_string() ? body[name].get<std::string>()
                                                       : std::string();
}

std::int64_t number_of(const json& body, const char* name, std::int64_t otherwise,
                       std::int64_t most) {
  if (!body.contains(name) || !body[name].is_number_integer()) return otherwise;
  return std::clamp<std::int64_t>(body[name].get<std::int64_t>(), 1, most);
}

// What a person is shown came from outside: without control characters.
std::string shown(std::string text) {
  text.resize(std::min<std::size_t>(text.size(), 1'000));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

struct Begun {
  std::string device_code;
  DeviceCodePrompt prompt;
  Timespan interval;
};

class DeviceCode final : public TokenCredential {
 public:
  DeviceCode(const Surroundings& with, Application who,
             std::function<void(const DeviceCodePrompt&)> prompt)
      : with_(with), who_(std::move(who)), prompt_(std::move(prompt)) {}

  Result<AccessToken> token(const TokenRequest& request) override;
  std::string name() const override { return kName; }
  std::string identity() const override {
    return std::string(kName) + " " + who_.authority + " " + who_.tenant + " " + who_.client_id;
  }

 private:
  Result<net::HttpAnswer> post(const std::string& tenant, const char* leaf, const Query& form,
                               const TokenRequest& request) const;
  Result<Begun> begin(const std::string& tenant, const TokenRequest& request) const;
  Result<AccessToken> wait_for_person(const std::string& tenant, const Begun& begun,
                                      const TokenRequest& request);
  Result<AccessToken> accept(const net::HttpAnswer& answer);

  const Surroundings& with_;
  const Application who_;
  const std::function<void(const DeviceCodePrompt&)> prompt_;
  Guarded<std::string> refresh_token_;
};

std::string whole_scope(const TokenRequest& request) {
  return request.scope + " openid profile offline_access";
}

Result<net::HttpAnswer> DeviceCode::post(const std::string& tenant, const char* leaf,
                                         const Query& form, const TokenRequest& request) const {
  net::HttpCall call{.method = net::Method::post,
                     .url = entra_url(who_.authority, tenant, leaf),
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                 {"Accept", "application/json"}},
                     .body = render_query(form)};
  return ask(with_, std::move(call), request, Patience::entra, kName);
}

Result<AccessToken> DeviceCode::accept(const net::HttpAnswer& answer) {
  KC_TRY(auto token, read_token(answer, with_.clock.now(), kName));
  const auto body = json::parse(answer.body, nullptr, false);
  if (auto next = text_of(body, "refresh_token"); !next.empty())
    refresh_token_.with([&](std::string& one) { one = std::move(next); });
  return token;
}

Result<Begun> DeviceCode::begin(const std::string& tenant, const TokenRequest& request) const {
  KC_TRY(const auto answer,
         post(tenant, "devicecode",
              {{"client_id", who_.client_id}, {"scope", whole_scope(request)}}, request));
  if (answer.status != 200) return fail(refusal(answer, who_.authority, kName, with_.clock.now()));
  const auto body = json::parse(answer.body, nullptr, false);
  if (!body.is_object())
    return refuse(ErrorKind::corrupt, "identity.bad_answer", "the answer is no JSON object");
  Begun begun;
  begun.device_code = text_of(body, "device_code");
  begun.prompt = {
      shown(text_of(body, "user_code")), shown(text_of(body, "verification_uri")),
      shown(text_of(body, "message")),
      Timespan::seconds(number_of(body, "expires_in", kValidSeconds, kValidSecondsMax))};
  begun.interval =
      Timespan::seconds(number_of(body, "interval", kIntervalSeconds, kIntervalSecondsMax));
  if (begun.device_code.empty() || begun.prompt.user_code.empty())
    return refuse(ErrorKind::corrupt, "identity.bad_answer", "the answer has no code");
  return begun;
}

Result<AccessToken> DeviceCode::wait_for_person(const std::string& tenant, const Begun& begun,
                                                const TokenRequest& request) {
  const auto start = with_.clock.elapsed();
  const auto limit = std::min(begun.prompt.valid, request.deadline);
  Timespan interval = begun.interval;
  while (true) {
    if (Timespan::from(with_.clock.elapsed() - start) + interval >= limit)
      return refuse(ErrorKind::denied, "identity.refused", "nobody has entered the code in time");
    if (!with_.wait(interval, request.cancel))
      return refuse(ErrorKind::cancelled, "identity.cancelled", "stopped");
    TokenRequest rest = request;
    rest.deadline = limit - Timespan::from(with_.clock.elapsed() - start);
    KC_TRY(const auto answer, post(tenant, "token",
                                   {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                    {"device_code", begun.device_code},
                                    {"client_id", who_.client_id},
                                    {"scope", whole_scope(request)},
                                    {"client-request-id", with_.fresh_id().text()}},
                                   rest));
    if (answer.status == 200) return accept(answer);
    const auto word = error_word(answer.body);
    if (word == "slow_down")
      interval = interval + Timespan::seconds(kIntervalSeconds);
    else if (word != "authorization_pending")
      return fail(refusal(answer, who_.authority, kName, with_.clock.now()));
  }
}

Result<AccessToken> DeviceCode::token(const TokenRequest& request) {
  KC_CHECK_OK(check_scope(request.scope));
  KC_TRY(const auto tenant, tenant_of(who_, request));
  const auto kept = refresh_token_.with([](const std::string& one) { return one; });
  if (!kept.empty()) {
    KC_TRY(const auto answer, post(tenant, "token",
                                   {{"grant_type", "refresh_token"},
                                    {"refresh_token", kept},
                                    {"client_id", who_.client_id},
                                    {"scope", whole_scope(request)}},
                                   request));
    if (answer.status == 200) return accept(answer);
    // A person must sign in again only where the old sign-in no longer counts.
    const auto word = error_word(answer.body);
    if (word != "invalid_grant" && word != "interaction_required")
      return fail(refusal(answer, who_.authority, kName, with_.clock.now()));
    refresh_token_.with([](std::string& one) { one.clear(); });
  }
  KC_TRY(const auto begun, begin(tenant, request));
  prompt_(begun.prompt);
  return wait_for_person(tenant, begun, request);
}

}  // namespace

CredentialResult device_code(const Surroundings& with, Application who,
                             std::function<void(const DeviceCodePrompt&)> prompt) {
  if (!prompt)
    return refuse(ErrorKind::invalid, "identity.invalid", "there is nowhere to show the code");
  KC_TRY(who.authority, check_authority(who.authority));
  KC_CHECK_OK(check_tenant(who.tenant));
  if (who.client_id.empty()) who.client_id = kKustoClientId;
  return std::make_unique<DeviceCode>(with, std::move(who), std::move(prompt));
}

}  // namespace kc::azure
