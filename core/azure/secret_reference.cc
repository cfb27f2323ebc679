#include "core/azure/secret_reference.h"

#include <algorithm>
#include <filesystem>

#include "core/azure/entra.h"
#include "core/base/guarded.h"

namespace kc::azure {
namespace {

constexpr std::string_view kVariable = "env:", kFile = "file:";
constexpr std::size_t kReferenceLengthMax = 1024;

Failure refuse(std::string code, std::string_view keyword, const std::string& why,
               std::string fix = {}) {
  return fail(Error{
      .kind = ErrorKind::invalid,
      .code = std::move(code),
      .message = "the reference of keyword '" + std::string(keyword) + "' cannot be used: " + why,
      .fix = std::move(fix)});
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// In its shortest form, so that an allowed folder cannot be left by `..`.
bool is_path(std::string_view path) {
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  return plain && path.starts_with('/') && !path.ends_with('/') &&
         std::filesystem::path(path).lexically_normal().string() == path;
}

class ByReference final : public TokenCredential {
 public:
  ByReference(const Surroundings& with, ReferencedSecret secret)
      : with_(with), secret_(std::move(secret)) {}

  Result<AccessToken> token(const TokenRequest& request) override {
    KC_TRY(auto now, read_secret(with_, secret_.reference, secret_.keyword));
    KC_TRY(const auto credential, credential_of(std::move(now)));
    return credential->token(request);
  }
  std::string name() const override { return secret_.name; }
  std::string identity() const override { return secret_.identity + " " + secret_.reference; }

 private:
  struct Made {
    std::string fingerprint;
    std::shared_ptr<TokenCredential> credential;
  };
  Result<std::shared_ptr<TokenCredential>> credential_of(std::string now) {
    const auto print = fingerprint(now);
    return made_.with([&](Made& made) -> Result<std::shared_ptr<TokenCredential>> {
      if (made.credential == nullptr || made.fingerprint != print) {
        auto fresh = secret_.make(std::move(now));
        if (!fresh)
          return fail(std::move(fresh).error().in("keyword '" + secret_.keyword + "', which is " +
                                                  secret_.reference));
        made = {print, std::move(*fresh)};
      }
      return made.credential;
    });
  }

  const Surroundings& with_;
  const ReferencedSecret secret_;
  Guarded<Made> made_;
};

}  // namespace

bool is_secret_reference(std::string_view text) {
  return text.starts_with(kVariable) || text.starts_with(kFile);
}

Result<void> check_secret_reference(std::string_view reference, std::string_view keyword) {
  if (reference.size() > kReferenceLengthMax)
    return refuse("secret.invalid_reference", keyword, "its reference is too long");
  if (reference.starts_with(kVariable)) {
    if (is_name(reference.substr(kVariable.size()))) return {};
    return refuse("secret.invalid_reference", keyword,
                  "env: is followed by the name of a variable: letters, digits and '_'");
  }
  if (reference.starts_with(kFile) && is_path(reference.substr(kFile.size()))) return {};
  return refuse("secret.invalid_reference", keyword,
                "file: is followed by an absolute path without '.', '..' and '//'");
}

Result<std::string> read_secret(const Surroundings& with, std::string_view reference,
                                std::string_view keyword) {
  KC_CHECK_OK(check_secret_reference(reference, keyword));
  const std::string shown(reference);
  const auto& allowed = with.secret_references;
  if (std::none_of(allowed.begin(), allowed.end(),
                   [&](const std::string& one) { return reference.starts_with(one); })) {
    return refuse("secret.not_allowed", keyword, shown + " may not be read by this service",
                  "start the service with --secret-references that allow it");
  }
  std::string secret;
  if (reference.starts_with(kVariable)) {
    const std::string name(reference.substr(kVariable.size()));
    auto value = with.variable(name);
    if (!value)
      return refuse("secret.not_found", keyword, shown + ": the variable is not set, or empty",
                    "set " + name + " in the environment of kusto-copy");
    secret = std::move(*value);
  } else {
    auto bytes = read_identity_file(std::string(reference.substr(kFile.size())),
                                    "the file of the secret", kSecretBytesMax);
    if (!bytes) return refuse("secret.not_found", keyword, bytes.error().message);
    secret = std::move(*bytes);
  }
  // Editors and `echo` end a file with a line end that belongs to no secret.
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) return refuse("secret.not_found", keyword, shown + " is empty");
  return secret;
}

std::unique_ptr<TokenCredential> by_reference(const Surroundings& with, ReferencedSecret secret) {
  return std::make_unique<ByReference>(with, std::move(secret));
}

}  // namespace kc::azure
