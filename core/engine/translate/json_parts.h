// Compact JSON text taken apart without being decoded: the elements of an array and the members of
// an object, each as the text it is written in, so that what is not touched stays byte for byte.
// Used by the functions of dynamic values. Thread promise: pure functions; the parts view the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kc::engine {

using JsonMembers = std::vector<std::pair<std::string_view, std::string_view>>;

// nullopt where the text is no array, no object. Names keep their quotes and escapes.
std::optional<std::vector<std::string_view>> json_elements(std::string_view json);
std::optional<JsonMembers> json_members(std::string_view json);

std::string json_array(const std::vector<std::string>& elements);
std::string json_array(const std::vector<std::string_view>& elements);
std::string json_object(const std::vector<std::pair<std::string, std::string>>& members);

// Members in the order of their names, in every object inside as well.
std::string json_sorted(std::string_view json);
// `$.a['b'][0]`; nullopt where nothing is there or the path is none.
std::optional<std::string> json_at_path(std::string_view json, std::string_view path);

}  // namespace kc::engine
