// Which extents a command speaks of.
#include <algorithm>
#include <set>

#include "core/base/ticks.h"
#include "core/engine/commands/extents.h"

namespace kc::engine {
namespace {

std::size_t column_of(const RowTable& rows, std::string_view name) {
  return static_cast<std::size_t>(
      std::find_if(rows.columns.begin(), rows.columns.end(),
                   [&](const Column& column) { return column.name == name; }) -
      rows.columns.begin());
}

const std::string* text_at(const std::vector<Value>& row, std::size_t column) {
  return column < row.size() ? std::get_if<std::string>(&row[column]) : nullptr;
}

std::vector<std::string> split_tags(const std::string& text) {
  if (auto json = strings_from_json(text)) return std::move(*json);
  std::vector<std::string> tags;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find("\r\n", at), text.size());
    if (end > at) tags.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return tags;
}

}  // namespace

Result<CreatedRange> created_range(const Properties& properties) {
  CreatedRange range;
  for (const auto& [name, value] : properties) {
    if (name != "extentcreatedonfrom" && name != "extentcreatedonto") continue;
    const auto at = parse_datetime(value);
    if (!at) return bad_request("The property '" + name + "' is no datetime: '" + value + "'.");
    (name == "extentcreatedonfrom" ? range.from : range.to) = at->value;
  }
  return range;
}

Result<std::vector<ExtentSource>> extents_of_rows(Command& command, const RowTable& rows) {
  const auto id = column_of(rows, "ExtentId"), table = column_of(rows, "TableName"),
             tags = column_of(rows, "Tags");
  if (id == rows.columns.size()) return bad_request("The query must yield a column 'ExtentId'.");
  std::map<std::string, std::int64_t> tables;
  std::vector<ExtentSource> sources;
  std::set<Uuid> seen;
  for (const auto& row : rows.rows) {
    const auto* text = text_at(row, id);
    if (text == nullptr) return bad_request("The query yields an extent without an id.");
    ExtentSource source;
    KC_TRY(source.id, Uuid::parse(*text));
    if (const auto* name = text_at(row, table)) {
      if (!tables.contains(*name)) {
        KC_TRY(const auto found, table_of(command.session, *name));
        tables[*name] = found.id;
      }
      source.table = tables[*name];
    }
    if (const auto* listed = text_at(row, tags)) source.tags = split_tags(*listed);
    if (seen.insert(source.id).second) sources.push_back(source);
  }
  return sources;
}

Result<std::vector<ExtentSource>> piped_extents(Command& command) {
  KC_CHECK_OK(command.tokens.expect("<|"));
  const auto text = command.tokens.rest();
  while (!command.tokens.at_end() && !command.tokens.failure()) command.tokens.take();
  KC_TRY(const auto rows, rows_of(command.session, text));
  return extents_of_rows(command, rows);
}

std::string joined_tags(const std::vector<std::string>& tags) {
  std::string text;
  for (const auto& tag : tags) text += (text.empty() ? "" : "\r\n") + tag;
  return text;
}

Failure extent_gone(const Uuid& id) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.extent_gone", .message = {}};
  error.message = "Entity ID '" + id.text() +
                  "' of kind 'Extent' was not found: it was merged, moved or dropped.";
  error.service_code = "BadRequest_EntityNotFound";
  return fail(std::move(error));
}

}  // namespace kc::engine
