// The request decoder: a body, or GET parameters, or headers. Whatever comes, it ends in a request
// or in an error of the service's shape, and what is made of either is JSON.
#include "tests/fuzz/request_target.h"

#include <algorithm>
#include <string>

#include "api/kusto_endpoint_answer.h"
#include "api/kusto_endpoint_request.h"
#include "core/base/check.h"
#include "core/base/json.h"

namespace kc::fuzz {
namespace {

constexpr const char* kNames[] = {"csl", "db", "properties"};
constexpr const char* kHeaders[] = {"x-ms-client-request-id", "x-ms-app", "x-ms-user",
                                    "authorization", "x-ms-readonly"};

// Parts are separated by NUL bytes.
std::string next_part(std::string_view& rest) {
  const auto end = std::min(rest.find('\0'), rest.size());
  std::string part(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

api::HttpRequest request_of(char kind, std::string_view rest) {
  api::HttpRequest http;
  http.method = kind == 'G' ? "GET" : "POST";
  http.path = "/v2/rest/query";
  if (kind == 'G') {
    for (const auto* name : kNames) http.query.emplace(name, next_part(rest));
  } else if (kind == 'H') {
    for (const auto* name : kHeaders) http.headers.emplace(name, next_part(rest));
    http.body = std::string(rest);
  } else {
    http.body = std::string(rest);
  }
  return http;
}

bool is_json(const std::string& text) { return nlohmann::json::accept(text); }

}  // namespace

void run_request(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto http = request_of(bytes[0], bytes.substr(1));
  api::KustoRequest request;
  request.now = "2024-01-01T00:00:00.0000000Z";
  api::read_kusto_headers(http, "fallback", request);
  for (const char c : request.options.client_request_id) KC_ASSERT(c >= 0x20 && c < 0x7f);
  const auto read = api::read_kusto_request(http, request);
  if (!read) {
    KC_ASSERT(!read.error().service_code.empty());
    const auto failure = api::failure_answer(read.error(), request);
    KC_ASSERT(failure.status == 400 && is_json(failure.body));
    return;
  }
  const auto& options = request.options;
  KC_ASSERT(options.truncation_records >= 0 && options.truncation_bytes >= 0);
  KC_ASSERT(options.timeout.ticks > 0 && options.timeout <= engine::kTimeoutMax);
  KC_ASSERT(!options.take_records || *options.take_records >= 0);
  KC_ASSERT(http.method != "GET" || options.read_only);
  engine::DataSet answer;
  answer.tables.push_back(
      {.name = "PrimaryResult", .columns = {}, .rows = {}, .row_count = 0, .breaks = {}});
  if (options.defer_partial_failures)
    answer.partial = fail(ErrorKind::invalid, "fuzz.partial", request.text).value();
  KC_ASSERT(is_json(api::v2_query_answer(answer, request)));
  KC_ASSERT(is_json(api::v1_query_answer(answer, request)));
}

}  // namespace kc::fuzz
