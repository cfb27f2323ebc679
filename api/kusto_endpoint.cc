#include "api/kusto_endpoint.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "api/http_server.h"
#include "api/kusto_endpoint_answer.h"
#include "core/base/clock.h"
#include "core/engine/engine.h"

namespace kc::api {
namespace {

using nlohmann::json;

constexpr std::size_t kBodyBytesMax = 64u << 20;
constexpr std::string_view kAuthMetadata =
    R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.com","LoginMfaRequired":false,)"
    R"("KustoClientAppId":"db662dc1-0cfe-4e1c-a843-19a68e65be58","KustoClientRedirectUri":"https://microsoft/kustoclient",)"
    R"("KustoServiceResourceId":"https://kusto.kusto.windows.net",)"
    R"("FirstPartyAuthorityUrl":"https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a"}})";

// Options come as JSON values, or as their text.
bool flag(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return value.is_string() && (value == "true" || value == "True" || value == "1");
}
std::optional<std::int64_t> number(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return std::nullopt;
}

void apply_options(const json& options, KustoRequest& request) {
  auto& to = request.options;
  bool truncates = false;
  for (const auto& [name, value] : options.items()) {
    if (name == "notruncation") {
      to.notruncation = flag(value);
    } else if (name == "truncationmaxrecords" || name == "query_take_max_records") {
      if (const auto limit = number(value))
        to.truncation_records = std::min(to.truncation_records, *limit);
      truncates = true;
    } else if (name == "truncationmaxsize") {
      if (const auto limit = number(value)) to.truncation_bytes = *limit;
      truncates = true;
    } else if (name == "request_readonly") {
      to.read_only = flag(value);
    } else if (name == "query_now" && value.is_string()) {
      if (const auto at = parse_datetime(value.get<std::string>())) to.query_now = at->value;
    }
  }
  if (truncates) to.notruncation = false;
}

Failure malformed(const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.bad_request", .message = what};
  error.service_code = "General_BadRequest";
  return fail(std::move(error));
}

Result<void> read_body(const HttpRequest& http, KustoRequest& request) {
  if (http.method == "GET") {
    const auto csl = http.query.find("csl"), db = http.query.find("db");
    if (csl == http.query.end()) return malformed("the parameter 'csl' is missing");
    request.text = csl->second;
    if (db != http.query.end()) request.database = db->second;
    return {};
  }
  const auto body = json::parse(http.body, nullptr, false);
  if (!body.is_object() || !body.contains("csl") || !body["csl"].is_string()) {
    return malformed("the body is no JSON object with a member 'csl'");
  }
  request.text = body["csl"].get<std::string>();
  if (body.contains("db") && body["db"].is_string())
    request.database = body["db"].get<std::string>();
  if (!body.contains("properties")) return {};
  auto properties = body["properties"];
  if (properties.is_string())
    properties = json::parse(properties.get<std::string>(), nullptr, false);
  if (!properties.is_object()) return {};
  if (properties.contains("Options") && properties["Options"].is_object())
    apply_options(properties["Options"], request);
  return {};
}

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

class Face {
 public:
  explicit Face(engine::Engine& engine) : engine_(engine) {}

  HttpResponse answer(const HttpRequest& http) {
    if (http.path == "/v1/rest/auth/metadata" && http.method == "GET")
      return {.body = std::string(kAuthMetadata)};
    KustoRequest request;
    request.database = "NetDefaultDB";
    request.now = format_datetime(SystemClock().now());
    request.cluster = engine_.options().name;
    request.options.activity = engine_.new_id();
    const auto* id = http.header("x-ms-client-request-id");
    request.options.client_request_id =
        id != nullptr && printable(*id) ? *id : "unspecified;" + engine_.new_id().text();
    if (http.header("x-ms-readonly") != nullptr) request.options.read_only = true;
    auto response = route(http, request);
    response.headers.emplace_back("x-ms-client-request-id", request.options.client_request_id);
    response.headers.emplace_back("x-ms-activity-id", request.options.activity.text());
    return response;
  }

 private:
  HttpResponse route(const HttpRequest& http, KustoRequest& request) {
    const bool management = http.path == "/v1/rest/mgmt";
    const bool v1 = http.path == "/v1/rest/query", v2 = http.path == "/v2/rest/query";
    if (!management && !v1 && !v2)
      return {.status = 404, .content_type = "text/plain", .body = "Not found"};
    if (http.method != "POST" && (management || http.method != "GET")) {
      return {.status = 405,
              .content_type = "text/plain",
              .body = "Method not allowed",
              .headers = {{"Allow", "POST"}}};
    }
    if (auto read = read_body(http, request); !read) return refuse(read.error(), request);
    const auto start = request.text.find_first_not_of(" \t\r\n");
    const bool dot = start != std::string::npos && request.text[start] == '.';
    if (dot && v2) {
      return refuse_text(
          "Bad request: Control commands (starting with a dot '.') do not support api_version=v2",
          request);
    }
    if (management && !dot)
      return refuse(malformed("a management command starts with a dot").value(), request);
    auto answer = dot ? engine_.command(request.database, request.text, request.options)
                      : engine_.query(request.database, request.text, request.options);
    if (!answer) return refuse(answer.error(), request);
    if (answer->lose_answer)
      return {.status = 504, .content_type = "text/plain", .body = "Gateway timeout"};
    if (dot) return {.body = v1_command_answer(*answer)};
    return {.body = v1 ? v1_query_answer(*answer, request) : v2_query_answer(*answer, request)};
  }

  static HttpResponse refuse(const Error& error, const KustoRequest& request) {
    auto failure = failure_answer(error, request);
    return {.status = failure.status, .body = std::move(failure.body)};
  }
  static HttpResponse refuse_text(const std::string& what, const KustoRequest& request) {
    return {.status = 400,
            .content_type = "text/plain",
            .body = what + "\nError details:\nClientRequestId='" +
                    request.options.client_request_id + "', ActivityId='" +
                    request.options.activity.text() + "', Timestamp='" + request.now + "'."};
  }

  engine::Engine& engine_;
};

}  // namespace

KustoEndpoint::KustoEndpoint(std::unique_ptr<HttpServer> server, std::string host)
    : server_(std::move(server)), host_(std::move(host)) {}
KustoEndpoint::~KustoEndpoint() { stop(); }

Result<std::unique_ptr<KustoEndpoint>> KustoEndpoint::start(engine::Engine& engine,
                                                            const KustoEndpointOptions& options) {
  HttpServerOptions http;
  http.host = options.host;
  http.port = options.port;
  http.threads = options.threads;
  http.body_bytes_max = kBodyBytesMax;
  auto face = std::make_shared<Face>(engine);
  KC_TRY(auto server, HttpServer::start(std::move(http), [face](const HttpRequest& request) {
           return face->answer(request);
         }));
  return std::unique_ptr<KustoEndpoint>(new KustoEndpoint(std::move(server), options.host));
}

int KustoEndpoint::port() const { return server_->port(); }
std::string KustoEndpoint::url() const { return "http://" + host_ + ":" + std::to_string(port()); }
void KustoEndpoint::stop() { server_->stop(); }

}  // namespace kc::api
