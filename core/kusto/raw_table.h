// The primary table of an answer, checked for shape and for every way of reporting a failure inside
// a success, with its values still as JSON. Only result_table.cc uses it. Thread promise: pure
// functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/schema.h"

namespace kc::kusto {

struct RawTable {
  struct Column {
    std::string name;
    std::optional<ScalarType> type;  // nullopt: the answer does not say
  };
  std::vector<Column> columns;
  std::vector<nlohmann::json> rows;  // arrays, each as wide as `columns`
};

Result<RawTable> read_v1(std::string_view body, const std::vector<std::string>& tables);
Result<RawTable> read_v2(std::string_view body, const std::vector<std::string>& tables);

}  // namespace kc::kusto
