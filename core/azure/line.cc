#include "core/azure/line.h"

#include <algorithm>
#include <cstdio>
#include <pugixml.hpp>

#include "core/azure/signing.h"
#include "core/azure/wait.h"
#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/net/http_date.h"
#include "core/net/retry.h"

namespace kc::azure {
namespace {

struct Kind {
  ErrorKind kind;
  const char* code;
};

Kind kind_of(int status) {
  switch (status) {
    case 404:
      return {ErrorKind::not_found, "storage.not_found"};
    case 409:
    case 412:
      return {ErrorKind::conflict, "storage.conflict"};
    case 401:
    case 403:
      return {ErrorKind::denied, "storage.denied"};
    case 429:
    case 503:
      return {ErrorKind::throttled, "storage.throttled"};
    default:
      break;
  }
  if (status >= 400 && status < 500 && status != 408)
    return {ErrorKind::invalid, "storage.invalid"};
  return {ErrorKind::unavailable, "storage.unavailable"};
}

// A code is a word: anything else in its place is not shown.
std::string word(std::string text) {
  const bool fine = text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '-';
                    });
  return fine ? text : std::string();
}

Error refusal(const net::HttpAnswer& answer, const std::string& endpoint, const std::string& what) {
  const auto kind = kind_of(answer.status);
  Error error{.kind = kind.kind, .code = kind.code, .message = {}};
  error.service_code = error_code_of(answer);
  error.message =
      what + ": " + net::origin_of(endpoint) + " answered " + std::to_string(answer.status);
  if (!error.service_code.empty()) error.message += " " + error.service_code;
  if (const auto* id = answer.header("x-ms-request-id")) error.request_id = word(*id);
  return error;
}

// A success that is none: a network's page, or a proxy's.
bool is_stranger(const StorageCall& call, const net::HttpAnswer& answer) {
  return call.has_request_id && answer.status < 300 && answer.header("x-ms-request-id") == nullptr;
}

Error no_service(const std::string& endpoint, const std::string& what) {
  return {.kind = ErrorKind::unavailable,
          .code = "storage.unavailable",
          .message = what + ": the answer of " + net::origin_of(endpoint) +
                     " is no storage service's; it may have happened"};
}

bool may_pass(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

// Whether a try is followed by another; what has consequences is sent again only if it certainly
// was not executed.
bool passes(const Result<net::HttpAnswer>& answer, const StorageCall& call) {
  if (answer) {
    if (is_stranger(call, *answer)) return call.repeatable;
    const bool refused_unread = answer->status == 429 || answer->status == 503;
    return may_pass(answer->status) && (call.repeatable || refused_unread);
  }
  const auto& error = answer.error();
  const bool passing = error.kind == ErrorKind::unavailable && error.code != "net.answer_too_large";
  return passing && (call.repeatable || error.code == "net.unreachable");
}

}  // namespace

std::string error_code_of(const net::HttpAnswer& answer) {
  if (const auto* code = answer.header("x-ms-error-code")) return word(*code);
  if (answer.body.starts_with('{')) {
    const auto body = nlohmann::json::parse(answer.body, nullptr, false);
    const auto at = nlohmann::json::json_pointer("/odata.error/code");
    if (body.is_object() && body.contains(at) && body[at].is_string())
      return word(body[at].get<std::string>());
    return {};
  }
  pugi::xml_document body;
  if (!body.load_buffer(answer.body.data(), answer.body.size())) return {};
  return word(body.child("Error").child_value("Code"));
}

Line::Line(net::Transport& transport, const Clock& clock, std::string endpoint,
           Credential credential, Service service, LineOptions options)
    : transport_(transport),
      clock_(clock),
      endpoint_(std::move(endpoint)),
      credential_(std::move(credential)),
      service_(service),
      options_(std::move(options)),
      rng_(Rng(options_.seed)) {}

Result<Line::Signed> Line::signed_call(const StorageCall& call, const std::string& refused) {
  net::HttpCall http;
  std::string token;
  http.method = call.method;
  http.url = endpoint_ + call.path;
  auto query = render_query(call.query);
  if (credential_.kind == Credential::Kind::sas)
    query += (query.empty() ? "" : "&") + credential_.secret;
  if (!query.empty()) http.url += "?" + query;
  http.headers = call.headers;
  http.headers.push_back({"x-ms-version", std::string(kStorageVersion)});
  http.headers.push_back({"x-ms-date", net::http_date(clock_.now())});
  http.headers.push_back(
      {"x-ms-client-request-id", rng_.with([](Rng& rng) { return Uuid::random(rng); }).text()});
  http.body = call.body;
  http.deadline = options_.deadline;
  http.cancel = options_.stop;
  http.repeatable = call.repeatable;
  http.answer_bytes_max = call.answer_bytes_max;
  http.decompress = false;
  if (credential_.kind == Credential::Kind::token) {
    token = credential_.secret;
    if (token.empty() && options_.token) {
      KC_TRY(token, options_.token(refused));
    }
    http.headers.push_back({"Authorization", "Bearer " + token});
  } else if (credential_.kind == Credential::Kind::shared_key) {
    const Signable what{net::to_string(http.method), http.url, http.headers, http.body.size()};
    const auto text = service_ == Service::table ? table_string_to_sign(what, credential_.account)
                                                 : string_to_sign(what, credential_.account);
    http.headers.push_back({"Authorization", "SharedKey " + credential_.account + ":" +
                                                 signature(credential_.secret, text)});
  }
  return Signed{std::move(http), std::move(token)};
}

// What is answered with 401 has not been executed: once more with a new token, since the old one
// may have been revoked.
Result<net::HttpAnswer> Line::exchange(Signed first, const StorageCall& call, int attempt) {
  first.http.attempt = attempt;
  auto answer = transport_.exchange(first.http);
  const bool may_renew = credential_.kind == Credential::Kind::token &&
                         credential_.secret.empty() && options_.token != nullptr;
  if (!may_renew || !answer || answer->status != 401) return answer;
  auto second = signed_call(call, first.token);
  if (!second || second->token == first.token) return answer;
  second->http.attempt = attempt + 1;
  return transport_.exchange(second->http);
}

bool pause(const LineOptions& options, Timespan span) {
  if (options.wait) return options.wait(span);
  return wait_or_stop(span, options.stop);
}

Result<net::HttpAnswer> Line::send(const StorageCall& call, std::initializer_list<int> expected,
                                   const std::string& what) {
  const net::RetryRules rules{.retries_max = options_.tries_max - 1,
                              .first_wait = options_.first_wait,
                              .wait_max = options_.wait_max,
                              .jitter_from = 0.8,
                              .jitter_to = 1.3,
                              .server_may_shorten = true};
  const auto is_expected = [&](const Result<net::HttpAnswer>& answer) {
    return answer && !is_stranger(call, *answer) &&
           std::find(expected.begin(), expected.end(), answer->status) != expected.end();
  };
  bool sent = false;
  auto last = net::send_repeatedly(
      {.transport = transport_,
       .clock = clock_,
       .origin = net::origin_of(endpoint_),
       .wait = [&](Timespan span) { return pause(options_, span); },
       .draw = [&] { return rng_.with([](Rng& rng) { return rng.unit(); }); }},
      [&](const net::Try& tried) -> Result<net::HttpAnswer> {
        auto http = signed_call(call);
        sent = http.has_value();
        if (!http) return fail(std::move(http).error());
        return exchange(std::move(*http), call, tried.number);
      },
      [&](const auto& answer) -> const net::RetryRules* {
        if (!sent) return nullptr;
        const bool again =
            is_expected(answer) ? call.whole && !call.whole(*answer) : passes(answer, call);
        return again ? &rules : nullptr;
      });
  if (last.stopped) return fail(ErrorKind::cancelled, "storage.cancelled", what + ": stopped");
  if (!last.answer) return fail(std::move(last.answer).error().in(what));
  if (!is_expected(last.answer))
    return fail(is_stranger(call, *last.answer) ? no_service(endpoint_, what)
                                                : refusal(*last.answer, endpoint_, what));
  return std::move(last.answer);
}

}  // namespace kc::azure
