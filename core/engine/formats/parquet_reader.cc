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

std::string converted(const std::string& from, duckdb_type type, ScalarType to) {
  const auto family = family_of(type);
  if (!allowed(family, to)) return {};
  switch (to) {
    case ScalarType::string_:
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
      return "CASE WHEN strlen(" + from + ") > 1048576 THEN NULL ELSE nullif(kc_parse_json(" +
             from + "), 'null') END";
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

}  // namespace

Result<std::string> parquet_select(Duck& duck, const std::vector<std::string>& files,
                                   const std::vector<Column>& columns,
                                   const std::vector<FieldMapping>& mappings) {
  std::map<std::string, std::pair<FileColumns, std::string>>
      groups;  // files of one shape are read together
  for (const auto& file : files) {
    KC_TRY(auto found, columns_of_file(duck, file));
    auto& [shape, list] = groups[found.text];
    shape = std::move(found);
    list += (list.empty() ? "" : ", ") + sql_string(file);
  }
  std::string sql;
  for (const auto& [text, group] : groups) {
    const auto& types = group.first.types;
    if (!sql.empty()) sql += " UNION ALL ";
    sql += "SELECT ";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      std::string value;
      const auto& mapping = mappings[i];
      if (mapping.constant) {
        return fail(ErrorKind::invalid, "engine.ingest",
                    "BadRequest_InvalidMapping: ConstValue is not supported for Parquet");
      }
      const auto found = mapping.path.size() == 1 ? types.find(mapping.path.front()) : types.end();
      if (found != types.end())
        value = converted(sql_name(found->first), found->second, columns[i].type);
      if (value.empty()) value = null_of(columns[i].type);
      sql += (i > 0 ? ", " : "") + value + " AS c" + std::to_string(i);
    }
    sql += " FROM read_parquet([" + group.second + "])";
  }
  return sql;
}

}  // namespace kc::engine
