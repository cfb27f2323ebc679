#include <algorithm>
#include <array>

#include "core/base/ticks.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

// Functions that are one SQL expression. `takes` has a letter per argument: s string, l long, r
// real, b bool, d datetime, t timespan, D dynamic, x as it is, S anything by tostring(). `$1`
// stands for the first argument.
struct Template {
  std::string_view name;
  std::string_view takes;
  ScalarType gives;
  std::string_view sql;
};
constexpr ScalarType kBool = ScalarType::bool_, kLong = ScalarType::long_,
                     kReal = ScalarType::real_, kString = ScalarType::string_,
                     kDynamic = ScalarType::dynamic_;
constexpr std::array kTemplates{
    Template{"strlen", "S", kLong, "CAST(length($1) AS BIGINT)"},
    Template{"string_size", "S", kLong, "CAST(strlen($1) AS BIGINT)"},
    Template{"tolower", "S", kString, "lower($1)"},
    Template{"toupper", "S", kString, "upper($1)"},
    Template{"reverse", "S", kString, "reverse($1)"},
    Template{"replace_string", "sss", kString, "replace($1, $2, $3)"},
    Template{"replace_regex", "sss", kString, "regexp_replace($1, $2, $3, 'g')"},
    Template{"trim_start", "ss", kString, "regexp_replace($2, '^(?:' || $1 || ')+', '')"},
    Template{"trim_end", "ss", kString, "regexp_replace($2, '(?:' || $1 || ')+$', '')"},
    Template{
        "trim", "ss", kString,
        "regexp_replace(regexp_replace($2, '^(?:' || $1 || ')+', ''), '(?:' || $1 || ')+$', '')"},
    Template{"base64_encode_tostring", "s", kString, "base64(encode($1))"},
    Template{"base64_decode_tostring", "s", kString, "TRY(decode(from_base64($1)))"},
    Template{"strrep", "Sl", kString, "repeat($1, $2)"},
    Template{"strcmp", "ss", kLong, "kc_compare_texts($1, $2)"},
    Template{"translate", "sss", kString, "kc_translate($1, $2, $3)"},
    Template{"isascii", "s", kBool, "kc_is_ascii($1)"},
    Template{"hash_md5", "S", kString, "md5($1)"},
    Template{"hash_sha256", "S", kString, "sha256($1)"},
    Template{"hash_sha1", "S", kString, "sha1($1)"},
    Template{"url_encode", "s", kString, "url_encode($1)"},
    Template{"url_decode", "s", kString, "url_decode($1)"},
    Template{"abs", "r", kReal, "abs($1)"},
    Template{"ceiling", "r", kReal, "ceil($1)"},
    Template{"sqrt", "r", kReal, "CASE WHEN $1 >= 0 THEN sqrt($1) END"},
    Template{"exp", "r", kReal, "exp($1)"},
    Template{"exp2", "r", kReal, "pow(2, $1)"},
    Template{"exp10", "r", kReal, "pow(10, $1)"},
    Template{"log", "r", kReal, "CASE WHEN $1 > 0 THEN ln($1) END"},
    Template{"log10", "r", kReal, "CASE WHEN $1 > 0 THEN log10($1) END"},
    Template{"log2", "r", kReal, "CASE WHEN $1 > 0 THEN log2($1) END"},
    Template{"sin", "r", kReal, "sin($1)"},
    Template{"cos", "r", kReal, "cos($1)"},
    Template{"tan", "r", kReal, "tan($1)"},
    Template{"cot", "r", kReal, "cot($1)"},
    Template{"asin", "r", kReal, "CASE WHEN abs($1) <= 1 THEN asin($1) END"},
    Template{"acos", "r", kReal, "CASE WHEN abs($1) <= 1 THEN acos($1) END"},
    Template{"atan", "r", kReal, "atan($1)"},
    Template{"atan2", "rr", kReal, "atan2($1, $2)"},
    Template{"degrees", "r", kReal, "degrees($1)"},
    Template{"radians", "r", kReal, "radians($1)"},
    Template{"gamma", "r", kReal, "gamma($1)"},
    Template{"loggamma", "r", kReal, "lgamma($1)"},
    Template{"bitset_count_ones", "l", kLong, "CAST(bit_count($1) AS BIGINT)"},
    Template{"pow", "rr", kReal, "pow($1, $2)"},
    Template{"round", "r", kReal, "round($1)"},
    Template{"round", "rl", kReal, "round($1, CAST($2 AS INTEGER))"},
    Template{"pi", "", kReal, "pi()"},
    Template{"sign", "r", kReal, "CAST(sign($1) AS DOUBLE)"},
    Template{"isnan", "r", kBool, "isnan($1)"},
    Template{"isinf", "r", kBool, "isinf($1)"},
    Template{"isfinite", "r", kBool, "isfinite($1)"},
    Template{"not", "b", kBool, "(NOT $1)"},
    Template{"binary_and", "ll", kLong, "($1 & $2)"},
    Template{"binary_or", "ll", kLong, "($1 | $2)"},
    Template{"binary_xor", "ll", kLong, "xor($1, $2)"},
    Template{"binary_not", "l", kLong, "(~$1)"},
    Template{"array_length", "D", kLong,
             "CASE WHEN json_type($1) = 'ARRAY' THEN CAST(json_array_length($1) AS BIGINT) END"},
    Template{"bag_keys", "D", kDynamic,
             "CASE WHEN json_type($1) = 'OBJECT' THEN CAST(to_json(json_keys($1)) AS VARCHAR) END"},
    Template{"bag_has_key", "Ds", kBool, "list_contains(json_keys($1), $2)"},
    Template{"set_has_element", "Dx", kBool, ""},
    Template{"gettype", "x", kString, ""},
    Template{"isutf8", "s", kBool, "TRUE"},
    Template{"new_guid", "", ScalarType::guid_, "uuid()"},
    Template{"rand", "", kReal, "random()"},
};

ScalarType type_of(char letter) {
  switch (letter) {
    case 's':
    case 'S':
      return ScalarType::string_;
    case 'l':
      return ScalarType::long_;
    case 'r':
      return ScalarType::real_;
    case 'b':
      return ScalarType::bool_;
    case 'd':
      return ScalarType::datetime_;
    case 't':
      return ScalarType::timespan_;
    default:
      return ScalarType::dynamic_;
  }
}

std::string filled(std::string_view sql, const std::vector<std::string>& args) {
  std::string out;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '$' && i + 1 < sql.size() && sql[i + 1] >= '1' && sql[i + 1] <= '9') {
      out += args[static_cast<std::size_t>(sql[++i] - '1')];
    } else {
      out.push_back(sql[i]);
    }
  }
  return out;
}

std::optional<ScalarType> conversion(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, ScalarType>, 15> kConversions{{
      {"tostring", ScalarType::string_},
      {"toint", ScalarType::int_},
      {"tolong", ScalarType::long_},
      {"toreal", ScalarType::real_},
      {"todouble", ScalarType::real_},
      {"todecimal", ScalarType::decimal_},
      {"tobool", ScalarType::bool_},
      {"toboolean", ScalarType::bool_},
      {"todatetime", ScalarType::datetime_},
      {"totimespan", ScalarType::timespan_},
      {"toguid", ScalarType::guid_},
      {"todynamic", ScalarType::dynamic_},
      {"toobject", ScalarType::dynamic_},
      {"parse_json", ScalarType::dynamic_},
      {"parsejson", ScalarType::dynamic_},
  }};
  for (const auto& [word, type] : kConversions) {
    if (word == name) return type;
  }
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

Sql text_sql(std::string text) {
  return {.text = std::move(text), .type = ScalarType::string_, .nullable = false};
}

}  // namespace

Result<void> Translator::arity(const Expr& call, std::size_t low, std::size_t high) const {
  if (call.args.size() >= low && call.args.size() <= high) return {};
  return fail(semantic(call.offset, "SEM0219",
                       "The function '" + call.text + "' does not take " +
                           std::to_string(call.args.size()) + " arguments"));
}

Result<Sql> Translator::call(const Expr& expr, const Row& row, const Scope& scope) {
  if (row.aggregates && is_aggregate(expr.text)) return aggregate(expr, row, scope);
  if (row.aggregates && is_refused_aggregate(expr.text)) {
    return fail(semantic(expr.offset, "SEM0100",
                         "The aggregate function '" + expr.text + "' is not supported"));
  }
  if (const Binding* binding = find(scope, expr.text);
      binding != nullptr && binding->let != nullptr && binding->let->function) {
    return let_call(*binding, expr, row, scope);
  }
  for (const auto family : {&Translator::context_call, &Translator::window_call,
                            &Translator::choice_call, &Translator::typed_call}) {
    KC_TRY(std::optional<Sql> made, (this->*family)(expr, row, scope));
    if (made) return std::move(*made);
  }
  if (is_aggregate(expr.text)) {
    return fail(semantic(expr.offset, "SEM0100",
                         "The aggregate function '" + expr.text + "' stands outside 'summarize'"));
  }
  std::vector<Sql> args;
  for (const ExprPtr& arg : expr.args) {
    KC_TRY(Sql value, scalar(*arg, row, scope));
    args.push_back(std::move(value));
  }
  for (const auto family :
       {&Translator::text_call, &Translator::special_call, &Translator::time_call,
        &Translator::dynamic_call, &Translator::composed_call, &Translator::template_call}) {
    KC_TRY(std::optional<Sql> made, (this->*family)(expr, args));
    if (made) return std::move(*made);
  }
  return fail(semantic(expr.offset, "SEM0100",
                       "The function '" + expr.text + "' is not known or not supported"));
}

Result<std::optional<Sql>> Translator::template_call(const Expr& expr,
                                                     const std::vector<Sql>& args) {
  bool known = false;
  for (const Template& entry : kTemplates) {
    if (entry.name != expr.text || entry.sql.empty()) continue;
    known = true;
    if (entry.takes.size() != args.size()) continue;
    std::vector<std::string> texts;
    Sql made{.text = "", .type = entry.gives, .nullable = false};
    for (std::size_t i = 0; i < args.size(); ++i) {
      Sql arg = args[i];
      if (entry.takes[i] == 'S') {
        arg = to(ScalarType::string_, arg);
      } else if (entry.takes[i] != 'x') {
        KC_TRY(arg, implicit(type_of(entry.takes[i]), arg, expr.args[i]->offset));
      }
      made.nullable = made.nullable || arg.nullable;
      texts.push_back(std::move(arg.text));
    }
    made.text = filled(entry.sql, texts);
    if (entry.gives == ScalarType::string_) {
      made.text = "coalesce(" + made.text + ", '')";
      made.nullable = false;
    }
    made.nullable = made.nullable || entry.sql.starts_with("CASE");
    return made;
  }
  if (known)
    return fail(semantic(expr.offset, "SEM0219",
                         "The function '" + expr.text + "' does not take " +
                             std::to_string(args.size()) + " arguments"));
  return std::nullopt;
}

// Functions whose arguments decide more than a template can say.
Result<std::optional<Sql>> Translator::special_call(const Expr& expr,
                                                    const std::vector<Sql>& args) {
  const std::string& name = expr.text;
  if (const auto type = conversion(name)) {
    KC_CHECK_OK(arity(expr, 1, 1));
    return to(*type, args[0]);
  }
  if (name == "strcat" || name == "strcat_delim") {
    KC_CHECK_OK(arity(expr, name == "strcat" ? 1 : 2, 64));
    std::vector<std::string> parts;
    parts.reserve(args.size());
    for (const Sql& arg : args) parts.push_back(to(ScalarType::string_, arg).text);
    if (name == "strcat_delim") return text_sql("concat_ws(" + joined(parts, ", ") + ")");
    return text_sql(parts.size() == 1 ? parts[0] : "(" + joined(parts, " || ") + ")");
  }
  if (name == "hash" || name == "hash_xxhash64") {
    KC_CHECK_OK(arity(expr, 1, 2));
    const Sql& value = args[0];
    Sql made{.text = "", .type = ScalarType::long_, .nullable = value.nullable};
    switch (value.type) {
      case ScalarType::string_:
        made.text = "kc_xxh64(" + value.text + ")";
        break;
      case ScalarType::long_:
      case ScalarType::datetime_:
      case ScalarType::timespan_:
        made.text = "kc_xxh64_ticks(" + value.text + ")";
        break;
      default:
        return fail(semantic(expr.offset, "SEM0043",
                             "'" + name + "' of a value of type " +
                                 std::string(to_string(value.type)) +
                                 " is not supported: convert it first"));
    }
    if (args.size() == 2) {
      KC_TRY(const Sql divisor, implicit(ScalarType::long_, args[1], expr.args[1]->offset));
      return arithmetic('%', std::move(made), divisor, expr.offset);
    }
    return made;
  }
  if (name == "isnull" || name == "isnotnull") {
    KC_CHECK_OK(arity(expr, 1, 1));
    const bool negated = name == "isnotnull";
    Sql made{.text = negated ? "TRUE" : "FALSE", .type = ScalarType::bool_, .nullable = false};
    if (args[0].nullable)
      made.text = "(" + args[0].text + (negated ? " IS NOT NULL)" : " IS NULL)");
    return made;
  }
  if (name == "isempty" || name == "isnotempty") {
    KC_CHECK_OK(arity(expr, 1, 1));
    return Sql{.text = "(" + to(ScalarType::string_, args[0]).text +
                       (name == "isempty" ? " = '')" : " <> '')"),
               .type = ScalarType::bool_,
               .nullable = false};
  }
  if (name == "bin" || name == "floor") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(Sql made, bin(args[0], args[1], expr.offset));
    return made;
  }
  if (name == "split") {
    KC_CHECK_OK(arity(expr, 2, 3));
    KC_TRY(const Sql text, implicit(ScalarType::string_, args[0], expr.args[0]->offset));
    KC_TRY(const Sql by, implicit(ScalarType::string_, args[1], expr.args[1]->offset));
    std::string list = "string_split(" + text.text + ", " + by.text + ")";
    if (args.size() == 3) {
      KC_TRY(const Sql index, implicit(ScalarType::long_, args[2], expr.args[2]->offset));
      list = "list_slice(" + list + ", " + index.text + " + 1, " + index.text + " + 1)";
    }
    return Sql{.text = "CAST(to_json(" + list + ") AS VARCHAR)",
               .type = ScalarType::dynamic_,
               .nullable = false};
  }
  if (name == "strcat_array") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql array, implicit(ScalarType::dynamic_, args[0], expr.args[0]->offset));
    const std::string elements = "list_transform(json_extract(" + array.text +
                                 ", '$[*]'), lambda e: kc_dynamic_text(CAST(e AS VARCHAR)))";
    return text_sql("coalesce(array_to_string(" + elements + ", " +
                    to(ScalarType::string_, args[1]).text + "), '')");
  }
  if (name == "pack_array" || name == "bag_pack" || name == "pack" || name == "pack_dictionary") {
    const bool array = name == "pack_array";
    if (!array && args.size() % 2 != 0)
      return fail(
          semantic(expr.offset, "SEM0219", "'" + name + "' takes pairs of a key and a value"));
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < args.size(); ++i) {
      std::string part = "coalesce(" + json_of(args[i]) + ", 'null')";
      if (!array && i % 2 == 0) part = json_of(to(ScalarType::string_, args[i])) + " || ':'";
      if (!array && i % 2 == 1) {
        parts.back() += " || " + part;
      } else {
        parts.push_back(std::move(part));
      }
    }
    const std::string inner = parts.empty() ? "''" : joined(parts, " || ',' || ");
    return Sql{.text = std::string("(") + (array ? "'['" : "'{'") + " || " + inner + " || " +
                       (array ? "']'" : "'}'") + ")",
               .type = ScalarType::dynamic_,
               .nullable = false};
  }
  if (name == "set_has_element" || name == "array_index_of") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql array, implicit(ScalarType::dynamic_, args[0], expr.args[0]->offset));
    const std::string elements = "list_transform(json_extract(" + array.text +
                                 ", '$[*]'), lambda e: kc_dynamic_text(CAST(e AS VARCHAR)))";
    const std::string wanted = to(ScalarType::string_, args[1]).text;
    if (name == "set_has_element")
      return Sql{.text = "list_contains(" + elements + ", " + wanted + ")",
                 .type = ScalarType::bool_};
    return Sql{
        .text = "CAST(coalesce(list_position(" + elements + ", " + wanted + "), 0) - 1 AS BIGINT)",
        .type = ScalarType::long_};
  }
  if (name == "gettype") {
    KC_CHECK_OK(arity(expr, 1, 1));
    if (args[0].type != ScalarType::dynamic_) return string_value(to_string(args[0].type));
    return text_sql(
        "coalesce(CASE json_type(" + args[0].text +
        ") WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' WHEN 'VARCHAR' THEN 'string' "
        "WHEN 'BOOLEAN' THEN 'bool' WHEN 'DOUBLE' THEN 'double' WHEN 'NULL' THEN 'null' ELSE "
        "'long' END, 'null')");
  }
  if ((name == "abs" || name == "sign") && args.size() == 1 && args[0].type != ScalarType::real_ &&
      args[0].type != ScalarType::dynamic_) {
    if (args[0].type == ScalarType::timespan_ && name == "abs")
      return Sql{.text = "abs(" + args[0].text + ")",
                 .type = ScalarType::timespan_,
                 .nullable = args[0].nullable};
    KC_TRY(const Sql number, implicit(ScalarType::long_, args[0], expr.offset));
    return Sql{.text = "CAST(" + name + "(" + number.text + ") AS BIGINT)",
               .type = ScalarType::long_,
               .nullable = number.nullable};
  }
  if (name == "binary_shift_left" || name == "binary_shift_right") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql value, implicit(ScalarType::long_, args[0], expr.offset));
    KC_TRY(const Sql by, implicit(ScalarType::long_, args[1], expr.offset));
    return Sql{
        .text = "(" + value.text + (name == "binary_shift_left" ? " << " : " >> ") + by.text + ")",
        .type = ScalarType::long_,
        .nullable = value.nullable || by.nullable};
  }
  return std::nullopt;
}

Result<Sql> Translator::bin(const Sql& given, const Sql& size, std::size_t offset) {
  Sql value = given;
  if (value.type == ScalarType::int_ && size.type != ScalarType::real_)
    value = to(ScalarType::long_, value);
  const ScalarType type = value.type;
  const bool time = type == ScalarType::datetime_ || type == ScalarType::timespan_;
  if (time && size.type != ScalarType::timespan_) {
    return fail(semantic(offset, "SEM0043", "The bin of a time needs a timespan as its size"));
  }
  if (size.literal && !size.literal->is_null &&
      (size.type == ScalarType::real_ ? !(size.literal->number > 0) : size.literal->integer <= 0)) {
    return null_of(type);
  }
  const std::string guard = size.literal ? "" : " WHEN " + size.text + " <= 0 THEN NULL";
  if (type == ScalarType::real_ || size.type == ScalarType::real_) {
    KC_TRY(const Sql x, implicit(ScalarType::real_, value, offset));
    KC_TRY(const Sql step, implicit(ScalarType::real_, size, offset));
    const std::string plain = "(floor(" + x.text + " / " + step.text + ") * " + step.text + ")";
    return Sql{.text = guard.empty() ? plain : "(CASE" + guard + " ELSE " + plain + " END)",
               .type = ScalarType::real_};
  }
  Sql step = size;
  if (!time) {
    KC_TRY(value, implicit(ScalarType::long_, value, offset));
    KC_TRY(step, implicit(ScalarType::long_, size, offset));
  }
  const std::string rest = "(" + value.text + " % " + step.text + ")";
  Sql made{.text = "(" + value.text + " - " + rest + ")",
           .type = time ? type : ScalarType::long_,
           .nullable = value.nullable || !guard.empty()};
  if (type != ScalarType::datetime_) {  // a datetime is never negative
    made.text = "(CASE" + guard + " WHEN " + rest + " < 0 THEN " + value.text + " - " + rest +
                " - " + step.text + " ELSE " + value.text + " - " + rest + " END)";
  } else if (!guard.empty()) {
    made.text = "(CASE" + guard + " ELSE " + made.text + " END)";
  }
  return made;
}

}  // namespace kc::engine
