// Functions of texts whose arguments decide more than a template can say.
#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

Sql text_sql(std::string text) {
  return {.text = "coalesce(" + std::move(text) + ", '')",
          .type = ScalarType::string_,
          .nullable = false};
}

Sql dynamic_sql(std::string text) {
  return {.text = std::move(text), .type = ScalarType::dynamic_};
}

// How many groups a pattern captures: `(` that is neither escaped, in a class, nor `(?:`.
int groups_of(std::string_view pattern) {
  int groups = 0;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (in_class) {
      in_class = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      in_class = true;
    } else if (pattern[i] == '(' && (i + 1 == pattern.size() || pattern[i + 1] != '?' ||
                                     pattern.substr(i + 1).starts_with("?P<"))) {
      ++groups;
    }
  }
  return groups;
}

}  // namespace

Result<std::optional<Sql>> Translator::text_call(const Expr& expr, const std::vector<Sql>& args) {
  const std::string& name = expr.text;
  const auto text = [&](std::size_t i) { return to(ScalarType::string_, args[i]).text; };
  const auto number = [&](std::size_t i, std::string standard) -> Result<std::string> {
    if (i >= args.size()) return standard;
    KC_TRY(const Sql value, implicit(ScalarType::long_, args[i], expr.args[i]->offset));
    return value.text;
  };
  if (name == "indexof") {
    KC_CHECK_OK(arity(expr, 2, 5));
    KC_TRY(const std::string start, number(2, "0"));
    KC_TRY(const std::string length, number(3, "-1"));
    KC_TRY(const std::string occurrence, number(4, "1"));
    return Sql{.text = "kc_index_of(" + text(0) + ", " + text(1) + ", " + start + ", " + length +
                       ", " + occurrence + ")",
               .type = ScalarType::long_};
  }
  if (name == "countof") {
    KC_CHECK_OK(arity(expr, 2, 3));
    std::string kind = "normal";
    if (args.size() == 3) {
      KC_TRY(kind, known_string(expr, args, 2));
    }
    if (kind == "regex")
      return Sql{
          .text = "CAST(len(regexp_extract_all(" + text(0) + ", " + text(1) + ")) AS BIGINT)",
          .type = ScalarType::long_};
    if (kind != "normal")
      return fail(semantic(expr.offset, "SEM0043", "'countof' counts 'normal' or 'regex'"));
    return Sql{.text = "kc_count_of(" + text(0) + ", " + text(1) + ")", .type = ScalarType::long_};
  }
  if (name == "substring") {
    KC_CHECK_OK(arity(expr, 2, 3));
    KC_TRY(const std::string start, number(1, ""));
    // A negative start counts from the end.
    const std::string whole = text(0);
    const std::string from = "(CASE WHEN " + start + " < 0 THEN greatest(length(" + whole + ") + " +
                             start + ", 0) ELSE " + start + " END + 1)";
    if (args.size() == 2) return text_sql("substring(" + whole + ", " + from + ")");
    KC_TRY(const std::string length, number(2, ""));
    return text_sql("substring(" + whole + ", " + from + ", greatest(" + length + ", 0))");
  }
  if (name == "extract_all") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const std::string pattern, known_string(expr, args, 0));
    const int groups = groups_of(pattern);
    if (groups == 0)
      return fail(semantic(expr.offset, "SEM0043", "'extract_all' needs a group to capture"));
    std::string lists;
    for (int i = 1; i <= groups; ++i) {
      lists += (i == 1 ? "" : ", ") + ("regexp_extract_all(" + text(1) + ", " +
                                       quote_string(pattern) + ", " + std::to_string(i) + ")");
    }
    const std::string found = groups == 1 ? lists
                                          : "list_transform(range(len(regexp_extract_all(" +
                                                text(1) + ", " + quote_string(pattern) +
                                                "))), lambda i: list_transform([" + lists +
                                                "], lambda g: g[i + 1]))";
    return dynamic_sql("nullif(CAST(to_json(" + found + ") AS VARCHAR), '[]')");
  }
  if (name == "replace") {  // the old order of replace_regex's arguments
    KC_CHECK_OK(arity(expr, 3, 3));
    return text_sql("regexp_replace(" + text(2) + ", " + text(0) + ", " + text(1) + ", 'g')");
  }
  if (name == "strrep" && args.size() == 3) {
    KC_TRY(const std::string count, number(1, ""));
    return text_sql("array_to_string(list_transform(range(" + count + "), lambda i: " + text(0) +
                    "), " + text(2) + ")");
  }
  if (name == "tohex") {
    KC_CHECK_OK(arity(expr, 1, 2));
    KC_TRY(const std::string value, number(0, ""));
    KC_TRY(const std::string width, number(1, "0"));
    return text_sql("kc_hex(" + value + ", " + width + ")");
  }
  if (name == "format_bytes") {
    KC_CHECK_OK(arity(expr, 1, 2));
    KC_TRY(const Sql size, implicit(ScalarType::real_, args[0], expr.offset));
    KC_TRY(const std::string precision, number(1, "0"));
    return text_sql("kc_format_size(" + size.text + ", " + precision + ")");
  }
  if (name == "replace_strings") {
    KC_CHECK_OK(arity(expr, 3, 3));
    if (!args[1].literal || !args[2].literal || args[1].type != ScalarType::dynamic_ ||
        args[2].type != ScalarType::dynamic_)
      return fail(semantic(expr.offset, "SEM0043", "'replace_strings' takes constant arrays"));
    const auto list = [](const Sql& value) {
      return "list_transform(json_extract(" + value.text +
             ", '$[*]'), lambda e: kc_dynamic_text(CAST(e AS VARCHAR)))";
    };
    return text_sql("list_reduce(list_transform(range(len(" + list(args[1]) + ")), lambda i: [" +
                    list(args[1]) + "[i + 1], " + list(args[2]) +
                    "[i + 1]]), lambda s, p: [replace(s[1], p[1], p[2]), ''], [" + text(0) +
                    ", ''])[1]");
  }
  return std::nullopt;
}

// Functions that take a type, a column's name or all columns beside values.
Result<std::optional<Sql>> Translator::typed_call(const Expr& expr, const Row& row,
                                                  const Scope& scope) {
  const std::string& name = expr.text;
  const auto type_of = [&](std::size_t i) -> Result<ScalarType> {
    const Expr& arg = *expr.args[i];
    if (arg.kind == ExprKind::call && arg.text == "typeof" && arg.args.size() == 1 &&
        arg.args[0]->kind == ExprKind::name) {
      if (const auto type = parse_scalar_type(arg.args[0]->text)) return *type;
    }
    return fail(semantic(arg.offset, "SEM0043", "Expected typeof(…)"));
  };
  if (name == "extract" || name == "extract_json" || name == "extractjson") {
    const bool pattern = name == "extract";
    const std::size_t values = pattern ? 3 : 2;
    KC_CHECK_OK(arity(expr, values, values + 1));
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < values; ++i) {
      KC_TRY(const Sql value, scalar(*expr.args[i], row, scope));
      if (pattern && i == 1) {
        KC_TRY(const Sql group, implicit(ScalarType::long_, value, expr.args[i]->offset));
        texts.push_back("CAST(" + group.text + " AS INTEGER)");
      } else {
        texts.push_back(to(ScalarType::string_, value).text);
      }
    }
    Sql made =
        pattern ? text_sql("regexp_extract(" + texts[2] + ", " + texts[0] + ", " + texts[1] + ")")
                : text_sql("kc_dynamic_text(kc_json_path(" + texts[0] + ", kc_parse_json(" +
                           texts[1] + ")))");
    if (expr.args.size() == values) return made;
    KC_TRY(const ScalarType type, type_of(values));
    return to(type, made);
  }
  if (name == "column_ifexists" || name == "columnifexists") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql wanted, scalar(*expr.args[0], Row{}, scope));
    if (!wanted.literal || wanted.type != ScalarType::string_)
      return fail(semantic(expr.offset, "SEM0043", "A column's name is a constant string"));
    if (row.rows != nullptr && !row.aggregates) {
      if (const RowColumn* column = row.rows->find(wanted.literal->text))
        return Sql{.text = column->sql,
                   .type = column->type,
                   .nullable = column->type != ScalarType::string_};
    }
    KC_TRY(Sql standard, scalar(*expr.args[1], row, scope));
    return standard;
  }
  if (name == "pack_all") {
    KC_CHECK_OK(arity(expr, 0, 1));
    if (row.rows == nullptr) return fail(semantic(expr.offset, "SEM0100", "There are no columns"));
    bool skip = false;
    if (!expr.args.empty()) {
      KC_TRY(const Sql given, scalar(*expr.args[0], Row{}, scope));
      skip = given.literal && given.literal->integer != 0;
    }
    std::string list;
    for (const RowColumn& column : row.rows->columns) {
      const Sql value{.text = column.sql, .type = column.type};
      std::string member = quote_string(json_string(column.name) + ":") + " || coalesce(" +
                           json_of(value) + ", 'null')";
      if (skip)
        member =
            "CASE WHEN " + to(ScalarType::string_, value).text + " <> '' THEN " + member + " END";
      list += ", " + member;
    }
    return Sql{.text = "('{' || concat_ws(','" + list + ") || '}')",
               .type = ScalarType::dynamic_,
               .nullable = false};
  }
  if (name == "estimate_data_size") {
    std::string sum;
    const auto add = [&](const Sql& value) {
      std::string size = "8";
      if (value.type == ScalarType::string_ || value.type == ScalarType::dynamic_)
        size = "coalesce(strlen(" + value.text + "), 0)";
      if (value.type == ScalarType::bool_) size = "1";
      if (value.type == ScalarType::int_) size = "4";
      if (value.type == ScalarType::guid_ || value.type == ScalarType::decimal_) size = "16";
      sum += (sum.empty() ? "" : " + ") + size;
    };
    for (const ExprPtr& arg : expr.args) {
      if (arg->kind == ExprKind::star && row.rows != nullptr) {
        for (const RowColumn& column : row.rows->columns)
          add(Sql{.text = column.sql, .type = column.type});
        continue;
      }
      KC_TRY(const Sql value, scalar(*arg, row, scope));
      add(value);
    }
    return Sql{.text = "CAST(" + (sum.empty() ? "0" : sum) + " AS BIGINT)",
               .type = ScalarType::long_,
               .nullable = false};
  }
  return std::nullopt;
}

}  // namespace kc::engine
