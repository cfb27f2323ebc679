#include "core/engine/results/cells.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "core/base/ticks.h"
#include "core/engine/results/table.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

void put_digits(char* at, std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

void append_number(std::string& out, std::int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

template <class T>
const T& cell(const void* values, idx_t row) {
  return static_cast<const T*>(values)[row];
}

// A field is quoted where reading would see something else, and where it is the empty string:
// nothing between two separators is null.
void append_csv_text(std::string& out, std::string_view text, char separator) {
  const char special[] = {separator, '"', '\r', '\n'};
  if (!text.empty() &&
      text.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

void append_datetime(std::string& out, std::int64_t ticks) {
  constexpr std::int64_t kTicksPerDay = 864'000'000'000;
  const std::int64_t day = ticks / kTicksPerDay;
  std::int64_t rest = ticks % kTicksPerDay;
  const std::chrono::year_month_day date(
      std::chrono::sys_days(std::chrono::days(day - kTicksAtUnixEpoch / kTicksPerDay)));
  char text[] = "0000-00-00T00:00:00.0000000Z";
  put_digits(text, static_cast<int>(date.year()), 4);
  put_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 20, rest % kTicksPerSecond, 7);
  rest /= kTicksPerSecond;
  put_digits(text + 17, rest % 60, 2);
  put_digits(text + 14, rest / 60 % 60, 2);
  put_digits(text + 11, rest / 3600, 2);
  out.append(text, sizeof text - 1);
}

void append_timespan(std::string& out, std::int64_t ticks) { out += format_timespan({ticks}); }

void append_guid(std::string& out, const duckdb_hugeint& value) {
  static constexpr char kHex[] = "0123456789abcdef";
  // DuckDB flips the top bit so that its order is that of the text.
  const std::uint64_t upper = static_cast<std::uint64_t>(value.upper) ^ (1ULL << 63);
  char text[36];
  int at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text[at++] = '-';
    const std::uint64_t half = nibble < 16 ? upper : value.lower;
    text[at++] = kHex[(half >> (60 - 4 * (nibble % 16))) & 15];
  }
  out.append(text, sizeof text);
}

void append_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    char text[40];
    const auto* end = std::to_chars(text, text + sizeof text, value).ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
}

ChunkReader::ChunkReader(const DuckChunk& chunk, const std::vector<Column>& columns)
    : rows_(chunk.rows()) {
  vectors_.reserve(columns.size());
  for (idx_t index = 0; index < columns.size(); ++index) {
    auto vector = duckdb_data_chunk_get_vector(chunk.get(), index);
    vectors_.push_back(
        {columns[index].type, duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)});
    auto& key = keys_.emplace_back();
    append_json_string(key, columns[index].name);
    key += ':';
  }
}

void ChunkReader::append_json(std::string& out, const Vector& vector, idx_t row) const {
  if (!valid_cell(vector.validity, row)) {
    out += vector.type == ScalarType::string_ ? "\"\"" : "null";
    return;
  }
  const void* values = vector.values;
  switch (vector.type) {
    case ScalarType::bool_:
      out += cell<bool>(values, row) ? "true" : "false";
      return;
    case ScalarType::int_:
      append_number(out, cell<std::int32_t>(values, row));
      return;
    case ScalarType::long_:
      append_number(out, cell<std::int64_t>(values, row));
      return;
    case ScalarType::real_: {
      const double value = cell<double>(values, row);
      if (!std::isfinite(value)) out += '"';
      append_real(out, value);
      if (!std::isfinite(value)) out += '"';
      return;
    }
    case ScalarType::string_:
    case ScalarType::decimal_:
      append_json_string(out, string_cell(static_cast<const duckdb_string_t*>(values), row));
      return;
    case ScalarType::dynamic_: {
      const auto text = string_cell(static_cast<const duckdb_string_t*>(values), row);
      // A line is a record of a file and a frame of an answer, so the text must hold no line break;
      // compact JSON never does.
      if (text.find_first_of("\r\n") != std::string_view::npos) {
        for (const char c : text) out += c == '\r' || c == '\n' ? ' ' : c;
      } else {
        out += text;
      }
      return;
    }
    default:
      break;
  }
  out += '"';
  if (vector.type == ScalarType::datetime_)
    append_datetime(out, cell<std::int64_t>(values, row));
  else if (vector.type == ScalarType::timespan_)
    append_timespan(out, cell<std::int64_t>(values, row));
  else
    append_guid(out, cell<duckdb_hugeint>(values, row));
  out += '"';
}

void ChunkReader::append_json_rows(std::string& out, idx_t rows) const {
  for (idx_t row = 0; row < rows; ++row) {
    if (!out.empty()) out += ',';
    out += '[';
    for (std::size_t column = 0; column < vectors_.size(); ++column) {
      if (column > 0) out += ',';
      append_json(out, vectors_[column], row);
    }
    out += ']';
  }
}

void ChunkReader::append_json_line(std::string& out, idx_t row) const {
  out += '{';
  bool first = true;
  for (std::size_t column = 0; column < vectors_.size(); ++column) {
    if (!first) out += ',';
    first = false;
    out += keys_[column];
    append_json(out, vectors_[column], row);
  }
  out += "}\n";
}

void ChunkReader::append_csv(std::string& out, idx_t row, char separator) const {
  for (std::size_t column = 0; column < vectors_.size(); ++column) {
    if (column > 0) out += separator;
    const auto& vector = vectors_[column];
    if (!valid_cell(vector.validity, row)) {
      // A record of one null field would be a blank line, which readers skip.
      if (vectors_.size() == 1 || vector.type == ScalarType::string_) out += "\"\"";
      continue;
    }
    const void* values = vector.values;
    switch (vector.type) {
      case ScalarType::bool_:
        out += cell<bool>(values, row) ? "true" : "false";
        break;
      case ScalarType::int_:
        append_number(out, cell<std::int32_t>(values, row));
        break;
      case ScalarType::long_:
        append_number(out, cell<std::int64_t>(values, row));
        break;
      case ScalarType::real_:
        append_real(out, cell<double>(values, row));
        break;
      case ScalarType::datetime_:
        append_datetime(out, cell<std::int64_t>(values, row));
        break;
      case ScalarType::timespan_:
        append_timespan(out, cell<std::int64_t>(values, row));
        break;
      case ScalarType::guid_:
        append_guid(out, cell<duckdb_hugeint>(values, row));
        break;
      default:
        append_csv_text(out, string_cell(static_cast<const duckdb_string_t*>(values), row),
                        separator);
    }
  }
  out += '\n';
}

}  // namespace kc::engine
