#include "tests/fakes/fault_answers.h"

#include <array>

namespace kc::fakes {
namespace {

constexpr const char* kJson = "Content-Type: application/json\r\n";
constexpr const char* kXml = "Content-Type: application/xml\r\n";
constexpr const char* kPage = "<html><body>Please sign in to this network</body></html>";

struct Words {
  Fault fault;
  int status;
  const char* code;
  const char* headers;
};

// The status and the code that each service gives; the rest of the answer is built round them.
constexpr std::array kClusterWords = {
    Words{Fault::throttled, 429, "Throttled", "Retry-After: 1\r\n"},
    Words{Fault::busy, 503, "ServiceUnavailable", ""},
    Words{Fault::failed_after, 500, "InternalServiceError", ""},
    Words{Fault::expired_token, 401, "Unauthorized",
          "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"}};
constexpr std::array kStorageWords = {
    Words{Fault::throttled, 429, "TooManyRequests", "Retry-After: 1\r\n"},
    Words{Fault::busy, 503, "ServerBusy", ""},
    Words{Fault::failed_after, 500, "OperationTimedOut", ""},
    Words{Fault::expired_token, 403, "AuthenticationFailed", ""}};
constexpr std::array kIssuerWords = {
    Words{Fault::throttled, 429, "temporarily_unavailable", "Retry-After: 1\r\n"},
    Words{Fault::busy, 503, "temporarily_unavailable", ""},
    Words{Fault::failed_after, 500, "server_error", ""},
    Words{Fault::expired_token, 401, "invalid_client", ""}};

const Words& words_of(Fault fault, const std::array<Words, 4>& all) {
  for (const auto& one : all) {
    if (one.fault == fault) return one;
  }
  return all.front();
}

std::string one_api_error(const std::string& code) {
  return R"({"error":{"code":")" + code +
         R"(","message":"the service is not well","@type":"Kusto.DataNode.Exceptions.Failure",)"
         R"("@message":"the service is not well","@permanent":false}})";
}

std::string cluster_answer(Fault fault, const RawRequest& request) {
  if (fault != Fault::error_in_200) {
    const auto& words = words_of(fault, kClusterWords);
    return raw_answer(words.status, one_api_error(words.code), kJson + std::string(words.headers));
  }
  // A query's rows are there, and then it turns out that they are not all.
  const auto error = one_api_error("InternalServiceError");
  const bool query = target_of(request).find("/v2/") != std::string::npos;
  const auto body =
      query ? R"([{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},)"
              R"({"FrameType":"DataTable","TableId":0,"TableKind":"PrimaryResult",)"
              R"("TableName":"PrimaryResult","Columns":[{"ColumnName":"Count",)"
              R"("ColumnType":"long"}],"Rows":[[1]]},{"FrameType":"DataSetCompletion",)"
              R"("HasErrors":true,"Cancelled":false,"OneApiErrors":[)" +
                  error + "]}]"
            : std::string(R"({"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":)"
                          R"("OperationId","DataType":"Guid"}],"Rows":[[)"
                          R"("11111111-1111-1111-1111-111111111111"]]}],)"
                          R"("Exceptions":["the service is not well"]})");
  return raw_answer(200, body, kJson);
}

std::string storage_answer(Fault fault, const RawRequest& request) {
  const auto error = [](const std::string& code) {
    return "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code +
           "</Code><Message>the service is not well</Message></Error>";
  };
  const auto method = method_of(request);
  if (fault != Fault::error_in_200) {
    const auto& words = words_of(fault, kStorageWords);
    const auto headers =
        kXml + std::string(words.headers) + "x-ms-error-code: " + words.code + "\r\n";
    return raw_answer(words.status, method == "HEAD" ? "" : error(words.code), headers);
  }
  // The status that is waited for, and nothing of what a storage service sends with it.
  const bool message = target_of(request).find("/messages") != std::string::npos;
  if (method == "PUT") return raw_answer(message ? 204 : 201, "");
  if (method == "POST") return raw_answer(201, error("InternalError"), kXml);
  if (method == "DELETE") return raw_answer(message ? 204 : 202, "");
  return raw_answer(200, method == "HEAD" ? "" : error("InternalError"), kXml);
}

std::string issuer_answer(Fault fault) {
  if (fault == Fault::error_in_200)
    return raw_answer(200, R"({"error":"temporarily_unavailable"})", kJson);
  const auto& words = words_of(fault, kIssuerWords);
  const std::string detail =
      fault == Fault::expired_token ? "AADSTS7000222: the secret has expired" : "not well";
  return raw_answer(
      words.status,
      R"({"error":")" + std::string(words.code) + R"(","error_description":")" + detail + "\"}",
      kJson + std::string(words.headers));
}

}  // namespace

std::string method_of(const RawRequest& request) {
  return request.head.substr(0, request.head.find(' '));
}

std::string target_of(const RawRequest& request) {
  const auto line = request.head.substr(0, request.head.find("\r\n"));
  const auto first = line.find(' '), last = line.rfind(' ');
  return last > first ? line.substr(first + 1, last - first - 1) : std::string();
}

std::string answer_of(Fault fault, Face face, const RawRequest& request) {
  if (fault == Fault::wrong_content_type)
    return raw_answer(200, method_of(request) == "HEAD" ? "" : kPage,
                      "Content-Type: text/html\r\n");
  switch (face) {
    case Face::cluster:
      return cluster_answer(fault, request);
    case Face::storage:
      return storage_answer(fault, request);
    case Face::issuer:
      return issuer_answer(fault);
  }
  return {};
}

}  // namespace kc::fakes
