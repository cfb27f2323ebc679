#include "core/engine/results/table.h"

#include <charconv>
#include <cmath>

#include "core/base/json.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {

std::string_view dotnet_name(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return "SByte";
    case ScalarType::int_:
      return "Int32";
    case ScalarType::long_:
      return "Int64";
    case ScalarType::real_:
      return "Double";
    case ScalarType::decimal_:
      return "SqlDecimal";
    case ScalarType::datetime_:
      return "DateTime";
    case ScalarType::timespan_:
      return "TimeSpan";
    case ScalarType::guid_:
      return "Guid";
    case ScalarType::string_:
      return "String";
    default:
      return "Object";
  }
}

std::string dotnet_type(ScalarType type) {
  return (type == ScalarType::decimal_ ? "System.Data.SqlTypes." : "System.") +
         std::string(dotnet_name(type));
}

void append_json_value(std::string& out, const Value& value, ScalarType type) {
  if (std::holds_alternative<std::monostate>(value)) {
    out += type == ScalarType::string_ ? "\"\"" : "null";
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (type == ScalarType::datetime_) {
      append_json_string(out, format_datetime({*number}));
    } else if (type == ScalarType::timespan_) {
      append_json_string(out, format_timespan({*number}));
    } else {
      out += std::to_string(*number);
    }
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isnan(*real)) {
      out += "\"NaN\"";
    } else if (std::isinf(*real)) {
      out += *real > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else {
      char text[40];
      const auto end = std::to_chars(text, text + sizeof text, *real).ptr;
      out.append(text, end);
      if (std::string_view(text, static_cast<std::size_t>(end - text)).find_first_of(".e") ==
          std::string_view::npos) {
        out += ".0";
      }
    }
  } else if (type == ScalarType::dynamic_) {
    out += std::get<std::string>(value);
  } else {
    append_json_string(out, std::get<std::string>(value));
  }
}

ResultTable encode(const RowTable& table, std::string name) {
  ResultTable result{.name = std::move(name), .columns = table.columns, .rows = {}, .row_count = 0};
  for (const auto& row : table.rows) {
    result.rows += result.row_count++ == 0 ? "[" : ",[";
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (column > 0) result.rows += ',';
      append_json_value(result.rows, row[column], table.columns[column].type);
    }
    result.rows += ']';
  }
  return result;
}

namespace {

Value value_from(const nlohmann::json& cell, ScalarType type) {
  if (cell.is_null()) return {};
  switch (type) {
    case ScalarType::bool_:
      return cell.get<bool>();
    case ScalarType::int_:
    case ScalarType::long_:
      return cell.get<std::int64_t>();
    case ScalarType::datetime_:
      if (auto at = parse_datetime(cell.get<std::string>())) return at->value;
      return {};
    case ScalarType::timespan_:
      if (auto span = parse_duration(cell.get<std::string>())) return span->ticks;
      return {};
    case ScalarType::real_:
      if (cell.is_string()) {
        const auto& text = cell.get_ref<const std::string&>();
        if (text == "NaN") return std::nan("");
        return text == "-Infinity" ? -HUGE_VAL : HUGE_VAL;
      }
      return cell.get<double>();
    case ScalarType::dynamic_:
      return cell.dump();
    default:
      return cell.get<std::string>();
  }
}

}  // namespace

Result<RowTable> decode(const ResultTable& table) {
  RowTable rows{.columns = table.columns, .rows = {}};
  const auto json = nlohmann::json::parse("[" + table.rows + "]", nullptr, false);
  if (!json.is_array())
    return fail(ErrorKind::corrupt, "engine.result", "a stored result is no JSON");
  rows.rows.reserve(json.size());
  for (const auto& row : json) {
    auto& values = rows.rows.emplace_back();
    for (std::size_t column = 0; column < table.columns.size() && column < row.size(); ++column) {
      values.push_back(value_from(row[column], table.columns[column].type));
    }
  }
  return rows;
}

std::string to_text(const ResultTable& table) {
  std::string out = "{\"columns\":[";
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    if (column > 0) out += ',';
    out += '[';
    append_json_string(out, table.columns[column].name);
    out += ",\"" + std::string(to_string(table.columns[column].type)) + "\"]";
  }
  return out + "],\"rows\":[" + table.rows + "]}";
}

Result<ResultTable> table_from_text(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto mark = text.find("],\"rows\":[");
  if (!json.is_object() || mark == std::string_view::npos) {
    return fail(ErrorKind::corrupt, "engine.result", "a stored result is no JSON");
  }
  ResultTable table;
  table.name = "Table_0";
  for (const auto& column : json["columns"]) {
    table.columns.push_back(
        {column[0].get<std::string>(),
         parse_scalar_type(column[1].get<std::string>()).value_or(ScalarType::string_)});
  }
  table.row_count = static_cast<std::int64_t>(json["rows"].size());
  for (const auto& row : json["rows"]) table.rows += (table.rows.empty() ? "" : ",") + row.dump();
  return table;
}

}  // namespace kc::engine
