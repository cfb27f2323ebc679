// parse, parse-where and parse-kv: columns out of text.
#include <algorithm>

#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// What a column of a type matches: numbers know where they end, the rest takes what comes before
// the next text.
std::string column_pattern(ScalarType type, bool last) {
  switch (type) {
    case ScalarType::int_:
    case ScalarType::long_:
      return "(-?[0-9]+)";
    case ScalarType::real_:
    case ScalarType::decimal_:
      return "(-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)";
    default:
      return last ? "(.*)" : "(.*?)";
  }
}

// The pattern as a regular expression with a group per column.
std::string pattern_of(const ParseOp& op) {
  const bool regex = op.kind == ParseOp::Kind::regex;
  std::string flags = regex ? op.flags : "s";
  std::string pattern = flags.empty() ? "^" : "(?" + flags + ")^";
  for (std::size_t i = 0; i < op.parts.size(); ++i) {
    const ParsePart& part = op.parts[i];
    const bool last = i + 1 == op.parts.size();
    switch (part.kind) {
      case ParsePart::Kind::text:
        pattern += regex ? "(?:" + part.text + ")" : escaped(part.text);
        break;
      case ParsePart::Kind::skip:
        pattern += last ? ".*" : ".*?";
        break;
      case ParsePart::Kind::column:
        pattern += column_pattern(part.type, last);
        if (last && part.type != ScalarType::string_) pattern += "$";
        break;
    }
  }
  return pattern;
}

// Groups inside the user's own expressions would be counted as columns.
bool captures(std::string_view regex) {
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
    } else if (regex[i] == '(' && (i + 1 == regex.size() || regex[i + 1] != '?')) {
      return true;
    }
  }
  return false;
}

// `(` becomes `(?:`, so that only the columns capture.
std::string without_groups(std::string_view regex) {
  std::string out;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    out += regex[i];
    if (regex[i] == '\\' && i + 1 < regex.size()) {
      out += regex[++i];
    } else if (regex[i] == '(' && (i + 1 == regex.size() || regex[i + 1] != '?')) {
      out += "?:";
    }
  }
  return out;
}

}  // namespace

// In simple mode one value that is none of its column's type leaves all columns empty; in relaxed
// mode only that one. parse-where drops those rows.
Result<Rows> Translator::parse(Rows rows, const ParseOp& given, std::size_t offset,
                               const Scope& scope) {
  ParseOp op = given;
  if (op.flags.find_first_not_of("imsU") != std::string::npos)
    return fail(semantic(offset, "SEM0100", "The flags of parse are i, m, s and U"));
  for (ParsePart& part : op.parts) {
    if (op.kind == ParseOp::Kind::regex && part.kind == ParsePart::Kind::text &&
        captures(part.text))
      part.text = without_groups(part.text);
  }
  if (!rows.extras.empty()) rows.fold();
  KC_TRY(const Sql value, scalar(*op.value, Row{.rows = &rows}, scope));
  const std::string text = to(ScalarType::string_, value).text;
  const std::string groups = fresh(), valid = fresh();
  std::vector<const ParsePart*> parts;
  for (const ParsePart& part : op.parts) {
    if (part.kind == ParsePart::Kind::column) parts.push_back(&part);
  }
  const std::string pattern = quote_string(pattern_of(op));
  std::string list;
  for (std::size_t i = 0; i < parts.size(); ++i)
    list += (list.empty() ? "" : ", ") +
            ("regexp_extract(" + text + ", " + pattern + ", " + std::to_string(i + 1) + ")");
  rows.extras.emplace_back("CASE WHEN regexp_matches(" + text + ", " + pattern + ") THEN [" +
                               (list.empty() ? "''" : list) + "] END",
                           groups);
  rows.fold();
  std::vector<Sql> made;
  std::string all = groups + " IS NOT NULL";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Sql cell{.text = "coalesce(" + groups + "[" + std::to_string(i + 1) + "], '')",
             .type = ScalarType::string_,
             .nullable = false};
    made.push_back(to(parts[i]->type, cell));
    if (parts[i]->type != ScalarType::string_ && op.kind != ParseOp::Kind::relaxed)
      all += " AND " + made.back().text + " IS NOT NULL";
  }
  rows.extras.emplace_back("(" + all + ")", valid);
  rows.fold();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool string = parts[i]->type == ScalarType::string_;
    RowColumn column{parts[i]->text, parts[i]->type, fresh()};
    rows.extras.emplace_back(
        "CASE WHEN " + valid + " THEN " + made[i].text + (string ? " ELSE ''" : "") + " END",
        column.sql);
    const auto old = std::find_if(rows.columns.begin(), rows.columns.end(),
                                  [&](const RowColumn& one) { return one.name == column.name; });
    if (old != rows.columns.end()) {
      *old = std::move(column);
    } else {
      rows.columns.push_back(std::move(column));
    }
  }
  rows.fold();
  if (op.filter) rows.where.push_back(valid);
  return rows;
}

Result<Rows> Translator::parse_pairs(Rows rows, const ParseKvOp& op, std::size_t offset,
                                     const Scope& scope) {
  std::string pairs = " ", equals = "=", quotes, escape;
  bool greedy = false;
  for (const auto& [name, value] : op.properties) {
    if (name == "pair_delimiter") {
      pairs = value.text;
    } else if (name == "kv_delimiter") {
      equals = value.text;
    } else if (name == "quote") {
      quotes = value.text;
    } else if (name == "escape") {
      escape = value.text;
    } else if (name == "greedy") {
      greedy = value.integer != 0;
    } else {
      return fail(
          semantic(offset, "SEM0100", "The property '" + name + "' of parse-kv is not supported"));
    }
  }
  if (equals.empty()) return fail(semantic(offset, "SEM0043", "parse-kv needs a key's delimiter"));
  if (!rows.extras.empty()) rows.fold();
  KC_TRY(const Sql value, scalar(*op.value, Row{.rows = &rows}, scope));
  const std::string bag = fresh();
  const std::string options = "[" + json_string(pairs) + "," + json_string(equals) + "," +
                              json_string(quotes) + "," + json_string(escape) + "," +
                              (greedy ? "true" : "false") + "]";
  rows.extras.emplace_back("kc_pairs_in_text(" + to(ScalarType::string_, value).text + ", " +
                               quote_string(options) + ")",
                           bag);
  rows.fold();
  for (const Column& column : op.columns) {
    const Sql cell{.text = "coalesce(kc_dynamic_text(kc_json_path('$[' || chr(39) || " +
                           quote_string(column.name) + " || chr(39) || ']', " + bag + ")), '')",
                   .type = ScalarType::string_,
                   .nullable = false};
    RowColumn made{column.name, column.type, fresh()};
    rows.extras.emplace_back(to(column.type, cell).text, made.sql);
    const auto old = std::find_if(rows.columns.begin(), rows.columns.end(),
                                  [&](const RowColumn& one) { return one.name == made.name; });
    if (old != rows.columns.end()) {
      *old = std::move(made);
    } else {
      rows.columns.push_back(std::move(made));
    }
  }
  return rows;
}

}  // namespace kc::engine
