// Which exception of the service an error is, and its OneApiError body.
#include <algorithm>

#include "api/kusto_endpoint_answer.h"
#include "core/base/json.h"

namespace kc::api {
namespace {

using nlohmann::ordered_json;

struct Exception {
  std::string_view code;  // empty: the error's own service code
  std::string_view type;
  int status;
  bool permanent;
};

constexpr std::string_view kData = "Kusto.Data.Exceptions.";
constexpr std::string_view kNode = "Kusto.DataNode.Exceptions.";
constexpr std::string_view kService = "Kusto.Common.Svc.Exceptions.";

struct KnownException {
  std::string_view service_code;  // a trailing `*`: all that begin so
  std::string_view space;
  Exception exception;
};

// In the order of matching.
constexpr KnownException kKnown[] = {
    {"ControlCommandThrottled",
     kService,
     {"TooManyRequests", "ControlCommandThrottledException", 429, false}},
    {"QueryThrottled", kService, {"TooManyRequests", "QueryThrottledException", 429, false}},
    {"LimitsExceeded",
     kData,
     {"LimitsExceeded", "KustoServicePartialQueryFailureLimitsExceededException", 400, false}},
    {"LowMemoryCondition",
     kData,
     {"LowMemoryCondition", "KustoServicePartialQueryFailureLowMemoryConditionException", 400,
      false}},
    {"Timeout", kData, {"Timeout", "KustoServiceTimeoutException", 504, false}},
    {"Unauthorized", kData, {"Unauthorized", "KustoRequestAuthenticationException", 401, true}},
    {"PayloadTooLarge",
     kData,
     {"PayloadTooLarge", "KustoRequestPayloadTooLargeException", 413, true}},
    {"Stream_InputStreamTooLarge", kData, {"", "KustoRequestPayloadTooLargeException", 413, true}},
    {"BadRequest_DatabaseNotExist", kData, {"", "DatabaseNotFoundException", 400, true}},
    {"BadRequest_TableNotExist", kData, {"", "TableNotFoundException", 400, true}},
    {"BadRequest_EntityNotFound", kData, {"", "EntityNotFoundException", 400, true}},
    {"BadRequest_EntityNameIsNotValid", kData, {"", "EntityNameIsNotValidException", 400, true}},
    {"BadRequest_MappingReferenceWasNotFound", kData, {"", "MappingNotFoundException", 400, true}},
    {"BadRequest_InvalidMapping", kData, {"", "MappingNotValidException", 400, true}},
    {"BadRequest_DuplicateMapping", kData, {"", "DuplicateMappingException", 400, true}},
    {"BadRequest_FormatNotSupported", kData, {"", "FormatNotSupportedException", 400, true}},
    {"BadRequest_MalformedIngestionProperty",
     kData,
     {"", "MalformedIngestionPropertyException", 400, true}},
    {"BadRequest_StreamingIngestionPolicyNotEnabled",
     kNode,
     {"", "StreamingIngestionPolicyNotEnabledException", 400, true}},
    {"SYN0003", kData, {"BadRequest_SyntaxError", "InvalidLiteralFormatException", 400, true}},
    {"SYN0004", kData, {"BadRequest_SyntaxError", "InvalidLiteralFormatException", 400, true}},
    {"SYN*", kData, {"BadRequest_SyntaxError", "SyntaxException", 400, true}},
    {"SEM*", kData, {"General_BadRequest", "SemanticException", 400, true}},
    {"General_InternalServerError", kNode, {"", "InternalServerErrorException", 520, false}},
    {"General_TransientSchemaMismatch", kData, {"", "KustoBadRequestException", 400, false}},
    {"General_ThrottledIngestion", kData, {"", "KustoRequestThrottledException", 429, false}},
    {"Download_UnknownError", kData, {"", "KustoBadRequestException", 400, false}},
    {"Download_TransientNameResolutionFailure",
     kData,
     {"", "KustoBadRequestException", 400, false}},
};

bool matches(std::string_view pattern, std::string_view code) {
  if (pattern.ends_with('*')) return code.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == code;
}

struct Described {
  std::string code, type;
  int status;
  bool permanent;
};

Described by_kind(const Error& error) {
  const auto own = [&](std::string_view standard) {
    return error.service_code.empty() ? std::string(standard) : error.service_code;
  };
  const auto data = [](std::string_view type) { return std::string(kData) + std::string(type); };
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::not_found:
      return {own("General_BadRequest"), data("KustoBadRequestException"), 400, true};
    case ErrorKind::conflict:
      return {own("Conflict"), data("KustoConflictException"), 409, true};
    case ErrorKind::denied:
      return {own("Forbidden"), data("KustoRequestDeniedException"), 403, true};
    case ErrorKind::throttled:
      return {own("TooManyRequests"), data("KustoRequestThrottledException"), 429, false};
    case ErrorKind::cancelled:
      return {own("ServiceUnavailable"), data("KustoServiceUnavailableException"), 503, false};
    default:
      return {own("General_InternalServerError"),
              std::string(kNode) + "InternalServerErrorException", 520, false};
  }
}

Described describe(const Error& error) {
  for (const auto& known : kKnown) {
    if (!matches(known.service_code, error.service_code)) continue;
    const auto& exception = known.exception;
    return {exception.code.empty() ? error.service_code : std::string(exception.code),
            std::string(known.space) + std::string(exception.type), exception.status,
            exception.permanent};
  }
  return by_kind(error);
}

std::string_view general_message(int status) {
  switch (status) {
    case 401:
      return "The request is not authenticated.";
    case 403:
      return "The request is denied.";
    case 409:
      return "The request conflicts with the state of the service.";
    case 413:
      return "The request is too large.";
    case 429:
      return "The request was throttled.";
    case 503:
    case 520:
      return "The request failed inside the service.";
    case 504:
      return "The request ran out of time.";
    default:
      return "Request is invalid and cannot be executed.";
  }
}

// Clients look for these words.
std::string language_message(const Error& error) {
  const bool semantic = error.service_code.starts_with("SEM");
  const std::string_view word = semantic ? "Semantic error: " : "Syntax error: ";
  if (error.message.find(word) != std::string::npos) return error.message;
  std::string message(word);
  if (error.message.find(error.service_code) == std::string::npos)
    message += error.service_code + ": ";
  return message + error.message;
}

ordered_json error_json(const Error& error, const KustoRequest& request) {
  const auto how = describe(error);
  const auto activity = request.options.activity.text();
  const ordered_json context = {{"timestamp", request.now},
                                {"serviceAlias", request.cluster},
                                {"machineName", "KEngine000000"},
                                {"processName", "Kusto.WinSvc.Svc"},
                                {"processId", 1},
                                {"threadId", 1},
                                {"clientRequestId", request.options.client_request_id},
                                {"activityId", activity},
                                {"subActivityId", activity},
                                {"activityType", "GW.Http.CallContext"},
                                {"parentActivityId", activity},
                                {"activityStack", ""}};
  const bool language =
      error.service_code.starts_with("SEM") || error.service_code.starts_with("SYN");
  const auto inner = language ? language_message(error) : error.message;
  ordered_json json = {
      {"code", how.code},
      {"message", general_message(how.status)},
      {"@type", language ? "Kusto.Data.Exceptions.KustoBadRequestException" : how.type},
      {"@message", language ? "Request is invalid and cannot be processed: " + inner : inner},
      {"@context", context},
      {"@permanent", how.permanent},
      {"@text", request.text},
      {"@database", request.database},
      {"@ClientRequestLogger", ""}};
  if (language) {
    json["innererror"] = {{"code", error.service_code},
                          {"message", inner},
                          {"@type", how.type},
                          {"@message", inner},
                          {"@context", context},
                          {"@permanent", true},
                          {"@errorCode", error.service_code},
                          {"@errorMessage", inner}};
  }
  return ordered_json{{"error", json}};
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string one_api_error(const Error& error, const KustoRequest& request) {
  return dump(error_json(error, request));
}

KustoFailure failure_answer(const Error& error, const KustoRequest& request) {
  return {describe(error).status, one_api_error(error, request)};
}

}  // namespace kc::api
