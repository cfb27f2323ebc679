// The door to Microsoft Entra ID: something that can be asked for an access token. Used by whatever
// speaks to a cluster or to storage in somebody's name; made by entra.h, managed_identity.h,
// azure_cli.h, device_code.h and default_chain.h; token_cache.h stands in front. Thread promise: a
// TokenCredential is safe from any thread; what Surroundings refer to outlives it.
//
// Errors, told apart by what the caller does next: not_found (identity.not_configured: there is
// nothing here to ask; a chain goes on), denied (identity.refused: asked, and refused), invalid
// (identity.invalid: a setting that cannot be used), throttled (identity.throttled), unavailable
// (identity.unavailable: no answer), corrupt (identity.bad_answer: an answer that is none),
// cancelled (identity.cancelled). No message holds a secret, an assertion or a token.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/net/transport.h"

namespace kc::azure {

struct AccessToken {
  std::string secret;
  Ticks expires;                      // by this machine's clock
  std::optional<Ticks> refresh = {};  // when its issuer wants to be asked again
};

struct TokenRequest {
  std::string scope = {};   // `https://kusto.kusto.windows.net/.default`
  std::string tenant = {};  // empty: the credential's own. A managed identity has one only.
  // Total, retries included; long enough for an identity endpoint that is being updated (70 s).
  Timespan deadline = Timespan::seconds(100);
  std::stop_token cancel = {};
};

// What a credential takes from the machine it runs on, so that a test can be the machine.
struct Surroundings {
  net::Transport& transport;
  const Clock& clock;
  // A variable of the environment; nothing where it is not set or empty.
  std::function<std::optional<std::string>(const std::string&)> variable = process_variable;
  // Waits between two tries; false: stopped meanwhile.
  std::function<bool(Timespan, const std::stop_token&)> wait = process_wait;
  std::function<Uuid()> fresh_id = process_id;
  std::string arc_agent = "/opt/azcmagent/bin/himds";
  std::string arc_tokens = "/var/opt/azcmagent/tokens";
  // How a reference to a secret may begin (secret_reference.h).
  std::vector<std::string> secret_references = {"env:", "file:/"};

  static std::optional<std::string> process_variable(const std::string& name);
  static bool process_wait(Timespan span, const std::stop_token& stop);
  static Uuid process_id();
};

class TokenCredential {
 public:
  virtual ~TokenCredential() = default;
  virtual Result<AccessToken> token(const TokenRequest& request) = 0;
  virtual std::string name() const = 0;  // as a message shows it: "client secret"
  // Two credentials with the same identity may share their tokens. Holds no secret.
  virtual std::string identity() const = 0;
};

using CredentialResult = Result<std::unique_ptr<TokenCredential>>;

// A token that somebody else obtained: given out until the time that it names itself.
std::unique_ptr<TokenCredential> static_token(const Surroundings& with, std::string token);

// A link that can give no token, and why.
std::unique_ptr<TokenCredential> no_credential(std::string name, std::string why);

// `R/.default` -> `R`: the older endpoints take a resource.
Result<std::string> resource_of(std::string_view scope);
// A scope: letters, digits and `.-:/_`, as the command line and the query of an endpoint take them.
Result<void> check_scope(std::string_view scope);
// A tenant's id or domain: letters, digits, `.` and `-`.
Result<void> check_tenant(std::string_view tenant);

// The SHA-256 of a secret in hex: names it in a key without telling it.
std::string fingerprint(std::string_view secret);

}  // namespace kc::azure
