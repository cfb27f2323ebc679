// Reads a request of the Kusto protocol: JSON body or GET parameters, headers, client request
// properties. Everything in it is a stranger's. Used by kusto_endpoint and fuzzed. Thread promise:
// pure functions.
#pragma once

#include <string>

#include "api/http_server.h"
#include "api/kusto_endpoint_answer.h"
#include "core/base/result.h"

namespace kc::api {

inline constexpr std::size_t kRequestNestingMax = 64;  // of the body and of its properties

// `request.text`, `request.database` and the options. Kind invalid, service code
// General_BadRequest, naming the member; then nothing of the request may be run.
Result<void> read_kusto_request(const HttpRequest& http, KustoRequest& request);

// What the headers say: the caller's id (a new one from `fallback_id` where it is absent or not
// printable), its names, its token, whether only reading is allowed.
void read_kusto_headers(const HttpRequest& http, const std::string& fallback_id,
                        KustoRequest& request);

}  // namespace kc::api
