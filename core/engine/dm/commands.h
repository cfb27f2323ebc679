// The commands of data management, by their leading words. Used by DataManagement and, where a
// client takes one address for both faces, by the engine's own dispatch. Thread promise: pure
// functions over a DataManagement.
#pragma once

#include <string_view>

#include "core/engine/dm/data_management.h"
#include "core/engine/host.h"

namespace kc::engine {

// Whether the text starts with the words of one of them.
bool is_ingestion_command(std::string_view text);
Result<RowTable> run_ingestion_command(DataManagement& management, Session& session,
                                       std::string_view text);

}  // namespace kc::engine
