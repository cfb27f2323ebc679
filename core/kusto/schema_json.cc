#include "core/kusto/schema_json.h"

#include <utility>

#include "core/base/json.h"
#include "core/kusto/json_answer.h"

namespace kc::kusto {
namespace {

using nlohmann::json;

constexpr int kSchemaDepthMax = 64;

Failure malformed(const std::string& what) {
  return fail(malformed_answer("database schema: " + what));
}

Result<TableSchema> read_table(const json& table) {
  TableSchema schema;
  const json* columns = member(table, "OrderedColumns");
  if (columns == nullptr || !columns->is_array())
    return malformed("a table without OrderedColumns");
  for (const json& column : *columns) {
    const std::string name = text_member(column, "Name");
    const auto type = parse_scalar_type(text_member(column, "CslType"));
    if (name.empty() || !type) return malformed("a column without a name or a known CslType");
    schema.columns.push_back({name, *type});
  }
  schema.folder = text_member(table, "Folder");
  schema.docstring = text_member(table, "DocString");
  return schema;
}

}  // namespace

Result<std::map<std::string, TableSchema>> read_schema_json(std::string_view text) {
  const auto document = parse_json(text, kSchemaDepthMax);
  const json* databases = document ? member(*document, "Databases") : nullptr;
  // The name may differ in case from the one asked for, so the only database is taken, whatever its
  // key.
  if (databases == nullptr || !databases->is_object() || databases->size() != 1)
    return malformed("not one database");
  const json* tables = member(databases->front(), "Tables");
  std::map<std::string, TableSchema> schemas;
  if (tables == nullptr || tables->is_null()) return schemas;
  if (!tables->is_object()) return malformed("Tables is no object");
  for (const auto& [name, table] : tables->items()) {
    KC_TRY(TableSchema schema, read_table(table));
    schemas.emplace(name, std::move(schema));
  }
  return schemas;
}

}  // namespace kc::kusto
