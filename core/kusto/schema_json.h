// Reads the one cell of `.show database schema as json`. Used by answers.cc. Thread promise: pure
// functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/schema.h"

namespace kc::kusto {

// By table name. Kind unavailable, code kusto.malformed_answer, where the text is not one
// database's schema.
Result<std::map<std::string, TableSchema>> read_schema_json(std::string_view text);

}  // namespace kc::kusto
