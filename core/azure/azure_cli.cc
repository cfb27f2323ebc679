#include "core/azure/azure_cli.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/azure/program_run.h"
#include "core/azure/token_call.h"
#include "core/base/json.h"

namespace kc::azure {
namespace {

constexpr const char* kName = "Azure CLI";

Failure refuse(ErrorKind kind, const char* code, const std::string& what) {
  return fail(kind, code, std::string(kName) + ": " + what);
}

// `2026-11-21 01:00:00.000000`, by this machine's time zone.
std::optional<Ticks> parse_local(const std::string& text) {
  std::tm at{};
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d %2d:%2d:%2d", &at.tm_year, &at.tm_mon, &at.tm_mday,
                  &at.tm_hour, &at.tm_min, &at.tm_sec) != 6)
    return std::nullopt;
  at.tm_year -= 1900;
  at.tm_mon -= 1;
  at.tm_isdst = -1;  // mktime finds out
  const auto seconds = std::mktime(&at);
  if (seconds <= 0) return std::nullopt;
  return Ticks{kTicksAtUnixEpoch + static_cast<std::int64_t>(seconds) * kTicksPerSecond};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// What `az` says in words, for it has no codes: which sentence means what is not promised, so that
// anything else only tells that it failed.
Failure judge(const ProgramEnd& end) {
  const auto& text = end.errors;
  if (end.status == 127 || has(text, "not found: az") || has(text, "az: command not found"))
    return refuse(ErrorKind::not_found, "identity.not_configured", "az is not installed");
  if (has(text, "az login") || has(text, "az account set")) {
    Error error{.kind = ErrorKind::not_found,
                .code = "identity.not_configured",
                .message = std::string(kName) + ": nobody is logged in"};
    error.fix = "az login";
    return fail(std::move(error));
  }
  const auto at = text.find("AADSTS");
  if (at != std::string::npos) {
    const auto code = text.substr(at, text.find_first_not_of("0123456789", at + 6) - at);
    Error error{.kind = ErrorKind::denied, .code = "identity.refused", .message = {}};
    error.message = std::string(kName) + ": refused (" + code + ")";
    if (!hint_of(code).empty()) error.message += ": " + std::string(hint_of(code));
    error.service_code = code;
    error.fix = "az login";
    return fail(std::move(error));
  }
  return refuse(ErrorKind::unavailable, "identity.unavailable",
                "az ended with " + std::to_string(end.status) +
                    "; `az account get-access-token` by hand shows why");
}

class AzureCli final : public TokenCredential {
 public:
  AzureCli(const Surroundings& with, AzureCliOptions options)
      : with_(with), options_(std::move(options)) {}

  Result<AccessToken> token(const TokenRequest& request) override;
  std::string name() const override { return kName; }
  std::string identity() const override {
    return std::string(kName) + " " + options_.tenant + " " + options_.subscription;
  }

 private:
  const Surroundings& with_;
  const AzureCliOptions options_;
};

Result<AccessToken> AzureCli::token(const TokenRequest& request) {
  KC_TRY(const auto resource, resource_of(request.scope));
  ProgramRun run;
  // An argument that begins with `-` would be read as an option.
  if (resource.starts_with('-'))
    return refuse(ErrorKind::invalid, "identity.invalid", "the scope begins with '-'");
  run.words = {options_.program, "account", "get-access-token", "--output", "json",
               "--resource",     resource};
  const auto& tenant = request.tenant.empty() ? options_.tenant : request.tenant;
  if (!tenant.empty()) {
    KC_CHECK_OK(check_tenant(tenant));
    run.words.insert(run.words.end(), {"--tenant", tenant});
  }
  if (!options_.subscription.empty())
    run.words.insert(run.words.end(), {"--subscription", options_.subscription});
  run.deadline = std::min(options_.deadline, request.deadline);
  run.cancel = request.cancel;
  auto end = run_program(run);
  if (!end) {
    const auto kind = end.error().kind;
    return refuse(kind,
                  kind == ErrorKind::not_found   ? "identity.not_configured"
                  : kind == ErrorKind::cancelled ? "identity.cancelled"
                                                 : "identity.unavailable",
                  end.error().message);
  }
  if (end->status != 0) return judge(*end);
  return read_cli_answer(end->output, with_.clock.now());
}

}  // namespace

Result<AccessToken> read_cli_answer(const std::string& output, Ticks now) {
  const auto bad = [](const char* what) {
    return refuse(ErrorKind::corrupt, "identity.bad_answer", std::string("the answer ") + what);
  };
  // Warnings may stand around the object.
  const auto from = output.find('{'), to = output.rfind('}');
  if (from == std::string::npos || to == std::string::npos || to < from) return bad("is no JSON");
  const auto body = nlohmann::json::parse(output.substr(from, to - from + 1), nullptr, false);
  if (!body.is_object()) return bad("is no JSON");
  const auto text = [&](const char* name) {
    return body.contains(name) && body[name].is_string() ? body[name].get<std::string>()
                                                         : std::string();
  };
  AccessToken token;
  token.secret = text("accessToken");
  const bool sendable = std::all_of(token.secret.begin(), token.secret.end(),
                                    [](char c) { return c > 0x20 && c < 0x7f; });
  if (token.secret.empty() || !sendable) return bad("has no accessToken");
  std::optional<Ticks> expires;
  if (body.contains("expires_on"))
    expires = parse_instant(body["expires_on"].is_number_integer()
                                ? std::to_string(body["expires_on"].get<std::int64_t>())
                                : text("expires_on"),
                            now);
  if (!expires) expires = parse_local(text("expiresOn"));
  if (!expires) return bad("does not say when the token expires");
  if (*expires <= now)
    return bad("has a token that has already expired: check this machine's clock");
  token.expires = *expires;
  return token;
}

CredentialResult azure_cli(const Surroundings& with, AzureCliOptions options) {
  if (!options.tenant.empty()) KC_CHECK_OK(check_tenant(options.tenant));
  const bool fine =
      std::all_of(options.subscription.begin(), options.subscription.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(" _-.()").find(c) != std::string_view::npos;
      });
  if (!fine || options.subscription.starts_with('-'))
    return refuse(ErrorKind::invalid, "identity.invalid", "the subscription is no name or id");
  return std::make_unique<AzureCli>(with, std::move(options));
}

}  // namespace kc::azure
