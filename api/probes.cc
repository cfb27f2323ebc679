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

HttpResponse get_openapi(Exchange&) {
  return {.content_type = "application/yaml", .body = std::string(embedded_file("openapi.yaml"))};
}

}  // namespace kc::api
