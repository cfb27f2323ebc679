#include "core/azure/line.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "core/azure/signing.h"
#include "core/azure/wait.h"
#include "core/base/ids.h"

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

bool may_pass(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

std::optional<std::int64_t> number(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
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

Result<net::HttpCall> Line::signed_call(const StorageCall& call) {
  net::HttpCall http;
  http.method = call.method;
  http.url = endpoint_ + call.path;
  auto query = render_query(call.query);
  if (credential_.kind == Credential::Kind::sas)
    query += (query.empty() ? "" : "&") + credential_.secret;
  if (!query.empty()) http.url += "?" + query;
  http.headers = call.headers;
  http.headers.push_back({"x-ms-version", std::string(kStorageVersion)});
  http.headers.push_back({"x-ms-date", http_date(clock_.now())});
  http.headers.push_back(
      {"x-ms-client-request-id", rng_.with([](Rng& rng) { return Uuid::random(rng); }).text()});
  http.body = call.body;
  http.deadline = options_.deadline;
  http.cancel = options_.stop;
  http.repeatable = call.repeatable;
  http.answer_bytes_max = call.answer_bytes_max;
  http.decompress = false;
  if (credential_.kind == Credential::Kind::token) {
    std::string token = credential_.secret;
    if (token.empty() && options_.token) {
      KC_TRY(token, options_.token());
    }
    http.headers.push_back({"Authorization", "Bearer " + token});
  } else if (credential_.kind == Credential::Kind::shared_key) {
    const Signable what{net::to_string(http.method), http.url, http.headers, http.body.size()};
    const auto text = service_ == Service::table ? table_string_to_sign(what, credential_.account)
                                                 : string_to_sign(what, credential_.account);
    http.headers.push_back({"Authorization", "SharedKey " + credential_.account + ":" +
                                                 signature(credential_.secret, text)});
  }
  return http;
}

Timespan Line::wait_before(int tried, const net::HttpAnswer* answer) {
  if (answer != nullptr) {
    for (const auto* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
      if (const auto wait = number(answer->header(name)))
        return std::min(options_.wait_max,
                        Timespan::milliseconds(std::min<std::int64_t>(*wait, 1'000'000)));
    }
    if (const auto wait = number(answer->header("retry-after")))
      return std::min(options_.wait_max, Timespan::seconds(std::min<std::int64_t>(*wait, 1'000)));
  }
  auto span = options_.first_wait.ticks;
  for (int i = 1; i < tried && span < options_.wait_max.ticks; ++i) span *= 2;
  const auto jitter = rng_.with([](Rng& rng) { return 0.8 + 0.5 * rng.unit(); });
  return std::min(options_.wait_max,
                  Timespan{static_cast<std::int64_t>(static_cast<double>(span) * jitter)});
}

bool pause(const LineOptions& options, Timespan span) {
  if (options.wait) return options.wait(span);
  return wait_or_stop(span, options.stop);
}

Result<net::HttpAnswer> Line::send(const StorageCall& call, std::initializer_list<int> expected,
                                   const std::string& what) {
  for (int tried = 1;; ++tried) {
    auto http = signed_call(call);
    if (!http) return fail(std::move(http).error().in(what));
    auto answer = transport_.exchange(*http);
    bool again = false;
    if (!answer) {
      const auto& error = answer.error();
      const bool passing =
          error.kind == ErrorKind::unavailable && error.code != "net.answer_too_large";
      again = passing && (call.repeatable || error.code == "net.unreachable");
    } else {
      if (std::find(expected.begin(), expected.end(), answer->status) != expected.end())
        return answer;
      const bool refused_unread = answer->status == 429 || answer->status == 503;
      again = may_pass(answer->status) && (call.repeatable || refused_unread);
    }
    if (!again || tried >= options_.tries_max) {
      if (!answer) return fail(std::move(answer).error().in(what));
      return fail(refusal(*answer, endpoint_, what));
    }
    if (!pause(options_, wait_before(tried, answer ? &*answer : nullptr)))
      return fail(ErrorKind::cancelled, "storage.cancelled", what + ": stopped");
  }
}

}  // namespace kc::azure
