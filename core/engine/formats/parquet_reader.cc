#include "core/engine/formats/parquet_reader.h"

#include <algorithm>
#include <map>

#include "core/engine/translate/translate.h"

namespace kc::engine {
namespace {

enum class Family {
  integer,
  unsigned64,
  real,
  boolean,
  decimal,
  timestamp,
  text,
  guid,
  nested,
  other
};

Family family_of(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
      return Family::integer;
    case DUCKDB_TYPE_UBIGINT:
      return Family::unsigned64;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
      return Family::real;
    case DUCKDB_TYPE_BOOLEAN:
      return Family::boolean;
    case DUCKDB_TYPE_DECIMAL:
      return Family::decimal;
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return Family::timestamp;
    case DUCKDB_TYPE_VARCHAR:
      return Family::text;
    case DUCKDB_TYPE_UUID:
      return Family::guid;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
      return Family::nested;
    default:
      return Family::other;
  }
}

bool allowed(Family from, ScalarType to) {
  using enum ScalarType;
  const auto in = [to](std::initializer_list<ScalarType> types) {
    return std::find(types.begin(), types.end(), to) != types.end();
  };
  switch (from) {
    case Family::integer:
    case Family::real:
      return in({bool_, int_, long_, real_, decimal_, string_});
    case Family::unsigned64:
      return in({bool_, int_, long_, decimal_, string_});
    case Family::boolean:
      return in({bool_, decimal_, string_});
    case Family::decimal:
      return in({bool_, int_, long_, real_, decimal_, string_});
    case Family::timestamp:
      return in({datetime_, string_});
    case Family::text:
      return in({int_, long_, real_, decimal_, string_, dynamic_});
    case Family::guid:
      return in({string_, guid_});
    case Family::nested:
      return in({dynamic_});
    default:
      return false;
  }
}

std::string ticks_of(const std::string& from, duckdb_type type) {
  if (type == DUCKDB_TYPE_TIMESTAMP_NS)
    return "(epoch_ns(" + from + ") // 100 + 621355968000000000)";
  return "(epoch_us(" + from + ") * 10 + 621355968000000000)";
}

std::string text_of(const std::string& from, Family family, duckdb_type type) {
  if (family == Family::timestamp) return "kc_datetime_text(" + ticks_of(from, type) + ")";
  if (family == Family::real) return "kc_real_text(CAST(" + from + " AS DOUBLE))";
  return "CAST(" + from + " AS VARCHAR)";
}

std::string converted(const std::string& from, duckdb_type type, ScalarType to, std::size_t limit) {
  const auto family = family_of(type);
  if (!allowed(family, to)) return {};
  switch (to) {
    case ScalarType::string_:
      if (family == Family::text)
        return "coalesce(CASE WHEN strlen(" + from + ") > " + std::to_string(limit) +
               " THEN kc_cut(" + from + ", " + std::to_string(limit) + ") ELSE " + from +
               " END, '')";
      return "coalesce(" + text_of(from, family, type) + ", '')";
    case ScalarType::datetime_:
      return ticks_of(from, type);
    case ScalarType::guid_:
      return from;
    case ScalarType::decimal_:
      if (family == Family::boolean) return "CAST(CAST(" + from + " AS INTEGER) AS VARCHAR)";
      return "kc_parse_decimal(" + text_of(from, family, type) + ")";
    case ScalarType::dynamic_:
      if (family == Family::nested) return "CAST(to_json(" + from + ") AS VARCHAR)";
      return "CASE WHEN strlen(" + from + ") > " + std::to_string(limit) +
             " THEN NULL ELSE nullif(kc_parse_json(" + from + "), 'null') END";
    default:
      break;
  }
  if (family == Family::text && to == ScalarType::long_) return "kc_parse_long(" + from + ")";
  if (family == Family::text && to == ScalarType::int_)
    return "TRY_CAST(kc_parse_long(" + from + ") AS INTEGER)";
  if (family == Family::text && to == ScalarType::real_) return "kc_parse_real(" + from + ")";
  return "TRY_CAST(" + from + " AS " + std::string(sql_type(to)) + ")";
}

struct FileColumns {
  std::map<std::string, duckdb_type> types;  // by name
  std::string text;                          // of all of it, to tell files of another shape
};

Result<FileColumns> columns_of_file(Duck& duck, const std::string& file) {
  KC_TRY(auto lease, duck.connect());
  auto result = lease.run("SELECT * FROM read_parquet(" + sql_string(file) + ") LIMIT 0");
  if (!result) {
    Error error{.kind = ErrorKind::invalid,
                .code = "engine.ingest",
                .message = "BadRequest_InvalidBlob: " + result.error().message};
    error.service_code = "BadRequest_InvalidBlob";
    return fail(std::move(error));
  }
  FileColumns columns;
  for (idx_t i = 0; i < result->columns(); ++i) {
    columns.types[result->name(i)] = result->type(i);
    columns.text += result->name(i) + '\0' + std::to_string(result->type(i)) + '\0';
  }
  return columns;
}

std::string null_of(ScalarType type) {
  if (type == ScalarType::string_) return "''";
  return "CAST(NULL AS " + std::string(sql_type(type)) + ")";
}

// A constant of the mapping, read as text of the column's type is.
std::string constant_of(const std::string& text, ScalarType type) {
  auto literal = sql_string(text);
  switch (type) {
    case ScalarType::string_:
      return literal;
    case ScalarType::long_:
      return "kc_parse_long(" + literal + ")";
    case ScalarType::int_:
      return "TRY_CAST(kc_parse_long(" + literal + ") AS INTEGER)";
    case ScalarType::real_:
      return "kc_parse_real(" + literal + ")";
    case ScalarType::bool_:
      return "kc_parse_bool(" + literal + ")";
    case ScalarType::datetime_:
      return "kc_parse_datetime(" + literal + ")";
    case ScalarType::timespan_:
      return "kc_parse_timespan(" + literal + ")";
    case ScalarType::guid_:
      return "kc_parse_guid(" + literal + ")";
    case ScalarType::decimal_:
      return "kc_parse_decimal(" + literal + ")";
    default:
      return "coalesce(nullif(kc_parse_json(" + literal + "), 'null'), kc_json_string(" + literal +
             "))";
  }
}

std::string unix_sql(const std::string& from, Transform transform) {
  const auto whole = "TRY_CAST(" + from + " AS HUGEINT)";
  const std::string ticks = transform == Transform::unix_seconds        ? whole + " * 10000000"
                            : transform == Transform::unix_milliseconds ? whole + " * 10000"
                            : transform == Transform::unix_microseconds ? whole + " * 10"
                                                                        : whole + " // 100";
  const auto at = "(" + ticks + " + 621355968000000000)";
  return "CASE WHEN " + at + " BETWEEN 0 AND 3155378975999999999 THEN CAST(" + at +
         " AS BIGINT) END";
}

// The SQL of one column from the files of one shape.
Result<std::string> column_sql(Duck& duck, const std::string& file, const std::string& address,
                               const FileColumns& shape, const FieldMapping& mapping,
                               ScalarType type, std::size_t limit) {
  if (mapping.constant) return constant_of(*mapping.constant, type);
  if (mapping.transform == Transform::source_location) return constant_of(address, type);
  if (mapping.transform == Transform::source_line_number)
    return bad_blob("BadRequest_InvalidMapping", "a Parquet file has no line numbers");
  if (mapping.path.empty()) return null_of(type);
  const auto found = shape.types.find(mapping.path.front().name);
  if (found == shape.types.end()) return null_of(type);
  auto from = sql_name(found->first);
  auto physical = found->second;
  if (mapping.path.size() > 1) {
    for (std::size_t i = 1; i < mapping.path.size(); ++i) {
      const auto& step = mapping.path[i];
      from += step.index ? "[" + std::to_string(*step.index + 1) + "]" : "." + sql_name(step.name);
    }
    from = "(" + from + ")";
    KC_TRY(auto lease, duck.connect());
    auto typed =
        lease.run("SELECT " + from + " FROM read_parquet(" + sql_string(file) + ") LIMIT 0");
    if (!typed) return null_of(type);  // no such member
    physical = typed->type(0);
  }
  const bool of_unix = mapping.transform == Transform::unix_seconds ||
                       mapping.transform == Transform::unix_milliseconds ||
                       mapping.transform == Transform::unix_microseconds ||
                       mapping.transform == Transform::unix_nanoseconds;
  if (of_unix && type == ScalarType::datetime_) return unix_sql(from, mapping.transform);
  if (mapping.transform == Transform::bytes_as_base64 && physical == DUCKDB_TYPE_BLOB &&
      type == ScalarType::string_)
    return "coalesce(base64(" + from + "), '')";
  auto value = converted(from, physical, type, limit);
  return value.empty() ? null_of(type) : value;
}

}  // namespace

Result<std::string> parquet_select(Duck& duck, const ParquetFiles& files,
                                   const std::vector<Column>& columns,
                                   const std::vector<FieldMapping>& mappings,
                                   const std::vector<std::size_t>& limits) {
  struct Group {
    FileColumns shape;
    std::string first, address, list;
  };
  const bool by_file = std::any_of(mappings.begin(), mappings.end(), [](const auto& mapping) {
    return mapping.transform == Transform::source_location;
  });
  std::map<std::string, Group> groups;  // files of one shape are read together
  for (std::size_t i = 0; i < files.paths.size(); ++i) {
    const auto& file = files.paths[i];
    KC_TRY(auto found, columns_of_file(duck, file));
    auto& group = groups[by_file ? std::to_string(i) : found.text];
    group.shape = std::move(found);
    if (group.list.empty()) {
      group.first = file;
      group.address = i < files.addresses.size() ? files.addresses[i] : file;
    }
    group.list += (group.list.empty() ? "" : ", ") + sql_string(file);
  }
  std::string sql;
  for (const auto& [key, group] : groups) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += "SELECT ";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      KC_TRY(const auto value,
             column_sql(duck, group.first, group.address, group.shape, mappings[i], columns[i].type,
                        i < limits.size() ? limits[i] : kStringBytesMax));
      sql += (i > 0 ? ", " : "") + value + " AS c" + std::to_string(i);
    }
    sql += " FROM read_parquet([" + group.list + "])";
  }
  return sql;
}

}  // namespace kc::engine
