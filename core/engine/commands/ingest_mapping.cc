// What an ingestion mapping says: JSON in, one field mapping per column of the table out.
#include <algorithm>
#include <charconv>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/commands/ingest.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

Failure invalid(const std::string& what) { return ingest_error("BadRequest_InvalidMapping", what); }

template <class Json>
std::optional<std::string> member(const Json& object, std::string_view name) {
  if (!object.is_object()) return std::nullopt;
  for (const auto& [key, value] : object.items()) {
    if (lower(key) != name || value.is_null()) continue;
    return value.is_string() ? value.template get<std::string>() : value.dump();
  }
  return std::nullopt;
}

// `$`, `$.a.b`, `$['a']["b"]`, `$.a[0]`
Result<std::vector<PathStep>> parse_path(const std::string& path) {
  std::vector<PathStep> steps;
  const auto bad = [&] { return invalid("the path '" + path + "' is not understood"); };
  if (!path.starts_with('$')) return bad();
  for (std::size_t at = 1; at < path.size();) {
    PathStep step;
    if (path[at] == '.') {
      const auto end = std::min(path.find_first_of(".[", at + 1), path.size());
      step.name = path.substr(at + 1, end - at - 1);
      if (step.name.empty()) return bad();
      at = end;
    } else if (path[at] == '[' && at + 1 < path.size() &&
               (path[at + 1] == '\'' || path[at + 1] == '"')) {
      const char quote = path[at + 1];
      for (at += 2; at < path.size() && path[at] != quote; ++at) {
        if (path[at] == '\\' && at + 1 < path.size()) ++at;
        step.name += path[at];
      }
      if (at + 1 >= path.size() || path[at + 1] != ']') return bad();
      at += 2;
    } else if (path[at] == '[') {
      const auto end = path.find(']', at);
      std::size_t index = 0;
      if (end == std::string::npos) return bad();
      const auto [stop, code] = std::from_chars(path.data() + at + 1, path.data() + end, index);
      if (code != std::errc() || stop != path.data() + end) return bad();
      step.index = index;
      at = end + 1;
    } else {
      return bad();
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<Transform> parse_transform(const std::string& word) {
  static const std::map<std::string, Transform> kTransforms = {
      {"", Transform::none},
      {"none", Transform::none},
      {"sourcelocation", Transform::source_location},
      {"sourcelinenumber", Transform::source_line_number},
      {"datetimefromunixseconds", Transform::unix_seconds},
      {"datetimefromunixmilliseconds", Transform::unix_milliseconds},
      {"datetimefromunixmicroseconds", Transform::unix_microseconds},
      {"datetimefromunixnanoseconds", Transform::unix_nanoseconds},
      {"propertybagarraytodictionary", Transform::bag_array},
      {"dropmappedfields", Transform::drop_mapped_fields},
      {"bytesasbase64", Transform::bytes_as_base64}};
  const auto found = kTransforms.find(lower(word));
  if (found == kTransforms.end()) return invalid("the transformation '" + word + "' is unknown");
  return found->second;
}

template <class Json>
Result<MappingElement> read_element(const std::string& kind, const Json& element) {
  MappingElement read;
  if (!element.is_object()) return invalid("an element is no JSON object");
  const auto column = member(element, "column"), name = member(element, "name");
  if (!column && !name) return invalid("an element names no column");
  read.column = column ? *column : *name;
  read.type = member(element, "datatype").value_or("");
  if (!read.type.empty() && !parse_scalar_type(lower(read.type)))
    return invalid("the data type '" + read.type + "' of '" + read.column + "' is unknown");
  // Older mappings have their properties in the element itself.
  const Json* properties = &element;
  for (const auto& [key, value] : element.items()) {
    if (lower(key) == "properties" && value.is_object()) properties = &value;
  }
  static const std::pair<const char*, const char*> kNames[] = {{"ordinal", "Ordinal"},
                                                               {"path", "Path"},
                                                               {"field", "Field"},
                                                               {"constvalue", "ConstValue"},
                                                               {"transform", "Transform"}};
  for (const auto& [key, shown] : kNames) {
    if (const auto value = member(*properties, key)) read.properties[shown] = *value;
  }
  const auto given = [&](const char* key) -> const std::string* {
    const auto at = read.properties.find(key);
    return at == read.properties.end() ? nullptr : &at->second;
  };
  if (const auto* constant = given("ConstValue")) read.constant = read.field.constant = *constant;
  if (const auto* word = given("Transform")) {
    read.transform = *word;
    KC_TRY(read.field.transform, parse_transform(*word));
  }
  if (const auto* text = given("Ordinal")) {
    std::size_t value = 0;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (code != std::errc() || end != text->data() + text->size())
      return invalid("the ordinal '" + *text + "' of '" + read.column + "' is no position");
    read.ordinal = read.field.ordinal = value;
  }
  const auto *path = given("Path"), *field = given("Field");
  if (path != nullptr && field != nullptr)
    return invalid("'" + read.column + "' has both a path and a field");
  if (path != nullptr) {
    KC_TRY(read.field.path, parse_path(*path));
    read.field.whole = read.field.path.empty();
  } else if (field != nullptr) {
    read.field.path = {{*field}};
  }
  const bool sourced = read.constant || read.ordinal || path != nullptr || field != nullptr ||
                       read.field.transform == Transform::source_location ||
                       read.field.transform == Transform::source_line_number;
  if (!sourced && kind != "csv")
    return invalid("'" + read.column + "' has neither a path, a field, nor a constant");
  return read;
}

}  // namespace

Result<MappingElement> read_mapping_element(const std::string& kind,
                                            const nlohmann::json& element) {
  return read_element(kind, element);
}
Result<MappingElement> read_mapping_element(const std::string& kind,
                                            const nlohmann::ordered_json& element) {
  return read_element(kind, element);
}

std::string mapping_kind(const std::string& format) {
  if (format == "json" || format == "multijson" || format == "singlejson") return "json";
  if (format == "parquet") return "parquet";
  return "csv";
}

Result<std::vector<FieldMapping>> field_mappings(const CatalogueTable& table,
                                                 const std::string& format,
                                                 const std::optional<std::string>& mapping) {
  const auto& columns = table.schema.columns;
  std::vector<FieldMapping> mappings(columns.size());
  if (!mapping) {
    for (std::size_t i = 0; i < mappings.size(); ++i) {
      mappings[i].ordinal = i;
      mappings[i].path = {{columns[i].name}};
    }
    return mappings;
  }
  const auto strict = compact_json(*mapping, true);
  const auto json = nlohmann::json::parse(strict.value_or(""), nullptr, false);
  if (!json.is_array() || json.empty()) return invalid("the mapping is no JSON array of columns");
  std::vector<bool> given(columns.size());
  std::size_t position = 0;
  for (const auto& element : json) {
    KC_TRY(auto read, read_mapping_element(mapping_kind(format), element));
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& column) {
      return column.name == read.column;
    });
    // A CSV element without a position stands for the field of its own position.
    if (mapping_kind(format) == "csv" && !read.ordinal && !read.constant &&
        read.field.transform == Transform::none)
      read.field.ordinal = position;
    ++position;
    if (found == columns.end())
      return invalid("the table '" + table.name + "' has no column '" + read.column + "'");
    const auto at = static_cast<std::size_t>(found - columns.begin());
    if (given[at]) return invalid("the column '" + read.column + "' is mapped twice");
    given[at] = true;
    mappings[at] = std::move(read.field);
  }
  return mappings;
}

}  // namespace kc::engine
