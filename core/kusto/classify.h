// Where an error of a cluster becomes an Error: once, here. Kinds say what to do next. Used by
// rest_kusto and by result_table. Thread promise: pure functions.
//
// Codes: kusto.table_not_found, kusto.database_not_found, kusto.not_found, kusto.throttled,
// kusto.denied, kusto.conflict, kusto.syntax, kusto.semantic, kusto.bad_request, kusto.too_large,
// kusto.timeout, kusto.limits_exceeded, kusto.unavailable, kusto.unexpected_redirect,
// kusto.malformed_answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/net/transport.h"

namespace kc::kusto {

inline constexpr std::size_t kErrorMessageBytesMax = 2000;

// What a OneApiError says (protocol reference §1.6).
struct ServiceError {
  std::string code;        // General_BadRequest
  std::string type;        // Kusto.Data.Exceptions.…
  std::string message;     // `@message` if there is one
  std::string inner_code;  // SEM0100, …
  bool permanent = false;
  bool permanent_known = false;
};

// Of an answer whose status is not 200. `tables` are the names in the request: a name that does not
// resolve is a missing table only if it is one of them. `now` is for a `Retry-After` that is a
// date.
Error classify(const net::HttpAnswer& answer, const std::vector<std::string>& tables, Ticks now);

// Of an error inside an HTTP 200.
Error classify(const ServiceError& error, const std::vector<std::string>& tables);

// Before an answer that is no success is read: a cluster that repeats the token that it was sent
// must not bring it into a message.
void hide_token(net::HttpAnswer& answer, std::string_view token);

Error malformed_answer(const std::string& what);

// Without secrets and control characters, and bounded.
std::string clean_message(std::string_view text);

}  // namespace kc::kusto
