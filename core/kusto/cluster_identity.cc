#include "core/kusto/cluster_identity.h"

#include <algorithm>

#include "core/azure/default_chain.h"
#include "core/azure/entra.h"
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

azure::CredentialResult ClusterIdentity::credential(const AuthMetadata& says) const {
  const azure::Application who{says.login_endpoint, sign_in_.tenant, sign_in_.client_id, {}};
  switch (sign_in_.kind) {
    case SignIn::Kind::application_key:
      return azure::client_secret(all_->surroundings, who, sign_in_.secret);
    case SignIn::Kind::application_certificate:
      return azure::client_certificate(all_->surroundings, who,
                                       {.path = {}, .send_chain = sign_in_.send_chain},
                                       sign_in_.secret);
    case SignIn::Kind::token:
      return azure::static_token(all_->surroundings, sign_in_.secret);
    default:
      return azure::default_chain(all_->surroundings,
                                  {.tenant = sign_in_.tenant, .authority = says.login_endpoint});
  }
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
