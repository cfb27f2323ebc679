// Errors as RFC 9457 problem documents, and the one list of codes that this API can answer with.
// Used by every handler. Thread promise: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_server.h"
#include "core/base/result.h"

namespace kc::api {

struct ErrorCode {
  std::string_view code;  // stable, never renamed
  int status = 400;
  bool retryable = false;
  std::string_view title;
};
// Sorted by code; the contract tests hold openapi.yaml to it.
std::span<const ErrorCode> error_codes();

// One thing wrong with a request: where it is in the body (a JSON pointer) or which parameter or
// header.
struct FieldError {
  std::string code;
  std::string pointer;    // "/tablesInclude/2"; "" is the whole body
  std::string parameter;  // instead of the pointer
  std::string detail;
};

HttpResponse problem(const Error& error, std::string_view instance, std::string_view request_id);
// All that is wrong with one request, at least one. The first of those with the lowest status names
// the whole.
HttpResponse problem(const std::vector<FieldError>& errors, std::string_view instance,
                     std::string_view request_id);
// What the HTTP server refuses by itself: no request id exists yet.
HttpResponse refusal(int status, const Error& error);

}  // namespace kc::api
