#include "api/kusto_endpoint.h"

#include <algorithm>

#include "api/http_server.h"
#include "api/kusto_endpoint_admin.h"
#include "api/kusto_endpoint_answer.h"
#include "api/kusto_endpoint_request.h"
#include "core/base/json.h"
#include "core/engine/engine.h"
#include "core/engine/streaming.h"

namespace kc::api {
namespace {

constexpr std::size_t kBodyBytesMax = 64u << 20;

Error error_of(ErrorKind kind, std::string service_code, std::string message) {
  Error error{.kind = kind, .code = "engine.bad_request", .message = std::move(message)};
  error.service_code = std::move(service_code);
  return error;
}

// A leading dot, perhaps behind comments.
bool is_command(std::string_view text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (!text.starts_with("//")) return text.starts_with('.');
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
}

class Face {
 public:
  Face(engine::Engine& engine, const KustoEndpointOptions& options)
      : engine_(engine),
        require_token_(options.require_token),
        admin_(options.admin),
        management_(options.management) {}

  HttpResponse answer(const HttpRequest& http) {
    auto request = fresh_request();
    read_kusto_headers(http, engine_.new_id().text(), request);
    return with_ids(route(http, request), request);
  }

  // What the server refuses before a handler sees it: a broken head, a body too large.
  HttpResponse refusal(int status, const Error& error) {
    auto request = fresh_request();
    request.options.client_request_id = "unspecified;" + engine_.new_id().text();
    auto told = error;
    if (status == 413) told.service_code = "PayloadTooLarge";
    if (status < 500 && told.service_code.empty()) told.service_code = "General_BadRequest";
    auto response = refuse(told, request);
    response.status = status;
    return with_ids(std::move(response), request);
  }

 private:
  KustoRequest fresh_request() {
    KustoRequest request;
    request.database = "NetDefaultDB";
    request.now = format_datetime(engine_.now());
    request.cluster = engine_.options().name;
    request.options.activity = engine_.new_id();
    return request;
  }

  static HttpResponse with_ids(HttpResponse response, const KustoRequest& request) {
    response.headers.emplace_back("x-ms-client-request-id", request.options.client_request_id);
    response.headers.emplace_back("x-ms-activity-id", request.options.activity.text());
    return response;
  }

  HttpResponse route(const HttpRequest& http, KustoRequest& request) {
    const bool reads = http.method == "GET" || http.method == "HEAD";
    if (http.path == "/v1/rest/auth/metadata")
      return reads ? HttpResponse{.body = std::string(kAuthMetadata)} : not_allowed("GET");
    if (admin_) {
      if (auto answer = admin_answer(engine_, http)) return std::move(*answer);
    }
    if (http.path == "/v1/rest/ping") return plain(200, "Pong!");
    if (http.path == "/") return plain(200, "kusto-copy engine: v1/rest/mgmt, v2/rest/query");
    const bool ingests = http.path.starts_with("/v1/rest/ingest/");
    const bool management = http.path == "/v1/rest/mgmt";
    const bool queries = http.path == "/v1/rest/query" || http.path == "/v2/rest/query";
    if (!ingests && !management && !queries) return plain(404, "Not found");
    if (http.method != "POST" && (!queries || http.method != "GET"))
      return not_allowed(queries ? "GET, POST" : "POST");
    if (require_token_ && request.options.token.empty()) return unauthorized(request);
    if (ingests) return ingest(http, request);
    if (auto read = read_kusto_request(http, request); !read) return refuse(read.error(), request);
    return run(http.path == "/v2/rest/query", management, request);
  }

  HttpResponse run(bool v2, bool management, const KustoRequest& request) {
    const bool dot = is_command(request.text);
    if (dot && v2) {
      return refuse_text(
          "Bad request: Control commands (starting with a dot '.') do not support api_version=v2",
          request);
    }
    if (management && !dot) {
      return refuse(error_of(ErrorKind::invalid, "General_BadRequest",
                             "A management command starts with a dot."),
                    request);
    }
    const auto answer =
        dot ? command(request) : engine_.query(request.database, request.text, request.options);
    if (!answer) return refuse(answer.error(), request);
    if (answer->lose_answer) return plain(504, "Gateway timeout");
    if (dot) return {.body = v1_command_answer(*answer)};
    return {.body = v2 ? v2_query_answer(*answer, request) : v1_query_answer(*answer, request)};
  }

  Result<engine::DataSet> command(const KustoRequest& request) {
    if (management_) {
      if (auto answer = management_(request.database, request.text, request.options))
        return std::move(*answer);
    }
    return engine_.command(request.database, request.text, request.options);
  }

  // POST /v1/rest/ingest/{database}/{table}?streamFormat=…[&mappingName=…][&sourceKind=uri]
  HttpResponse ingest(const HttpRequest& http, KustoRequest& request) {
    if (http.segments.size() != 5) return plain(404, "Not found");
    const auto parameter = [&](const char* name) {
      const auto found = http.query.find(name);
      return found == http.query.end() ? std::string() : found->second;
    };
    request.database = http.segments[3];
    engine::StreamIngest stream{.database = request.database,
                                .table = http.segments[4],
                                .format = parameter("streamFormat"),
                                .mapping = parameter("mappingName"),
                                .data = {},
                                .source = {}};
    const auto kind = parameter("sourceKind");
    if (kind == "uri") {
      const auto body = nlohmann::json::parse(http.body, nullptr, false);
      if (!body.is_object() || !body.contains("sourceUri") || !body["sourceUri"].is_string()) {
        return refuse(error_of(ErrorKind::invalid, "BadRequest_EmptyBlobUri",
                               "The body has no string 'sourceUri'."),
                      request);
      }
      stream.source = body["sourceUri"].get<std::string>();
    } else if (kind.empty() || kind == "stream") {
      stream.data = http.body;
    } else {
      return refuse(error_of(ErrorKind::invalid, "General_BadRequest",
                             "The parameter 'sourceKind' does not take '" + kind + "'."),
                    request);
    }
    const auto answer = engine::stream_ingest(engine_, stream, request.options);
    if (!answer) return refuse(answer.error(), request);
    if (answer->lose_answer) return plain(504, "Gateway timeout");
    return {.body = v1_command_answer(*answer)};
  }

  static HttpResponse plain(int status, std::string text) {
    return {.status = status, .content_type = "text/plain", .body = std::move(text)};
  }
  static HttpResponse not_allowed(const std::string& methods) {
    auto response = plain(405, "Method not allowed");
    response.headers.emplace_back("Allow", methods);
    return response;
  }
  static HttpResponse unauthorized(const KustoRequest& request) {
    auto response =
        refuse(error_of(ErrorKind::denied, "Unauthorized", "The request carries no bearer token."),
               request);
    response.headers.emplace_back(
        "WWW-Authenticate",
        "Bearer authorization_uri=\"https://login.microsoftonline.com/organizations\"");
    return response;
  }
  static HttpResponse refuse(const Error& error, const KustoRequest& request) {
    auto failure = failure_answer(error, request);
    return {.status = failure.status, .body = std::move(failure.body)};
  }
  static HttpResponse refuse_text(const std::string& what, const KustoRequest& request) {
    return plain(400, what + "\nError details:\nClientRequestId='" +
                          request.options.client_request_id + "', ActivityId='" +
                          request.options.activity.text() + "', Timestamp='" + request.now + "'.");
  }

  engine::Engine& engine_;
  bool require_token_;
  bool admin_;
  decltype(KustoEndpointOptions::management) management_;
};

}  // namespace

KustoEndpoint::KustoEndpoint(std::unique_ptr<HttpServer> server, std::string host)
    : server_(std::move(server)), host_(std::move(host)) {}
KustoEndpoint::~KustoEndpoint() { stop(); }

Result<std::unique_ptr<KustoEndpoint>> KustoEndpoint::start(engine::Engine& engine,
                                                            const KustoEndpointOptions& options) {
  auto face = std::make_shared<Face>(engine, options);
  HttpServerOptions http;
  http.host = options.host;
  http.port = options.port;
  http.threads = options.threads;
  http.body_bytes_max = kBodyBytesMax;
  http.refusal = [face](int status, const Error& error) { return face->refusal(status, error); };
  KC_TRY(auto server, HttpServer::start(std::move(http), [face](const HttpRequest& request) {
           return face->answer(request);
         }));
  return std::unique_ptr<KustoEndpoint>(new KustoEndpoint(std::move(server), options.host));
}

int KustoEndpoint::port() const { return server_->port(); }
std::string KustoEndpoint::url() const { return "http://" + host_ + ":" + std::to_string(port()); }
void KustoEndpoint::stop() { server_->stop(); }

}  // namespace kc::api
