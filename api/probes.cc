#include "api/probes.h"

#include "api/problem.h"
#include "core/service/copy_service.h"
#include "kc_api_embedded.h"

namespace kc::api {

HttpResponse get_liveness(Exchange&) { return {.body = "{\"status\":\"ok\"}\n"}; }

HttpResponse get_readiness(Exchange& exchange) {
  if (auto ready = exchange.service.ready(); !ready) {
    return problem(ready.error(), exchange.instance(), exchange.request_id);
  }
  return {.body = "{\"status\":\"ready\"}\n"};
}

// The text format of Prometheus, which names its version in the content type.
HttpResponse get_metrics(Exchange& exchange) {
  std::string text =
      "# HELP kusto_copy_ready Whether the server takes wishes now.\n"
      "# TYPE kusto_copy_ready gauge\n";
  text += std::string("kusto_copy_ready ") + (exchange.service.ready() ? "1" : "0") + "\n";
  if (exchange.metrics) text += exchange.metrics();
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)};
}

HttpResponse get_openapi(Exchange&) {
  return {.content_type = "application/yaml", .body = std::string(embedded_file("openapi.yaml"))};
}

}  // namespace kc::api
