// Schemas as the protocol writes them: as a list, as JSON and as a script. Used by the commands
// that show them. Thread promise: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/engine/commands/command.h"

namespace kc::engine {

using Details = std::map<std::string, ColumnDetails>;

// `"OrderedColumns":[…]`
std::string ordered_columns(const CatalogueTable& table, const Details& details);
std::string names_json(const CatalogueTable& table);  // `{"Name":…,"Folder":…`, not closed
std::string csl_name(const std::string& name);        // as it must be written in a command
std::string csl_schema(const CatalogueTable& table);  // `a:long,['b c']:string`

}  // namespace kc::engine
