
#include "core/base/json.h"
#include "core/engine/commands/command.h"

namespace kc::engine {

Result<std::string> merge_json(const std::string& old, const std::string& changes) {
  auto merged = nlohmann::ordered_json::parse(old, nullptr, false);
  const auto patch = nlohmann::ordered_json::parse(changes, nullptr, false);
  if (!merged.is_object() || !patch.is_object()) return changes;
  for (const auto& [name, value] : patch.items()) merged[name] = value;
  return merged.dump();
}

Result<std::vector<std::string>> strings_from_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::vector<std::string> strings;
  if (json.is_array()) {
    for (const auto& member : json) {
      if (!member.is_string()) break;
      strings.push_back(member.get<std::string>());
    }
  }
  if (!json.is_array() || strings.size() != json.size()) {
    return bad_request("BadRequest_MalformedIngestionProperty: '" + text +
                       "' is no JSON array of strings");
  }
  return strings;
}

}  // namespace kc::engine
