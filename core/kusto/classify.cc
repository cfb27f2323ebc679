#include "core/kusto/classify.h"

#include <algorithm>
#include <utility>

#include "core/base/redact.h"
#include "core/kusto/json_answer.h"
#include "core/net/retry.h"

namespace kc::kusto {
namespace {

constexpr int kErrorDepthMax = 64;
constexpr int kInnerErrorsMax = 8;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The word in quotes after `marker`.
std::string_view quoted_after(std::string_view text, std::string_view marker) {
  const auto at = text.find(marker);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + marker.size());
  const auto begin = text.find('\'');
  if (begin == std::string_view::npos) return {};
  const auto end = text.find('\'', begin + 1);
  return end == std::string_view::npos ? std::string_view{}
                                       : text.substr(begin + 1, end - begin - 1);
}

bool names_one_of(std::string_view name, const std::vector<std::string>& tables) {
  return std::find(tables.begin(), tables.end(), name) != tables.end();
}

// A table that does not resolve. Wordings that speak of tables only are clear; those of "table or
// column" mean a table only where the name is one that the request used as a table.
bool is_missing_table(const ServiceError& error, const std::vector<std::string>& tables) {
  if (contains(error.code, "TableNotExist") || contains(error.type, "TableNotFoundException"))
    return true;
  if (contains(error.message, "Failed to resolve table expression")) return true;
  if (const auto at = error.message.find("Failed to resolve "); at != std::string::npos) {
    const std::string_view text = std::string_view(error.message).substr(at);
    const std::string_view what = text.substr(0, text.find(" named "));
    if (contains(what, "tab") && names_one_of(quoted_after(text, " named "), tables)) return true;
  }
  const bool entity =
      contains(error.type, "EntityNotFound") || contains(error.code, "EntityNotFound");
  return entity && (contains(error.message, "'Table'") || contains(error.message, "Table '"));
}

bool is_missing_database(const ServiceError& error) {
  return contains(error.code, "DatabaseNotExist") ||
         contains(error.type, "DatabaseNotFoundException");
}

bool is_throttled(const ServiceError& error) {
  return error.type.ends_with("ThrottledException") ||
         error.type.ends_with("QuotaExceededException") || contains(error.code, "Throttl") ||
         contains(error.code, "TooManyRequests") ||
         contains(error.message, "aborted due to throttling");
}

bool is_limit(const ServiceError& error) {
  return contains(error.code, "LimitsExceeded") || contains(error.type, "LimitsExceeded") ||
         contains(error.type, "LowMemoryCondition") ||
         contains(error.message, "E_LOW_MEMORY_CONDITION") ||
         contains(error.message, "E_RUNAWAY_QUERY") ||
         contains(error.message, "E_QUERY_RESULT_SET_TOO_LARGE");
}

bool is_timeout(const ServiceError& error) {
  return contains(error.type, "TimeoutException") || contains(error.code, "Timeout");
}

bool is_semantic(const ServiceError& error) {
  return contains(error.type, "SemanticException") || contains(error.message, "Semantic error:") ||
         error.inner_code.starts_with("SEM");
}

bool is_syntax(const ServiceError& error) {
  return contains(error.code, "SyntaxError") || contains(error.type, "SyntaxException") ||
         error.inner_code.starts_with("SYN");
}

using Verdict = std::pair<ErrorKind, const char*>;

Verdict judge(const ServiceError& error, const std::vector<std::string>& tables) {
  if (is_throttled(error)) return {ErrorKind::throttled, "kusto.throttled"};
  if (is_missing_table(error, tables)) return {ErrorKind::not_found, "kusto.table_not_found"};
  if (is_missing_database(error)) return {ErrorKind::not_found, "kusto.database_not_found"};
  if (contains(error.type, "EntityNotFound") || contains(error.code, "EntityNotFound")) {
    return {ErrorKind::not_found, "kusto.not_found"};
  }
  if (contains(error.type, "RequestDenied") || contains(error.type, "Unauthorized") ||
      contains(error.code, "Forbidden") || contains(error.code, "AccessDenied")) {
    return {ErrorKind::denied, "kusto.denied"};
  }
  if (contains(error.type, "ConflictException")) return {ErrorKind::conflict, "kusto.conflict"};
  if (is_limit(error)) return {ErrorKind::unavailable, "kusto.limits_exceeded"};
  if (is_timeout(error)) return {ErrorKind::unavailable, "kusto.timeout"};
  if (error.permanent_known && !error.permanent)
    return {ErrorKind::unavailable, "kusto.unavailable"};
  if (is_syntax(error)) return {ErrorKind::invalid, "kusto.syntax"};
  if (is_semantic(error)) return {ErrorKind::invalid, "kusto.semantic"};
  return {ErrorKind::invalid, "kusto.bad_request"};
}

// A status that decides by itself, whatever the body says.
Verdict judge_status(int status, const ServiceError& error,
                     const std::vector<std::string>& tables) {
  switch (status) {
    case 401:
    case 403:
      return {ErrorKind::denied, "kusto.denied"};
    case 408:
    case 504:
      return {ErrorKind::unavailable, "kusto.timeout"};
    case 409:
      return {ErrorKind::conflict, "kusto.conflict"};
    case 412:  // the cluster is suspended
      return {ErrorKind::unavailable, "kusto.unavailable"};
    case 413:
      return {ErrorKind::invalid, "kusto.too_large"};
    case 429:
      return {ErrorKind::throttled, "kusto.throttled"};
    default:
      break;
  }
  if (status >= 500) {
    // A passing fault unless it says what it is: a server error may come after the effect, so it is
    // never permanent.
    const Verdict by_body = judge(error, tables);
    return by_body.first == ErrorKind::throttled || by_body.first == ErrorKind::unavailable
               ? by_body
               : Verdict{ErrorKind::unavailable, "kusto.unavailable"};
  }
  if (status == 404 && error.type.empty() && error.code.empty())
    return {ErrorKind::not_found, "kusto.not_found"};
  if (status >= 400) return judge(error, tables);
  if (status >= 300) return {ErrorKind::invalid, "kusto.unexpected_redirect"};
  return {ErrorKind::unavailable, "kusto.malformed_answer"};
}

Error make(Verdict verdict, const ServiceError& error) {
  Error made{
      .kind = verdict.first, .code = verdict.second, .message = clean_message(error.message)};
  made.service_code = error.inner_code.empty() ? error.code : error.inner_code;
  return made;
}

}  // namespace

std::optional<nlohmann::json> parse_json(std::string_view text, int depth_max) {
  // The depth is bounded before the parser builds anything: its values are destroyed and written
  // recursively.
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max) return std::nullopt;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

const nlohmann::json* member(const nlohmann::json& value, const char* name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

std::string text_member(const nlohmann::json& value, const char* name) {
  const nlohmann::json* found = member(value, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string{};
}

ServiceError read_service_error(const nlohmann::json& value) {
  const nlohmann::json* outer = member(value, "error");
  const nlohmann::json* error = outer != nullptr ? outer : &value;
  ServiceError read;
  read.code = text_member(*error, "code");
  read.type = text_member(*error, "@type");
  read.message = text_member(*error, "@message");
  if (read.message.empty()) read.message = text_member(*error, "message");
  if (const nlohmann::json* permanent = member(*error, "@permanent");
      permanent != nullptr && permanent->is_boolean()) {
    read.permanent_known = true;
    read.permanent = permanent->get<bool>();
  }
  // The innermost error knows best what went wrong; its type may be the only one that says so.
  for (int i = 0; i < kInnerErrorsMax; ++i) {
    error = member(*error, "innererror");
    if (error == nullptr) break;
    const std::string code = text_member(*error, "@errorCode");
    read.inner_code = code.empty() ? text_member(*error, "code") : code;
    if (const std::string type = text_member(*error, "@type"); !type.empty()) read.type = type;
    std::string message = text_member(*error, "@message");
    if (message.empty()) message = text_member(*error, "message");
    if (!message.empty() && !contains(read.message, message))
      read.message += (read.message.empty() ? "" : ": ") + message;
  }
  return read;
}

Error classify(const ServiceError& error, const std::vector<std::string>& tables) {
  return make(judge(error, tables), error);
}

Error classify(const net::HttpAnswer& answer, const std::vector<std::string>& tables, Ticks now) {
  ServiceError error;
  const auto json = parse_json(answer.body, kErrorDepthMax);
  if (json && json->is_object()) error = read_service_error(*json);
  if (error.message.empty() && !json) {
    error.message = answer.body.substr(0, kErrorMessageBytesMax);
    // Text bodies begin with the code: `General_BadRequest: …`.
    const auto colon = error.message.find(':');
    if (colon != std::string::npos &&
        error.message.substr(0, colon).find_first_of(" <\r\n") == std::string::npos) {
      error.code = error.message.substr(0, colon);
    }
  }
  if (error.message.empty()) error.message = "no reason was given";
  Error made = make(judge_status(answer.status, error, tables), error);
  made.message = "HTTP " + std::to_string(answer.status) + ": " + made.message;
  if (const auto wait = net::retry_after(answer, now); wait && *wait <= net::kRetryAfterMax)
    made.retry_after = wait->to_milliseconds();
  return made;
}

void hide_token(net::HttpAnswer& answer, std::string_view token) {
  if (answer.status == net::kStatusOk || token.empty()) return;
  for (std::size_t at = 0; (at = answer.body.find(token, at)) != std::string::npos;)
    answer.body.replace(at, token.size(), kRedacted);
}

Error malformed_answer(const std::string& what) {
  return {.kind = ErrorKind::unavailable,
          .code = "kusto.malformed_answer",
          .message = "the answer cannot be read: " + what};
}

std::string clean_message(std::string_view text) {
  std::string clean = redact(text.substr(0, 4 * kErrorMessageBytesMax));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (clean.size() > kErrorMessageBytesMax) {
    std::size_t end = kErrorMessageBytesMax;
    while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xc0) == 0x80)
      --end;  // not inside a character
    clean.resize(end);
    clean += "…";
  }
  return clean;
}

}  // namespace kc::kusto
