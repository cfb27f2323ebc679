#include "core/engine/translate/json_parts.h"

#include <algorithm>
#include <charconv>

#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

// Where the value that begins at `at` ends.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  bool text = false;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (text) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        text = false;
      }
      continue;
    }
    if (c == '"') {
      text = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;
      --depth;
    } else if ((c == ',' || c == ':') && depth == 0) {
      return at;
    }
  }
  return std::min(at, json.size());
}

template <class Text>
std::string joined_array(const std::vector<Text>& elements) {
  std::string json = "[";
  for (const Text& element : elements) {
    if (json.size() > 1) json += ',';
    json += element;
  }
  return json + "]";
}

// One step of a path: a name or an index; advances `at`.
struct Step {
  std::string name;
  std::optional<long> index;
};
std::optional<Step> next_step(std::string_view path, std::size_t& at) {
  Step step;
  if (path[at] == '.') {
    const std::size_t end = std::min(path.find_first_of(".[", at + 1), path.size());
    step.name = std::string(path.substr(at + 1, end - at - 1));
    at = end;
    return step.name.empty() ? std::nullopt : std::optional(step);
  }
  const std::size_t end = path.find(']', at);
  if (path[at] != '[' || end == std::string_view::npos) return std::nullopt;
  std::string_view inside = path.substr(at + 1, end - at - 1);
  at = end + 1;
  if (inside.size() >= 2 && (inside.front() == '\'' || inside.front() == '"') &&
      inside.back() == inside.front()) {
    step.name = std::string(inside.substr(1, inside.size() - 2));
    return step;
  }
  long index = 0;
  const auto [stop, error] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
  if (error != std::errc() || stop != inside.data() + inside.size()) return std::nullopt;
  step.index = index;
  return step;
}

}  // namespace

std::optional<std::vector<std::string_view>> json_elements(std::string_view json) {
  if (!json.starts_with('[')) return std::nullopt;
  std::vector<std::string_view> elements;
  for (std::size_t at = 1; at < json.size() && json[at] != ']';) {
    const std::size_t end = end_of_value(json, at);
    elements.push_back(json.substr(at, end - at));
    at = end + (end < json.size() && json[end] == ',' ? 1 : 0);
  }
  return elements;
}

std::optional<JsonMembers> json_members(std::string_view json) {
  if (!json.starts_with('{')) return std::nullopt;
  JsonMembers members;
  for (std::size_t at = 1; at < json.size() && json[at] != '}';) {
    const std::size_t colon = end_of_value(json, at);
    const std::size_t end = end_of_value(json, colon + 1);
    members.emplace_back(json.substr(at, colon - at), json.substr(colon + 1, end - colon - 1));
    at = end + (end < json.size() && json[end] == ',' ? 1 : 0);
  }
  return members;
}

std::string json_array(const std::vector<std::string>& elements) { return joined_array(elements); }
std::string json_array(const std::vector<std::string_view>& elements) {
  return joined_array(elements);
}

std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string json = "{";
  for (const auto& [name, value] : members) {
    if (json.size() > 1) json += ',';
    json += name + ":" + value;
  }
  return json + "}";
}

std::string json_sorted(std::string_view json) {
  if (const auto elements = json_elements(json)) {
    std::vector<std::string> sorted;
    for (const auto element : *elements) sorted.push_back(json_sorted(element));
    return json_array(sorted);
  }
  const auto members = json_members(json);
  if (!members) return std::string(json);
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : *members)
    sorted.emplace_back(std::string(name), json_sorted(value));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return json_object(sorted);
}

std::optional<std::string> json_at_path(std::string_view json, std::string_view path) {
  if (!path.starts_with('$')) return std::nullopt;
  for (std::size_t at = 1; at < path.size();) {
    const auto step = next_step(path, at);
    if (!step) return std::nullopt;
    if (step->index) {
      const auto elements = json_elements(json);
      if (!elements) return std::nullopt;
      const long size = static_cast<long>(elements->size());
      const long index = *step->index < 0 ? *step->index + size : *step->index;
      if (index < 0 || index >= size) return std::nullopt;
      json = (*elements)[static_cast<std::size_t>(index)];
      continue;
    }
    const auto members = json_members(json);
    if (!members) return std::nullopt;
    const std::string name = json_string(step->name);
    const auto found = std::find_if(members->begin(), members->end(),
                                    [&](const auto& one) { return one.first == name; });
    if (found == members->end()) return std::nullopt;
    json = found->second;
  }
  return json == "null" ? std::nullopt : std::optional(std::string(json));
}

}  // namespace kc::engine
