#include "core/kusto/cluster_identity.h"

#include <algorithm>

#include "core/azure/default_chain.h"
#include "core/azure/entra.h"
#include "core/azure/secret_reference.h"
#include "core/base/base64.h"
#include "core/net/retry.h"

namespace kc::kusto {
namespace {

constexpr Timespan kMetadataDeadline = Timespan::seconds(10);
constexpr std::size_t kMetadataBytesMax = std::size_t{64} << 10;
constexpr net::RetryRules kMetadataRules{
    .retries_max = 2, .first_wait = Timespan::seconds(1), .jitter_from = 1, .jitter_to = 1};

// Through the door of a cluster, not_found and corrupt speak of its data: a failure to sign in must
// not be taken for a table that is gone.
Error not_signed_in(Error error, const std::string& url) {
  if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::denied;
  if (error.kind == ErrorKind::corrupt) error.kind = ErrorKind::unavailable;
  return std::move(error).in("signing in to " + net::origin_of(url));
}

bool is_passing(const Error& error) { return error.kind == ErrorKind::unavailable; }

std::string_view name_of(SignIn::Kind kind) {
  switch (kind) {
    case SignIn::Kind::application_key:
      return "client secret";
    case SignIn::Kind::application_certificate:
      return "client certificate";
    default:
      return "token";
  }
}

// A certificate that was read by reference may be the file itself, or its base64 as the keyword
// takes it.
std::string certificate_bytes(std::string text) {
  auto bytes = unbase64(text);
  return bytes && !bytes->empty() ? std::move(*bytes) : std::move(text);
}

azure::CredentialResult credential_of(const azure::Surroundings& with, const AuthMetadata& says,
                                      const SignIn& sign_in, std::string secret) {
  const azure::Application who{says.login_endpoint, sign_in.tenant, sign_in.client_id, {}};
  switch (sign_in.kind) {
    case SignIn::Kind::application_key:
      return azure::client_secret(with, who, std::move(secret));
    case SignIn::Kind::application_certificate:
      if (!sign_in.reference.empty()) secret = certificate_bytes(std::move(secret));
      return azure::client_certificate(with, who, {.path = {}, .send_chain = sign_in.send_chain},
                                       std::move(secret));
    case SignIn::Kind::token:
      return azure::static_token(with, std::move(secret));
    default:
      return azure::default_chain(with,
                                  {.tenant = sign_in.tenant, .authority = says.login_endpoint});
  }
}

}  // namespace

ClusterIdentity::ClusterIdentity(const ConnectionString& where, std::shared_ptr<Identities> all)
    : url_(where.url), sign_in_(where.sign_in), all_(std::move(all)) {}

Result<AuthMetadata> ClusterIdentity::metadata(Timespan deadline,
                                               const std::stop_token& cancel) const {
  net::HttpCall call{.url = url_ + "/v1/rest/auth/metadata",
                     .headers = {{"Accept", "application/json"}}};
  call.cancel = cancel;
  call.repeatable = true;
  call.answer_bytes_max = kMetadataBytesMax;
  const auto& with = all_->surroundings;
  Result<AuthMetadata> read;
  const auto last = net::send_repeatedly(
      {.transport = with.transport,
       .clock = with.clock,
       .origin = net::origin_of(url_),
       .wait = [&](Timespan span) { return with.wait(span, cancel); },
       .deadline = deadline},
      [&](const net::Try& tried) {
        call.attempt = tried.number;
        call.deadline = std::clamp(tried.left, Timespan::milliseconds(1), kMetadataDeadline);
        return with.transport.exchange(call);
      },
      [&](const auto& answer) {
        read = answer ? read_auth_metadata(*answer) : Result<AuthMetadata>(Failure(answer.error()));
        return !read && is_passing(read.error()) ? &kMetadataRules : nullptr;
      });
  if (last.stopped)
    return fail(ErrorKind::cancelled, "net.cancelled", "asking how to sign in was stopped");
  return read;
}

Result<std::shared_ptr<azure::TokenCredential>> Identities::person(const std::string& authority,
                                                                   const std::string& tenant) {
  return people_.with([&](auto& people) -> Result<std::shared_ptr<azure::TokenCredential>> {
    auto& one = people[authority + " " + tenant];
    if (one == nullptr) {
      azure::Application who{.authority = authority};
      who.tenant = tenant.empty() ? "organizations" : tenant;
      KC_TRY(one, azure::device_code(surroundings, std::move(who), prompt));
    }
    return one;
  });
}

Result<void> sign_in(const ConnectionString& where, const std::shared_ptr<Identities>& all,
                     Timespan deadline, std::stop_token cancel) {
  if (where.sign_in.kind == SignIn::Kind::none) return {};
  KC_TRY(const auto token, ClusterIdentity(where, all).token(deadline, std::move(cancel)));
  (void)token;
  return {};
}

Result<std::shared_ptr<azure::TokenCredential>> ClusterIdentity::credential(
    const AuthMetadata& says) const {
  if (all_->prompt && sign_in_.kind == SignIn::Kind::default_chain)
    return all_->person(says.login_endpoint, sign_in_.tenant);
  const auto& with = all_->surroundings;
  if (sign_in_.reference.empty()) return credential_of(with, says, sign_in_, sign_in_.secret);
  const std::string name(name_of(sign_in_.kind));
  return azure::by_reference(with, {.reference = sign_in_.reference,
                                    .keyword = sign_in_.keyword,
                                    .name = name,
                                    .identity = name + " " + says.login_endpoint + " " +
                                                sign_in_.tenant + " " + sign_in_.client_id,
                                    .make = [&with, says, sign_in = sign_in_](std::string secret) {
                                      return credential_of(with, says, sign_in, std::move(secret));
                                    }});
}

Result<ClusterIdentity::Ready> ClusterIdentity::make(const AuthMetadata& says) const {
  const auto& trusted = all_->trusted;
  KC_CHECK_OK(trusted.check_cluster(url_, says.login_endpoint));
  KC_CHECK_OK(trusted.check_login(says.login_endpoint));
  // A cluster that could name any resource would be given a token for that one.
  if (auto checked = trusted.check_cluster(says.resource); !checked)
    return fail(std::move(checked).error().in("the resource that the cluster names"));
  KC_TRY(auto made, credential(says));
  return Ready{std::move(made), {.scope = says.resource + "/.default"}};
}

Result<ClusterIdentity::Ready> ClusterIdentity::ready(Timespan deadline,
                                                      const std::stop_token& cancel) {
  if (auto known = ready_.with([](const auto& one) { return one; })) return *known;
  // Two callers may both ask; the answers are the same, and the first stays.
  KC_TRY(const auto says, metadata(deadline, cancel));
  KC_TRY(auto made, make(says));
  return ready_.with([&](auto& one) {
    if (!one) one = std::move(made);
    return *one;
  });
}

Result<azure::AccessToken> ClusterIdentity::token(Timespan deadline, std::stop_token cancel) {
  KC_CHECK_OK(all_->trusted.check_cluster(url_));
  const auto& clock = all_->surroundings.clock;
  const auto start = clock.elapsed();
  auto known = ready(deadline, cancel);
  if (!known) return fail(not_signed_in(std::move(known).error(), url_));
  auto request = known->request;
  request.deadline = deadline - Timespan::from(clock.elapsed() - start);
  request.cancel = std::move(cancel);
  auto token = all_->tokens.token(*known->credential, request);
  if (!token) return fail(not_signed_in(std::move(token).error(), url_));
  return token;
}

void ClusterIdentity::refused(const std::string& secret) {
  const auto known = ready_.with([](const auto& one) { return one; });
  if (known) all_->tokens.drop(*known->credential, known->request, secret);
}

}  // namespace kc::kusto
