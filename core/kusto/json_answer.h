// How this room reads JSON from a cluster: bounded in depth, never throwing. Only .cc files of this
// room include it. Thread promise: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/json.h"
#include "core/kusto/classify.h"

namespace kc::kusto {

// nullopt where the text is no JSON, or deeper than `depth_max`.
std::optional<nlohmann::json> parse_json(std::string_view text, int depth_max);

// The member of an object; nullptr where the value is no object or has no such member.
const nlohmann::json* member(const nlohmann::json& value, const char* name);
// The member's text; empty where it is no string.
std::string text_member(const nlohmann::json& value, const char* name);

// Reads `{"error":{…}}`, or the object inside it. Members that are missing stay empty.
ServiceError read_service_error(const nlohmann::json& value);

}  // namespace kc::kusto
