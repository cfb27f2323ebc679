// The table of endpoints, and the way of a request through it: one line per endpoint, everything
// that is common to all of them (request id, versions, methods, content types) in one place. Used
// by server/app and the contract tests. Thread promise: Api::handle is safe from any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/http_server.h"
#include "core/base/guarded.h"
#include "core/base/rng.h"

namespace kc::service {
class CopyService;
}

namespace kc::api {

inline constexpr std::string_view kApiVersion = "2026-10-01";

// What a handler is given.
struct Exchange {
  service::CopyService& service;
  const HttpRequest& request;
  const std::function<std::string()>& metrics;  // of the process; may be empty
  std::string request_id;
  std::string id;  // of the path's {id}; empty where there is none

  std::string_view instance() const { return request.path; }
};

struct Route {
  std::string_view method;
  std::string_view path;          // template: "/v1/jobs/{id}"
  std::string_view operation_id;  // as in openapi.yaml
  HttpResponse (*handle)(Exchange&);
  std::string_view answers = "application/json";      // the media type of its success
  std::span<const std::string_view> parameters = {};  // of the query, beside api-version
};
std::span<const Route> routes();

class Api {
 public:
  // `service` outlives it. `metrics` adds lines in Prometheus' text format to those of /metrics.
  Api(service::CopyService& service, Rng rng, std::function<std::string()> metrics = {})
      : service_(service), rng_(rng), metrics_(std::move(metrics)) {}
  HttpResponse handle(const HttpRequest& request);

 private:
  std::string request_id(const HttpRequest& request);
  service::CopyService& service_;
  Guarded<Rng> rng_;
  const std::function<std::string()> metrics_;
};

}  // namespace kc::api
