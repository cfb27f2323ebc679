// The catalogue's functions, mappings and details of columns.
#include "core/engine/storage/catalogue.h"

namespace kc::engine {
namespace {

constexpr std::string_view kFunctionColumns =
    "SELECT database, name, parameters, body, folder, docstring, view FROM functions ";
constexpr std::string_view kMappingColumns =
    "SELECT database, table_id, kind, name, mapping, updated FROM mappings ";

FunctionEntry function_from(const SqlRow& row) {
  return {row.number(0), row.text(1), row.text(2),       row.text(3),
          row.text(4),   row.text(5), row.number(6) != 0};
}

MappingEntry mapping_from(const SqlRow& row) {
  MappingEntry entry{row.number(0), std::nullopt, row.text(2),
                     row.text(3),   row.text(4),  row.number(5)};
  if (!row.null(1)) entry.table = row.number(1);
  return entry;
}

SqlArg table_arg(const std::optional<std::int64_t>& table) {
  return table ? SqlArg(*table) : SqlArg(nullptr);
}

}  // namespace

Result<void> CatalogueView::exec(std::string_view sql, const std::vector<SqlArg>& args) {
  KC_TRY(auto changed, sqlite_.run(sql, args));
  (void)changed;
  return {};
}

Result<std::vector<FunctionEntry>> CatalogueView::functions(std::int64_t database) {
  std::vector<FunctionEntry> found;
  KC_CHECK_OK(sqlite_.each(std::string(kFunctionColumns) + "WHERE database = ? ORDER BY name",
                           {database},
                           [&](const SqlRow& row) { found.push_back(function_from(row)); }));
  return found;
}

Result<std::optional<FunctionEntry>> CatalogueView::function(std::int64_t database,
                                                             std::string_view name) {
  std::optional<FunctionEntry> found;
  KC_CHECK_OK(sqlite_.each(std::string(kFunctionColumns) + "WHERE database = ? AND name = ?",
                           {database, std::string(name)},
                           [&](const SqlRow& row) { found = function_from(row); }));
  return found;
}

Result<void> CatalogueView::set_function(const FunctionEntry& entry) {
  KC_CHECK_OK(exec("INSERT OR REPLACE INTO functions VALUES(?,?,?,?,?,?,?)",
                   {entry.database, entry.name, entry.parameters, entry.body, entry.folder,
                    entry.docstring, std::int64_t{entry.view}}));
  return schema_changed(entry.database);
}

Result<void> CatalogueView::drop_function(std::int64_t database, std::string_view name) {
  KC_CHECK_OK(
      exec("DELETE FROM functions WHERE database = ? AND name = ?", {database, std::string(name)}));
  return schema_changed(database);
}

Result<std::vector<MappingEntry>> CatalogueView::mappings(std::int64_t database,
                                                          std::optional<std::int64_t> table) {
  std::vector<MappingEntry> found;
  KC_CHECK_OK(sqlite_.each(
      std::string(kMappingColumns) + "WHERE database = ? AND table_id IS ? ORDER BY kind, name",
      {database, table_arg(table)},
      [&](const SqlRow& row) { found.push_back(mapping_from(row)); }));
  return found;
}

Result<void> CatalogueView::set_mapping(const MappingEntry& entry) {
  KC_CHECK_OK(drop_mapping(entry));
  return exec("INSERT INTO mappings VALUES(?,?,?,?,?,?)",
              {entry.database, table_arg(entry.table), entry.kind, entry.name, entry.mapping,
               entry.updated});
}

Result<void> CatalogueView::drop_mapping(const MappingEntry& entry) {
  return exec("DELETE FROM mappings WHERE database = ? AND table_id IS ? AND kind = ? AND name = ?",
              {entry.database, table_arg(entry.table), entry.kind, entry.name});
}

Result<std::map<std::string, ColumnDetails>> CatalogueView::column_details(std::int64_t table) {
  std::map<std::string, ColumnDetails> found;
  KC_CHECK_OK(
      sqlite_.each("SELECT name, docstring, encoding FROM column_details WHERE table_id = ?",
                   {table}, [&](const SqlRow& row) {
                     found[row.text(0)] = {row.text(1), row.text(2)};
                   }));
  return found;
}

Result<void> CatalogueView::set_column_details(std::int64_t table, const std::string& column,
                                               const ColumnDetails& details) {
  if (details.docstring.empty() && details.encoding.empty()) {
    return exec("DELETE FROM column_details WHERE table_id = ? AND name = ?", {table, column});
  }
  return exec("INSERT OR REPLACE INTO column_details VALUES(?,?,?,?)",
              {table, column, details.docstring, details.encoding});
}

Result<void> CatalogueView::reshape(std::int64_t table,
                                    const std::function<void(std::vector<Column>&)>& change) {
  std::vector<std::int64_t> shapes;
  KC_CHECK_OK(sqlite_.each("SELECT DISTINCT shape FROM extents WHERE table_id = ?", {table},
                           [&](const SqlRow& row) { shapes.push_back(row.number(0)); }));
  // All in one statement, since one new shape may equal another old one.
  std::vector<std::pair<std::int64_t, std::int64_t>> moves;
  for (const auto old : shapes) {
    KC_TRY(const auto before, shape(old));
    auto columns = before;
    change(columns);
    if (columns == before) continue;
    KC_TRY(const auto made, shape_of(columns));
    moves.emplace_back(old, made);
  }
  std::string sql = "UPDATE extents SET shape = CASE shape";
  std::vector<SqlArg> args;
  for (const auto& [from, to] : moves) {
    sql += " WHEN ? THEN ?";
    args.emplace_back(from);
    args.emplace_back(to);
  }
  if (moves.empty()) return {};
  args.emplace_back(table);
  return exec(sql + " ELSE shape END WHERE table_id = ?", args);
}

}  // namespace kc::engine
