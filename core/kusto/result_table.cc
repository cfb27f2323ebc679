#include "core/kusto/result_table.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "core/kusto/classify.h"
#include "core/kusto/raw_table.h"

namespace kc::kusto {

using nlohmann::json;

struct ResultTable::Data {
  RawTable table;

  // The values of one column through `read`, which gives nullopt where a value does not fit.
  // `types` are the declared types that may be read so; an answer that does not declare one is
  // judged by its values alone.
  template <class T, class ReadValue>
  Result<std::vector<T>> column(std::string_view name, std::initializer_list<ScalarType> types,
                                ReadValue&& read) const {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].name != name) continue;
      const auto declared = table.columns[i].type;
      if (declared && std::find(types.begin(), types.end(), *declared) == types.end()) {
        return fail(
            malformed_answer("column " + clean_message(name) + " has another type than expected"));
      }
      std::vector<T> values;
      values.reserve(table.rows.size());
      for (const json& row : table.rows) {
        std::optional<T> value = read(row[i]);
        if (!value)
          return fail(malformed_answer("a value of column " + clean_message(name) +
                                       " does not fit its type"));
        values.push_back(std::move(*value));
      }
      return values;
    }
    return fail(malformed_answer("column " + clean_message(name) + " is missing"));
  }
};

namespace {

std::optional<std::int64_t> read_long(const json& value) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<double> read_real(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<bool> read_bool(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value == 0) return false;
  if (value == 1) return true;
  return std::nullopt;
}

template <class T, class Parse>
std::optional<T> read_text(const json& value, Parse&& parse) {
  if (!value.is_string()) return std::nullopt;
  auto parsed = parse(value.get_ref<const std::string&>());
  if (!parsed) return std::nullopt;
  return *parsed;
}

std::optional<std::string> read_string(const json& value) {
  if (value.is_null()) return std::string{};
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

}  // namespace

Result<ResultTable> ResultTable::from_v1(std::string_view body,
                                         const std::vector<std::string>& tables) {
  KC_TRY(RawTable table, read_v1(body, tables));
  return ResultTable(std::make_shared<Data>(Data{std::move(table)}));
}

Result<ResultTable> ResultTable::from_v2(std::string_view body,
                                         const std::vector<std::string>& tables) {
  KC_TRY(RawTable table, read_v2(body, tables));
  return ResultTable(std::make_shared<Data>(Data{std::move(table)}));
}

std::size_t ResultTable::row_count() const { return data_->table.rows.size(); }

bool ResultTable::has_column(std::string_view name) const {
  const auto& columns = data_->table.columns;
  return std::any_of(columns.begin(), columns.end(),
                     [&](const auto& column) { return column.name == name; });
}

Result<std::vector<std::string>> ResultTable::strings(std::string_view name) const {
  return data_->column<std::string>(name, {ScalarType::string_}, read_string);
}

Result<std::vector<std::int64_t>> ResultTable::longs(std::string_view name) const {
  return data_->column<std::int64_t>(name, {ScalarType::long_, ScalarType::int_}, read_long);
}

Result<std::vector<double>> ResultTable::reals(std::string_view name) const {
  return data_->column<double>(name, {ScalarType::real_, ScalarType::long_, ScalarType::int_},
                               read_real);
}

Result<std::vector<bool>> ResultTable::bools(std::string_view name) const {
  return data_->column<bool>(name, {ScalarType::bool_}, read_bool);
}

Result<std::vector<Ticks>> ResultTable::datetimes(std::string_view name) const {
  return data_->column<Ticks>(name, {ScalarType::datetime_}, [](const json& value) {
    return read_text<Ticks>(value, parse_datetime);
  });
}

Result<std::vector<Uuid>> ResultTable::guids(std::string_view name) const {
  return data_->column<Uuid>(name, {ScalarType::guid_, ScalarType::string_},
                             [](const json& value) { return read_text<Uuid>(value, Uuid::parse); });
}

}  // namespace kc::kusto
