#include "core/kusto/classify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kc::kusto {
namespace {

const Ticks kNow = *parse_datetime("2026-11-18T11:00:00Z");

using testing::HasSubstr;
using testing::Not;

// An error body as the service writes it (protocol reference §1.6).
std::string body(const std::string& code, const std::string& type, const std::string& message,
                 const char* permanent = "true", const std::string& inner = "null") {
  return R"({"error":{"code":")" + code +
         R"(","message":"Request is invalid.","@type":"Kusto.Data.Exceptions.)" + type +
         R"(","@message":")" + message + R"(","@context":{"clientRequestId":"x"},"@permanent":)" +
         permanent + R"(,"innererror":)" + inner + "}}";
}

std::string semantic(const std::string& message) {
  return body(
      "General_BadRequest", "KustoBadRequestException", "Request is invalid", "true",
      R"({"code":"SEM0100","@type":"Kusto.Data.Exceptions.SemanticException","@message":"Semantic error: SEM0100: )" +
          message + R"(","@errorCode":"SEM0100","@permanent":true})");
}

struct Case {
  int status;
  std::string body;
  ErrorKind kind;
  const char* code;
};

TEST(Classify, ErrorsOfTheServiceBecomeKinds) {
  const Case cases[] = {
      {400, body("General_BadRequest", "KustoBadRequestException", "no"), ErrorKind::invalid,
       "kusto.bad_request"},
      {400, body("BadRequest_SyntaxError", "SyntaxException", "no"), ErrorKind::invalid,
       "kusto.syntax"},
      {400, semantic("'project' operator: Failed to resolve scalar expression named 'c'"),
       ErrorKind::invalid, "kusto.semantic"},
      {400, semantic("'table' operator: Failed to resolve table expression named 'Other'"),
       ErrorKind::not_found, "kusto.table_not_found"},
      {400, semantic("'where' operator: Failed to resolve table or column expression named 'T'"),
       ErrorKind::not_found, "kusto.table_not_found"},
      {400, semantic("'where' operator: Failed to resolve table or column expression named 'c'"),
       ErrorKind::invalid, "kusto.semantic"},
      {400,
       semantic("Failed to resolve the table or tabular expression named 'T' [line:position=1:2]"),
       ErrorKind::not_found, "kusto.table_not_found"},
      {400, semantic("'project' operator: Failed to resolve scalar expression named 'T'"),
       ErrorKind::invalid, "kusto.semantic"},
      {400, body("BadRequest_TableNotExist", "TableNotFoundException", "no"), ErrorKind::not_found,
       "kusto.table_not_found"},
      {400, body("BadRequest_DatabaseNotExist", "DatabaseNotFoundException", "no"),
       ErrorKind::not_found, "kusto.database_not_found"},
      {400,
       body("General_BadRequest", "EntityNotFoundInContainerException",
            "Entity ID 'T' of kind 'Table' was not found."),
       ErrorKind::not_found, "kusto.table_not_found"},
      {400,
       body("BadRequest_EntityNotFound", "EntityNotFoundException",
            "Entity ID 'F' of kind 'Function' was not found."),
       ErrorKind::not_found, "kusto.not_found"},
      {400,
       body("General_BadRequest", "KustoServicePartialQueryFailureLowMemoryConditionException",
            "no", "false"),
       ErrorKind::unavailable, "kusto.limits_exceeded"},
      {400,
       body("LimitsExceeded", "KustoServicePartialQueryFailureLimitsExceededException", "80DA0003",
            "false"),
       ErrorKind::unavailable, "kusto.limits_exceeded"},
      {400, body("General_InternalServerError", "SomeException", "no", "false"),
       ErrorKind::unavailable, "kusto.unavailable"},
      {401, "", ErrorKind::denied, "kusto.denied"},
      {403, body("Forbidden", "KustoRequestDeniedException", "no"), ErrorKind::denied,
       "kusto.denied"},
      {404, "", ErrorKind::not_found, "kusto.not_found"},
      {408, "", ErrorKind::unavailable, "kusto.timeout"},
      {409, body("Conflict", "KustoConflictException", "no"), ErrorKind::conflict,
       "kusto.conflict"},
      {412, "", ErrorKind::unavailable, "kusto.unavailable"},
      {413, "", ErrorKind::invalid, "kusto.too_large"},
      {429, "", ErrorKind::throttled, "kusto.throttled"},
      {429,
       body("TooManyRequests", "ControlCommandThrottledException", "aborted due to throttling",
            "false"),
       ErrorKind::throttled, "kusto.throttled"},
      {400, body("General_BadRequest", "QuotaExceededException", "no", "false"),
       ErrorKind::throttled, "kusto.throttled"},
      {500, body("General_InternalServerError", "SomeException", "no", "true"),
       ErrorKind::unavailable, "kusto.unavailable"},
      {502, "<html>Bad gateway</html>", ErrorKind::unavailable, "kusto.unavailable"},
      {503, "", ErrorKind::unavailable, "kusto.unavailable"},
      {504, body("Timeout", "KustoServiceTimeoutException", "no", "false"), ErrorKind::unavailable,
       "kusto.timeout"},
      {520, body("ServiceError", "SomeException", "no", "true"), ErrorKind::unavailable,
       "kusto.unavailable"},
      // A server error may follow the effect: however permanent its body, it is never "it did not
      // happen".
      {500, body("BadRequest_SyntaxError", "SyntaxException", "no"), ErrorKind::unavailable,
       "kusto.unavailable"},
      {302, "", ErrorKind::invalid, "kusto.unexpected_redirect"},
      {204, "", ErrorKind::unavailable, "kusto.malformed_answer"},
      {400, "{\"error\":[]}", ErrorKind::invalid, "kusto.bad_request"},
      {400, "{", ErrorKind::invalid, "kusto.bad_request"},
      {400, "General_BadRequest: Request is invalid and cannot be executed.\nError details:\n",
       ErrorKind::invalid, "kusto.bad_request"},
  };
  for (const Case& one : cases) {
    const Error error =
        classify({.status = one.status, .headers = {}, .body = one.body}, {"T"}, kNow);
    EXPECT_EQ(error.kind, one.kind) << one.status << one.body;
    EXPECT_EQ(error.code, one.code) << one.status << one.body;
    EXPECT_FALSE(error.message.empty());
  }
}

TEST(Classify, KeepsTheServiceCodeAndTheUsefulMessage) {
  const Error error =
      classify({.status = 400, .headers = {}, .body = semantic("no such column 'c'")}, {}, kNow);
  EXPECT_EQ(error.service_code, "SEM0100");
  EXPECT_THAT(error.message, HasSubstr("no such column 'c'"));
  const Error text = classify(
      {.status = 400, .headers = {}, .body = "General_BadRequest: no\nError details:"}, {}, kNow);
  EXPECT_EQ(text.service_code, "General_BadRequest");
}

TEST(Classify, HonoursRetryAfter) {
  const auto wait = [](const char* value) {
    return classify({.status = 429, .headers = {{"retry-after", value}}, .body = ""}, {}, kNow)
        .retry_after;
  };
  EXPECT_EQ(wait("7"), std::chrono::seconds(7));
  EXPECT_EQ(wait("Wed, 18 Nov 2026 11:00:09 GMT"), std::chrono::seconds(9));
  EXPECT_EQ(wait("Wed, 18 Nov 2026 10:00:00 GMT"), std::chrono::seconds(0));
  EXPECT_EQ(wait("-7"), std::nullopt);
  EXPECT_EQ(wait("99999999999"), std::nullopt);
  EXPECT_EQ(wait("Wed, 18 Nov 2099 11:00:09 GMT"), std::nullopt);
  EXPECT_EQ(wait("soon"), std::nullopt);
}

TEST(Classify, MessagesAreBoundedAndHoldNoSecret) {
  const Error error = classify(
      {.status = 400,
       .headers = {},
       .body =
           body("General_BadRequest", "KustoBadRequestException",
                "cannot write https://a.blob.core.windows.net/c/x?sv=2024&sig=s3cretsignature%2B "
                "and h'https://x;s3cretkey'")},
      {}, kNow);
  EXPECT_THAT(error.message, Not(HasSubstr("s3cret")));
  const Error large =
      classify({.status = 400, .headers = {}, .body = std::string(1 << 20, 'x')}, {}, kNow);
  EXPECT_LE(large.message.size(), kErrorMessageBytesMax + 20);
  const Error lines = classify({.status = 400, .headers = {}, .body = "a\nb\x01"}, {}, kNow);
  EXPECT_EQ(lines.message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace kc::kusto
