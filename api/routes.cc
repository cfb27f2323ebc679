#include "api/routes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "api/http_head.h"
#include "api/jobs.h"
#include "api/probes.h"
#include "api/problem.h"
#include "api/progress.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace kc::api {

namespace {

constexpr std::array<std::string_view, 3> kListParameters{"state", "pageSize", "pageToken"};

constexpr std::array kRoutes{
    Route{"POST", "/v1/jobs", "createJob", create_job},
    Route{"GET", "/v1/jobs", "listJobs", list_jobs, "application/json", kListParameters},
    Route{"GET", "/v1/jobs/{id}", "getJob", get_job},
    Route{"GET", "/v1/jobs/{id}/progress", "getJobProgress", get_progress},
    Route{"POST", "/v1/jobs/{id}/cancel", "cancelJob", cancel_job},
    Route{"GET", "/livez", "getLiveness", get_liveness},
    Route{"GET", "/readyz", "getReadiness", get_readiness},
    Route{"GET", "/metrics", "getMetrics", get_metrics, "text/plain"},
    Route{"GET", "/openapi.yaml", "getOpenApi", get_openapi, "application/yaml"},
};

constexpr std::size_t kRequestIdMax = 128;

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(mark);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// True where the path fits the template; the segment in place of `{id}` goes to `id`.
bool fits(std::string_view pattern, const std::vector<std::string>& segments, std::string& id) {
  const auto wanted = split(pattern.substr(1), '/');
  if (wanted.size() != segments.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{id}") {
      id = segments[i];
    } else if (wanted[i] != segments[i]) {
      return false;
    }
  }
  return true;
}

bool accepts(const HttpRequest& request, std::string_view type) {
  const auto range = request.headers.equal_range("accept");
  if (range.first == range.second) return true;
  const auto family = std::string(type.substr(0, type.find('/'))) + "/*";
  for (auto at = range.first; at != range.second; ++at) {
    for (const auto each : split(at->second, ',')) {
      const auto parts = split(each, ';');
      const auto name = lower(trim(parts[0]));
      const bool refused = std::any_of(parts.begin() + 1, parts.end(), [](auto part) {
        const auto quality = trim(part);
        return quality == "q=0" || quality == "q=0.0" || quality == "q=0.00" ||
               quality == "q=0.000";
      });
      if (!refused && (name.empty() || name == "*/*" || name == family || name == type))
        return true;
    }
  }
  return false;
}

FieldError parameter_error(std::string code, std::string name, std::string detail) {
  return {std::move(code), "", std::move(name), std::move(detail)};
}

std::vector<FieldError> check_query(const Route& route, const HttpRequest& request) {
  std::vector<FieldError> errors;
  for (const auto& [name, value] : request.query) {
    if (name == "api-version") {
      if (value == kApiVersion) continue;
      errors.push_back(
          parameter_error("api_version.unsupported", name,
                          "this server speaks api-version " + std::string(kApiVersion) + " only"));
    } else if (std::find(route.parameters.begin(), route.parameters.end(), name) ==
               route.parameters.end()) {
      errors.push_back(parameter_error("request.unknown_parameter", name.substr(0, 64),
                                       "parameter '" + name.substr(0, 64) + "' is not known here"));
    } else if (request.query.count(name) > 1) {
      errors.push_back(parameter_error("request.invalid_parameter", name,
                                       "parameter '" + name + "' is given more than once"));
    }
  }
  return errors;
}

// A page of another origin must not send wishes with a browser's help: a browser says where such a
// request comes from.
bool from_another_origin(const HttpRequest& request) {
  const auto* origin = request.header("origin");
  const auto* host = request.header("host");
  if (origin == nullptr) return false;
  const auto at = origin->find("://");
  return at == std::string::npos || host == nullptr ||
         lower(origin->substr(at + 3)) != lower(*host);
}

bool is_json(const HttpRequest& request) {
  const auto* type = request.header("content-type");
  return type != nullptr && lower(trim(split(*type, ';')[0])) == "application/json";
}

std::string allowed(const std::vector<std::string_view>& methods) {
  std::string out = "OPTIONS";
  for (const auto method : methods) {
    out += ", " + std::string(method);
    if (method == "GET") out += ", HEAD";
  }
  return out;
}

Error invalid(std::string code, std::string message) {
  return {.kind = ErrorKind::invalid, .code = std::move(code), .message = std::move(message)};
}

HttpResponse run(const Route& route, Exchange& exchange) {
  const auto& request = exchange.request;
  const auto refuse = [&](const Error& error) {
    return problem(error, exchange.instance(), exchange.request_id);
  };
  if (route.method == "POST" && from_another_origin(request)) {
    return refuse({.kind = ErrorKind::denied,
                   .code = "auth.forbidden",
                   .message = "a page of another origin may not ask for this"});
  }
  const bool body =
      route.method == "POST" && (!request.body.empty() || route.operation_id == "createJob");
  if (body && !is_json(request)) {
    auto error = invalid("request.unsupported_media_type",
                         "the body must come as Content-Type: application/json");
    error.fix = "with curl, use --json instead of -d";
    return refuse(error);
  }
  if (!accepts(request, route.answers)) {
    return refuse(invalid("request.not_acceptable",
                          "this answer comes as " + std::string(route.answers) + " only"));
  }
  if (auto errors = check_query(route, request); !errors.empty()) {
    return problem(errors, exchange.instance(), exchange.request_id);
  }
  return route.handle(exchange);
}

HttpResponse dispatch(Exchange& exchange) {
  const auto& request = exchange.request;
  const auto method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  std::vector<std::string_view> methods;
  for (const auto& route : kRoutes) {
    if (!fits(route.path, request.segments, exchange.id)) continue;
    if (route.method == method) return run(route, exchange);
    methods.push_back(route.method);
  }
  if (methods.empty()) {
    return problem(Error{.kind = ErrorKind::not_found,
                         .code = "request.path_not_found",
                         .message = "nothing is at this path"},
                   exchange.instance(), exchange.request_id);
  }
  HttpResponse response{.status = 204};
  if (request.method != "OPTIONS") {
    response = problem(
        invalid("request.method_not_allowed", "this path knows " + allowed(methods) + " only"),
        exchange.instance(), exchange.request_id);
  }
  response.headers.emplace_back("Allow", allowed(methods));
  return response;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

// The client's own, where it is harmless; ours otherwise.
std::string Api::request_id(const HttpRequest& request) {
  const auto* given = request.header("x-request-id");
  const bool usable =
      given != nullptr && !given->empty() && given->size() <= kRequestIdMax &&
      std::all_of(given->begin(), given->end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
      });
  if (usable) return *given;
  return rng_.with([](Rng& rng) { return Uuid::random(rng).text(); });
}

HttpResponse Api::handle(const HttpRequest& request) {
  Exchange exchange{service_, request, metrics_, request_id(request), {}};
  auto response = dispatch(exchange);
  response.headers.emplace_back("X-Request-Id", exchange.request_id);
  response.headers.emplace_back("Api-Version", std::string(kApiVersion));
  if (std::none_of(response.headers.begin(), response.headers.end(),
                   [](const auto& h) { return h.first == "Cache-Control"; })) {
    response.headers.emplace_back("Cache-Control", "no-store");
  }
  return response;
}

}  // namespace kc::api
