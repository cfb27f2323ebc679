// Pieces that the commands about extents share. Thread promise: pure functions, apart from the
// command they parse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/engine/commands/command.h"

namespace kc::engine {

// One extent that must be where it is said to be.
struct ExtentSource {
  Uuid id;
  std::optional<std::int64_t> table;
  std::vector<std::string> tags = {};  // of a row that names them
};

// Bounds of MaxCreatedOn, as `extentCreatedOnFrom` and `extentCreatedOnTo` give them.
struct CreatedRange {
  std::optional<std::int64_t> from, to;
  bool holds(const Extent& extent) const {
    return (!from || extent.created_max >= *from) && (!to || extent.created_max <= *to);
  }
};
Result<CreatedRange> created_range(const Properties& properties);

// ExtentId, and TableName and Tags where they are there, of a query or a command after `<|`.
Result<std::vector<ExtentSource>> piped_extents(Command& command);
Result<std::vector<ExtentSource>> extents_of_rows(Command& command, const RowTable& rows);
std::string joined_tags(const std::vector<std::string>& tags);  // by CR LF
Failure extent_gone(const Uuid& id);

}  // namespace kc::engine
