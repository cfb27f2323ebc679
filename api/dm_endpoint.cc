#include "api/dm_endpoint.h"

#include "api/dm_endpoint_rest.h"
#include "api/http_server.h"
#include "api/kusto_endpoint_answer.h"
#include "api/kusto_endpoint_request.h"
#include "core/base/clock.h"
#include "core/engine/dm/data_management.h"

namespace kc::api {
namespace {

constexpr std::size_t kBodyBytesMax = 4u << 20;

HttpResponse plain(int status, const std::string& text) {
  return {.status = status, .content_type = "text/plain", .body = text};
}

class Face {
 public:
  explicit Face(engine::DataManagement& management) : management_(management) {}

  HttpResponse answer(const HttpRequest& http) {
    KustoRequest request;
    auto& engine = management_.engine();
    request.database = "NetDefaultDB";
    request.now = format_datetime(SystemClock().now());
    request.cluster = engine.options().name;
    request.options.activity = engine.new_id();
    read_kusto_headers(http, engine.new_id().text(), request);
    auto response = route(http, request);
    response.headers.emplace_back("x-ms-client-request-id", request.options.client_request_id);
    response.headers.emplace_back("x-ms-activity-id", request.options.activity.text());
    return response;
  }

 private:
  HttpResponse route(const HttpRequest& http, KustoRequest& request) {
    const bool get = http.method == "GET", post = http.method == "POST";
    const auto& path = http.segments;
    const auto is = [&](std::size_t at, std::string_view word) {
      return at < path.size() && path[at] == word;
    };
    if (!is(0, "v1") || !is(1, "rest")) return plain(404, "Not found");
    if (is(2, "auth") && is(3, "metadata") && path.size() == 4)
      return get ? HttpResponse{.body = std::string(kAuthMetadata)}
                 : plain(405, "Method not allowed");
    if (is(2, "mgmt") && path.size() == 3)
      return post ? manage(http, request) : plain(405, "Method not allowed");
    if (!is(2, "ingestion")) return plain(404, "Not found");
    if (is(3, "configuration") && path.size() == 4)
      return get ? HttpResponse{.body = ingestion_configuration(management_)}
                 : plain(405, "Method not allowed");
    if (!is(3, "queued")) return plain(404, "Not found");
    if (path.size() == 6 && post)
      return render(queue_blobs(management_, path[4], path[5], http.body), request);
    if (path.size() == 7 && get) {
      const auto details = http.query.find("details");
      return render(queued_state(management_, path[6],
                                 details != http.query.end() && details->second == "true"),
                    request);
    }
    return plain(path.size() == 6 || path.size() == 7 ? 405 : 404, "Not found");
  }

  HttpResponse manage(const HttpRequest& http, KustoRequest& request) {
    if (auto read = read_kusto_request(http, request); !read) return refuse(read.error(), request);
    const auto answer = management_.command(request.database, request.text, request.options);
    if (!answer) return refuse(answer.error(), request);
    return {.body = v1_command_answer(*answer)};
  }

  static HttpResponse render(const Result<std::string>& body, const KustoRequest& request) {
    if (!body) return refuse(body.error(), request);
    return {.body = *body};
  }
  static HttpResponse refuse(const Error& error, const KustoRequest& request) {
    auto failure = failure_answer(error, request);
    return {.status = failure.status, .body = std::move(failure.body)};
  }

  engine::DataManagement& management_;
};

}  // namespace

DmEndpoint::DmEndpoint(std::unique_ptr<HttpServer> server, std::string host)
    : server_(std::move(server)), host_(std::move(host)) {}
DmEndpoint::~DmEndpoint() { stop(); }

Result<std::unique_ptr<DmEndpoint>> DmEndpoint::start(engine::DataManagement& management,
                                                      const DmEndpointOptions& options) {
  HttpServerOptions http;
  http.host = options.host;
  http.port = options.port;
  http.threads = options.threads;
  http.body_bytes_max = kBodyBytesMax;
  auto face = std::make_shared<Face>(management);
  KC_TRY(auto server, HttpServer::start(std::move(http), [face](const HttpRequest& request) {
           return face->answer(request);
         }));
  return std::unique_ptr<DmEndpoint>(new DmEndpoint(std::move(server), options.host));
}

int DmEndpoint::port() const { return server_->port(); }
std::string DmEndpoint::url() const { return "http://" + host_ + ":" + std::to_string(port()); }
void DmEndpoint::stop() { server_->stop(); }

}  // namespace kc::api
