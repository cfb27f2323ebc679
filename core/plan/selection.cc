#include "core/plan/selection.h"

#include <algorithm>
#include <cstddef>

#include "core/base/check.h"

namespace kc::plan {
namespace {

// `*` any run, `?` any one character. Iterative, linear in the common case: a hostile pattern
// cannot recurse.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Edit distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& table) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return matches(pattern, table); });
}

const Column* find(const TableSchema& schema, const std::string& name) {
  const auto found = std::find_if(schema.columns.begin(), schema.columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  return found == schema.columns.end() ? nullptr : &*found;
}

}  // namespace

Result<std::vector<std::string>> select_tables(const JobSpec& spec,
                                               const std::vector<std::string>& tables) {
  for (const std::string& entry : spec.tables_include) {
    if (std::any_of(tables.begin(), tables.end(),
                    [&](const auto& table) { return matches(entry, table); }))
      continue;
    auto error = Error{
        .kind = ErrorKind::not_found,
        .code = "preflight.table_not_found",
        .message = "table '" + entry + "' is not in database '" + spec.db + "' at the source"};
    const auto nearest = std::min_element(
        tables.begin(), tables.end(),
        [&](const auto& a, const auto& b) { return distance(a, entry) < distance(b, entry); });
    if (nearest != tables.end()) error.fix = "the nearest name there is '" + *nearest + "'";
    return fail(std::move(error));
  }
  std::vector<std::string> selected;
  for (const std::string& table : tables) {
    if (!spec.tables_include.empty() && !matches_any(spec.tables_include, table)) continue;
    if (!matches_any(spec.tables_exclude, table)) selected.push_back(table);
  }
  return selected;
}

ExportFormat choose_format(FormatChoice choice, const TableSchema& schema) {
  switch (choice) {
    case FormatChoice::csv:
      return ExportFormat::csv;
    case FormatChoice::parquet:
      return ExportFormat::parquet;
    case FormatChoice::auto_:
      break;
  }
  const bool survives =
      std::all_of(schema.columns.begin(), schema.columns.end(), [](const Column& column) {
        switch (column.type) {
          case ScalarType::bool_:
          case ScalarType::int_:
          case ScalarType::long_:
          case ScalarType::real_:
          case ScalarType::string_:
          case ScalarType::dynamic_:
            return true;
          case ScalarType::decimal_:
          case ScalarType::datetime_:
          case ScalarType::timespan_:
          case ScalarType::guid_:
            return false;
        }
        KC_UNREACHABLE();
      });
  return survives ? ExportFormat::parquet : ExportFormat::csv;
}

std::string column_conflict(const TableSchema& source, const TableSchema& destination) {
  for (const Column& column : source.columns) {
    const Column* there = find(destination, column.name);
    if (there && there->type != column.type) {
      return "column '" + column.name + "' is " + std::string(to_string(there->type)) +
             " at the destination and " + std::string(to_string(column.type)) + " at the source";
    }
  }
  return {};
}

bool lacks_columns(const TableSchema& source, const TableSchema& destination) {
  return std::any_of(source.columns.begin(), source.columns.end(), [&](const Column& column) {
    return find(destination, column.name) == nullptr;
  });
}

}  // namespace kc::plan
