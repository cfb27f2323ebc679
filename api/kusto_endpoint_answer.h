// Answers and errors of the embedded engine in the shapes of Kusto's v1 and v2 protocols. Used by
// kusto_endpoint and dm_endpoint only. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/engine/engine.h"

namespace kc::api {

struct KustoRequest {
  std::string database;
  std::string text;
  engine::RequestOptions options;
  std::string now;      // for contexts, as a datetime
  std::string cluster;  // its name
};

std::string v1_command_answer(const engine::DataSet& answer);
std::string v1_query_answer(const engine::DataSet& answer, const KustoRequest& request);
std::string v2_query_answer(const engine::DataSet& answer, const KustoRequest& request);

// `/v1/rest/auth/metadata`, at both faces.
inline constexpr std::string_view kAuthMetadata =
    R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.com","LoginMfaRequired":false,)"
    R"("KustoClientAppId":"db662dc1-0cfe-4e1c-a843-19a68e65be58","KustoClientRedirectUri":"https://microsoft/kustoclient",)"
    R"("KustoServiceResourceId":"https://kusto.kusto.windows.net",)"
    R"("FirstPartyAuthorityUrl":"https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a"}})";

struct KustoFailure {
  int status;
  std::string body;
};
KustoFailure failure_answer(const Error& error, const KustoRequest& request);

// ---- Pieces that the versions share

std::string one_api_error(const Error& error, const KustoRequest& request);  // `{"error":{…}}`
std::string json_text(std::string_view text);                                // a JSON string
// `"Columns":[…]`; v1 carries the .NET type as well.
std::string columns_json(const std::vector<Column>& columns, bool v1);
// `{"Visualization":null,…}`: what `render` would fill.
std::string visualization_json();

}  // namespace kc::api
