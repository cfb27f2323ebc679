#include "core/azure/credential.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/azure/jwt.h"
#include "core/azure/wait.h"
#include "core/base/check.h"
#include "core/base/json.h"

namespace kc::azure {
namespace {

bool only(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  });
}

class StaticToken final : public TokenCredential {
 public:
  StaticToken(const Surroundings& with, std::string token)
      : with_(with), token_(std::move(token)), expires_(expiry_of_token(token_)) {}

  Result<AccessToken> token(const TokenRequest&) override {
    if (expires_ && *expires_ <= with_.clock.now()) {
      Error error{.kind = ErrorKind::denied,
                  .code = "identity.refused",
                  .message = "the token given has expired at " + format_datetime(*expires_)};
      error.fix = "give a new token, or a credential that can obtain one";
      return fail(std::move(error));
    }
    return AccessToken{token_, expires_.value_or(kTicksMax)};
  }
  std::string name() const override { return "token"; }
  std::string identity() const override { return "token " + fingerprint(token_); }

 private:
  const Surroundings& with_;
  const std::string token_;
  const std::optional<Ticks> expires_;
};

class NoCredential final : public TokenCredential {
 public:
  NoCredential(std::string name, std::string why) : name_(std::move(name)), why_(std::move(why)) {}
  Result<AccessToken> token(const TokenRequest&) override {
    return fail(ErrorKind::not_found, "identity.not_configured", name_ + ": " + why_);
  }
  std::string name() const override { return name_; }
  std::string identity() const override { return "none " + name_; }

 private:
  const std::string name_, why_;
};

}  // namespace

std::optional<std::string> Surroundings::process_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

bool Surroundings::process_wait(Timespan span, const std::stop_token& stop) {
  return wait_or_stop(span, stop);
}

Uuid Surroundings::process_id() {
  Uuid id;
  KC_ASSERT(RAND_bytes(id.bytes.data(), static_cast<int>(id.bytes.size())) == 1);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0fU) | 0x40U);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3fU) | 0x80U);
  return id;
}

std::unique_ptr<TokenCredential> static_token(const Surroundings& with, std::string token) {
  return std::make_unique<StaticToken>(with, std::move(token));
}

std::unique_ptr<TokenCredential> no_credential(std::string name, std::string why) {
  return std::make_unique<NoCredential>(std::move(name), std::move(why));
}

Result<void> check_scope(std::string_view scope) {
  if (scope.size() <= 2'000 && only(scope, ".-:/_")) return {};
  return fail(ErrorKind::invalid, "identity.invalid",
              "the scope of a token has letters, digits and '.-:/_' only");
}

Result<std::string> resource_of(std::string_view scope) {
  KC_CHECK_OK(check_scope(scope));
  constexpr std::string_view kDefault = "/.default";
  if (scope.ends_with(kDefault)) scope.remove_suffix(kDefault.size());
  if (scope.empty())
    return fail(ErrorKind::invalid, "identity.invalid", "the scope of a token names no resource");
  return std::string(scope);
}

Result<void> check_tenant(std::string_view tenant) {
  if (tenant.size() <= 253 && only(tenant, ".-")) return {};
  return fail(ErrorKind::invalid, "identity.invalid",
              "a tenant is an id or a domain: letters, digits, '.' and '-' only");
}

std::string fingerprint(std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  KC_ASSERT(EVP_Digest(secret.data(), secret.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
            1);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[digest.at(i) >> 4U];
    out += kHex[digest.at(i) & 15U];
  }
  return out;
}

}  // namespace kc::azure
