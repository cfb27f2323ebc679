#include "core/engine/storage/binder.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

namespace kc::engine {
namespace {

bool wanted(const Extent& extent, const ScanHints& hints) {
  const auto newest_cursor = extent.cursor, newest = extent.ingested;
  const auto oldest_cursor = extent.own_stamps ? extent.cursor_min : newest_cursor;
  const auto oldest = extent.own_stamps ? extent.ingested_min : newest;
  if (hints.cursor_after && (!newest_cursor || *newest_cursor <= *hints.cursor_after)) return false;
  if (hints.cursor_before_or_at && (!oldest_cursor || *oldest_cursor > *hints.cursor_before_or_at))
    return false;
  if (hints.ingested_from && (!newest || *newest < *hints.ingested_from)) return false;
  if (hints.ingested_before && (!oldest || *oldest >= *hints.ingested_before)) return false;
  return true;
}

std::string number_or_null(const std::optional<std::int64_t>& value) {
  return value ? "CAST(" + std::to_string(*value) + " AS BIGINT)" : "CAST(NULL AS BIGINT)";
}

std::string joined_tags(const std::vector<std::string>& tags) {
  std::string out;
  for (const auto& tag : tags) out += (out.empty() ? "" : "\r\n") + tag;
  return out;
}

// What all files of one read have in common: the shape, whether the rows carry stamps, and the
// hidden columns that were asked for.
using ShapeKey = std::pair<std::int64_t, bool>;
using BranchKey =
    std::tuple<ShapeKey, std::optional<std::int64_t>, std::optional<std::int64_t>, std::string>;

std::string hidden_columns(const Extent& extent, const ScanHints& hints) {
  std::string sql;
  if (hints.needs_ingestion_time)
    sql += ", " + (extent.own_stamps ? "ti" : number_or_null(extent.ingested)) +
           " AS \"$IngestionTime\"";
  if (hints.needs_cursor)
    sql += ", " + (extent.own_stamps ? "tc" : number_or_null(extent.cursor)) + " AS \"$Cursor\"";
  if (hints.needs_extent) {
    sql += ", CAST('" + extent.id.text() + "' AS UUID) AS \"$ExtentId\", " +
           sql_string(joined_tags(extent.tags)) + " AS \"$ExtentTags\"";
  }
  return sql;
}

std::string empty_sql(const TableSchema& schema, const ScanHints& hints) {
  std::string sql = "(SELECT ";
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (i > 0) sql += ", ";
    sql += "CAST(NULL AS " + std::string(sql_type(schema.columns[i].type)) + ") AS c" +
           std::to_string(i);
  }
  return sql + hidden_columns({}, hints) + " WHERE false)";
}

std::string columns_sql(const TableSchema& schema, const std::vector<Column>& shape) {
  std::string sql;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const auto& column = schema.columns[i];
    const auto found = std::find(shape.begin(), shape.end(), column);
    if (i > 0) sql += ", ";
    if (found != shape.end()) {
      sql += "c" + std::to_string(found - shape.begin());
    } else if (column.type == ScalarType::string_) {
      sql += "''";
    } else {
      sql += "CAST(NULL AS " + std::string(sql_type(column.type)) + ")";
    }
    sql += " AS c" + std::to_string(i);
  }
  return sql;
}

// Beyond so many reads of their own, the files of a shape share one, and their stamps are looked up
// by file.
constexpr std::size_t kBranchesMax = 8;

using Group = std::vector<const Extent*>;

std::string looked_up(const Group& group, const std::string& name,
                      const std::function<std::string(const Extent&)>& value) {
  std::string list;
  for (const auto* extent : group) list += (list.empty() ? "" : ", ") + value(*extent);
  return ", list_extract([" + list + "], CAST(file_index AS BIGINT) + 1) AS " + sql_name(name);
}

std::string looked_up_columns(const Group& group, const ScanHints& hints) {
  std::string sql;
  const bool own = group.front()->own_stamps;
  if (own && hints.needs_ingestion_time) sql += ", ti AS \"$IngestionTime\"";
  if (own && hints.needs_cursor) sql += ", tc AS \"$Cursor\"";
  if (!own && hints.needs_ingestion_time) {
    sql += looked_up(group, "$IngestionTime",
                     [](const Extent& e) { return number_or_null(e.ingested); });
  }
  if (!own && hints.needs_cursor) {
    sql += looked_up(group, "$Cursor", [](const Extent& e) { return number_or_null(e.cursor); });
  }
  if (hints.needs_extent) {
    sql += looked_up(group, "$ExtentId",
                     [](const Extent& e) { return "CAST('" + e.id.text() + "' AS UUID)"; });
    sql += looked_up(group, "$ExtentTags",
                     [](const Extent& e) { return sql_string(joined_tags(e.tags)); });
  }
  return sql;
}

std::string branch_sql(const std::string& columns, const std::string& hidden, const Group& group,
                       const ExtentFiles& files) {
  std::string list;
  for (const auto* extent : group)
    list += (list.empty() ? "" : ", ") + sql_string(files.path(extent->file));
  return "SELECT " + columns + hidden + " FROM read_parquet([" + list + "])";
}

}  // namespace

std::string extents_sql(const TableSchema& schema, const std::vector<Extent>& extents,
                        const std::vector<std::vector<Column>>& shapes, const ExtentFiles& files,
                        const ScanHints& hints) {
  if (extents.empty()) return empty_sql(schema, hints);
  std::map<BranchKey, Group> branches;
  std::map<ShapeKey, Group> by_shape;
  std::map<std::int64_t, std::size_t> shape_at;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const auto& extent = extents[i];
    const ShapeKey shape{extent.shape, extent.own_stamps};
    BranchKey key{shape, std::nullopt, std::nullopt, {}};
    if (hints.needs_ingestion_time && !extent.own_stamps) std::get<1>(key) = extent.ingested;
    if (hints.needs_cursor && !extent.own_stamps) std::get<2>(key) = extent.cursor;
    if (hints.needs_extent) std::get<3>(key) = extent.id.text();
    branches[key].push_back(&extent);
    by_shape[shape].push_back(&extent);
    shape_at[extent.shape] = i;
  }
  std::string sql;
  const auto add = [&](std::int64_t shape, const std::string& hidden, const Group& group) {
    sql += sql.empty() ? "(" : " UNION ALL ";
    sql += branch_sql(columns_sql(schema, shapes[shape_at[shape]]), hidden, group, files);
  };
  if (branches.size() <= kBranchesMax) {
    for (const auto& [key, group] : branches)
      add(std::get<0>(key).first, hidden_columns(*group.front(), hints), group);
  } else {
    for (const auto& [shape, group] : by_shape)
      add(shape.first, looked_up_columns(group, hints), group);
  }
  return sql + ")";
}

void RequestBinder::seen(std::int64_t version) {
  if (version_ && *version_ != version) consistent_ = false;
  version_ = version;
}

Result<Relation> RequestBinder::table(std::string_view database, std::string_view name,
                                      const ScanHints& hints) {
  auto& host = session_.host;
  Relation relation;
  std::vector<Extent> extents;
  std::vector<std::vector<Column>> shapes;
  const auto checked = host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto db,
           view.database(database.empty() ? std::string_view(session_.database) : database));
    KC_TRY(const auto table, view.table(db, name));
    relation.schema = table.schema;
    KC_CHECK_OK(guard(view, db, table, relation));
    KC_TRY(extents, view.extents(table.id));
    std::erase_if(extents, [&](const Extent& extent) { return !wanted(extent, hints); });
    std::map<std::int64_t, std::vector<Column>> known;
    std::vector<std::string> pinned;
    for (const auto& extent : extents) {
      if (!known.contains(extent.shape)) {
        KC_TRY(known[extent.shape], view.shape(extent.shape));
      }
      shapes.push_back(known[extent.shape]);
      pinned.push_back(extent.file);
    }
    // Under the catalogue's lock: a drop that comes later finds them in use.
    pins_.push_back(host.files->pin(std::move(pinned)));
    seen(host.catalogue->version_locked());
    return {};
  });
  KC_CHECK_OK(checked);
  relation.sql = extents_sql(relation.schema, extents, shapes, *host.files, hints);
  for (std::size_t i = 0; i < relation.schema.columns.size(); ++i) {
    relation.sql_names.push_back("c" + std::to_string(i));
  }
  return relation;
}

Result<std::vector<std::string>> RequestBinder::table_names(std::string_view database) {
  auto& host = session_.host;
  std::vector<std::string> names;
  const auto checked = host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto db,
           view.database(database.empty() ? std::string_view(session_.database) : database));
    KC_TRY(const auto tables, view.tables(db.id));
    for (const auto& table : tables) names.push_back(table.name);
    seen(host.catalogue->version_locked());
    return {};
  });
  KC_CHECK_OK(checked);
  return names;
}

std::int64_t RequestBinder::cursor_current() {
  if (session_.options.query_cursor_current) return *session_.options.query_cursor_current;
  auto& host = session_.host;
  std::int64_t cursor = 0;
  (void)host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto db, view.database(session_.database));
    cursor = db.cursor;
    seen(host.catalogue->version_locked());
    return {};
  });
  return cursor;
}

}  // namespace kc::engine
