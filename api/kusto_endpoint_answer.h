// Answers and errors of the embedded engine in the shapes of Kusto's v1 and v2 protocols. Used by
// kusto_endpoint only. Thread promise: pure functions.
#pragma once

#include <string>

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

struct KustoFailure {
  int status;
  std::string body;
};
KustoFailure failure_answer(const Error& error, const KustoRequest& request);

}  // namespace kc::api
