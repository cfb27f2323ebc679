#include "api/problem.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::api {

namespace {

using nlohmann::ordered_json;

constexpr std::array kCodes{
    ErrorCode{"api_version.unsupported", 400, false, "This API version is not spoken here"},
    ErrorCode{"auth.forbidden", 403, false, "This caller may not do that"},
    ErrorCode{"duration.invalid", 400, false, "A duration cannot be read"},
    ErrorCode{"idempotency.in_progress", 409, true,
              "The first request with this key is still being answered"},
    ErrorCode{"idempotency.key_invalid", 400, false, "The Idempotency-Key cannot be used"},
    ErrorCode{"idempotency.key_reused", 422, false,
              "The Idempotency-Key belongs to another request"},
    ErrorCode{"internal", 500, true, "This request met a fault of the server"},
    ErrorCode{"job.exists", 409, false, "A job with this id exists"},
    ErrorCode{"job.not_found", 404, false, "No such job"},
    ErrorCode{"job.state_conflict", 409, false, "The job's state does not allow that"},
    ErrorCode{"job.unsupported", 422, false, "This version cannot do that"},
    ErrorCode{"page_token.invalid", 400, false, "The page token cannot be read"},
    ErrorCode{"page_token.mismatch", 400, false, "The page token belongs to another query"},
    ErrorCode{"request.duplicate_field", 400, false, "A field is given twice"},
    ErrorCode{"request.expectation_failed", 417, false, "The expectation cannot be met"},
    ErrorCode{"request.headers_too_large", 431, false, "The head of the request is too large"},
    ErrorCode{"request.http_version", 505, false, "This HTTP version is not spoken here"},
    ErrorCode{"request.invalid_field", 400, false, "A field has a value that it cannot have"},
    ErrorCode{"request.invalid_parameter", 400, false,
              "A parameter has a value that it cannot have"},
    ErrorCode{"request.malformed", 400, false, "The request cannot be read"},
    ErrorCode{"request.malformed_json", 400, false, "The body is not JSON"},
    ErrorCode{"request.method_not_allowed", 405, false, "This path does not know this method"},
    ErrorCode{"request.missing_field", 400, false, "A required field is missing"},
    ErrorCode{"request.not_acceptable", 406, false, "Nothing the client accepts can be given"},
    ErrorCode{"request.path_not_found", 404, false, "Nothing is at this path"},
    ErrorCode{"request.timeout", 408, true, "The request came too slowly"},
    ErrorCode{"request.too_large", 413, false, "The body is too large"},
    ErrorCode{"request.unknown_field", 400, false, "A field is not known"},
    ErrorCode{"request.unknown_parameter", 400, false, "A parameter is not known"},
    ErrorCode{"request.unsupported_media_type", 415, false, "The body's content type is not JSON"},
    ErrorCode{"request.uri_too_long", 414, false, "The request target is too long"},
    ErrorCode{"server.not_ready", 503, true, "The server is not ready"},
    ErrorCode{"server.overloaded", 503, true, "The server is busy"},
    ErrorCode{"server.shutting_down", 503, true, "The server is stopping"},
    ErrorCode{"slots.invalid", 400, false, "A number of slots cannot be read"},
    ErrorCode{"store.busy", 503, true, "The database is held by another process"},
    ErrorCode{"store.corrupt", 503, false, "The database is damaged"},
    ErrorCode{"store.full", 503, true, "The database's disk is full"},
    ErrorCode{"store.unreachable", 503, true, "The database cannot be used"},
};

const ErrorCode& find_code(std::string_view code) {
  const auto at = std::lower_bound(
      kCodes.begin(), kCodes.end(), code,
      [](const ErrorCode& each, std::string_view wanted) { return each.code < wanted; });
  if (at != kCodes.end() && at->code == code) return *at;
  return find_code("internal");
}

ordered_json document(const ErrorCode& code, std::string_view detail, std::string_view instance,
                      std::string_view request_id) {
  ordered_json body;
  body["type"] = "urn:kusto-copy:error:" + std::string(code.code);
  body["title"] = code.title;
  body["status"] = code.status;
  body["code"] = code.code;
  body["detail"] = redact(detail);
  body["instance"] = instance;
  body["requestId"] = request_id.empty() ? ordered_json(nullptr) : ordered_json(request_id);
  body["retryable"] = code.retryable;
  body["retryAfterSeconds"] = code.retryable ? ordered_json(1) : ordered_json(nullptr);
  return body;
}

HttpResponse respond(const ErrorCode& code, const ordered_json& body) {
  HttpResponse response;
  response.status = code.status;
  response.content_type = "application/problem+json";
  response.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  if (code.retryable) response.headers.emplace_back("Retry-After", "1");
  return response;
}

ordered_json fix_of(const Error& error) {
  return error.fix.empty() ? ordered_json(nullptr) : ordered_json(redact(error.fix));
}

}  // namespace

std::span<const ErrorCode> error_codes() { return kCodes; }

HttpResponse problem(const Error& error, std::string_view instance, std::string_view request_id) {
  const auto& code = find_code(error.code);
  // A code that is not in the list is our own fault, and its words are not for strangers.
  auto body =
      document(code, code.code == error.code ? error.message : code.title, instance, request_id);
  body["errors"] = ordered_json::array();
  body["fix"] = fix_of(error);
  return respond(code, body);
}

HttpResponse problem(const std::vector<FieldError>& errors, std::string_view instance,
                     std::string_view request_id) {
  KC_ASSERT(!errors.empty());
  const auto first =
      std::min_element(errors.begin(), errors.end(), [](const FieldError& a, const FieldError& b) {
        return find_code(a.code).status < find_code(b.code).status;
      });
  const auto& code = find_code(first->code);
  const auto detail = errors.size() == 1 ? first->detail
                                         : std::to_string(errors.size()) +
                                               " things are wrong; the first: " + first->detail;
  auto body = document(code, detail, instance, request_id);
  body["errors"] = ordered_json::array();
  for (const auto& each : errors) {
    ordered_json entry{{"code", each.code}};
    if (each.parameter.empty()) {
      entry["pointer"] = each.pointer;
    } else {
      entry["parameter"] = each.parameter;
    }
    entry["detail"] = redact(each.detail);
    body["errors"].push_back(std::move(entry));
  }
  body["fix"] = nullptr;
  return respond(code, body);
}

HttpResponse refusal(int status, const Error& error) {
  auto response = problem(error, "", "");
  KC_ASSERT(response.status == status, error.code);
  return response;
}

}  // namespace kc::api
