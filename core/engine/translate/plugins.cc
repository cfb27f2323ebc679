// evaluate, externaldata, invoke and sample: operators that reach beyond their rows, and plugins
// whose columns depend on the data, which is looked at before the rest is translated.
#include <algorithm>
#include <array>

#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

// A scalar's value, now: constant, or asked from the database.
Result<Literal> Translator::known(const Expr& expr, const Scope& scope) {
  KC_TRY(const Sql value, scalar(expr, Row{}, scope));
  if (value.literal) return *value.literal;
  const Sql text = to(ScalarType::string_, value);
  KC_TRY(const auto rows, ask("SELECT " + text.text));
  if (rows.empty() || !rows[0])
    return Literal{.type = value.type, .is_null = value.type != ScalarType::string_};
  if (value.type == ScalarType::string_) return Literal{.text = *rows[0]};
  auto literal = parse_typed_literal(value.type, *rows[0]);
  if (!literal) return Literal{.type = value.type, .is_null = true};
  return std::move(*literal);
}

// With what the statement has materialised so far.
Result<std::vector<std::optional<std::string>>> Translator::ask(const std::string& sql) {
  return binder_.texts((with_.empty() ? "" : "WITH " + with_ + " ") + sql);
}

Result<std::string> Translator::known_text(const Expr& expr, const Scope& scope) {
  KC_TRY(const Literal value, known(expr, scope));
  if (value.type != ScalarType::string_)
    return fail(semantic(expr.offset, "SEM0043", "Expected a string"));
  return value.text;
}

Result<Rows> Translator::evaluate(std::optional<Rows> rows, const EvaluateOp& op,
                                  const Scope& scope) {
  const Expr& plugin = *op.plugin;
  if (plugin.text == "execute_show_command") {
    KC_CHECK_OK(arity(plugin, 2, 2));
    KC_TRY(const std::string where, known_text(*plugin.args[0], scope));
    KC_TRY(const std::string command, known_text(*plugin.args[1], scope));
    KC_TRY(const Relation relation, binder_.show_command(where, command));
    return rows_of(relation, {});
  }
  if (!rows)
    return fail(semantic(plugin.offset, "SEM0100",
                         "The plugin '" + plugin.text + "' is not known or needs rows"));
  rows->fold();
  if (plugin.text == "bag_unpack") return bag_unpack(*rows, op, scope);
  if (plugin.text == "pivot") return pivot(std::move(*rows), plugin, scope);
  if (plugin.text == "narrow") return narrow(std::move(*rows));
  if (plugin.text == "estimate_rows_count") {
    KC_CHECK_OK(arity(plugin, 0, 0));
    Rows made;
    made.columns.push_back({"EstimatedRowsCount", ScalarType::long_, fresh()});
    made.from = "(SELECT count(*) AS " + made.columns[0].sql + " FROM " + rows->from + ")";
    return made;
  }
  return fail(semantic(plugin.offset, "SEM0100",
                       "The plugin '" + plugin.text + "' is not known or not supported"));
}

// The members of a bag as columns, of the type that all their values have; dynamic where they
// differ. The bag's own column goes.
Result<Rows> Translator::bag_unpack(const Rows& rows, const EvaluateOp& op, const Scope& scope) {
  const Expr& plugin = *op.plugin;
  KC_CHECK_OK(arity(plugin, 1, 4));
  const RowColumn* bag =
      plugin.args[0]->kind == ExprKind::name ? rows.find(plugin.args[0]->text) : nullptr;
  if (bag == nullptr || bag->type != ScalarType::dynamic_)
    return fail(semantic(plugin.offset, "SEM0043", "'bag_unpack' takes a dynamic column"));
  std::string prefix, conflict = "error", ignored = "[]";
  static constexpr std::array<std::string_view, 4> kNames{
      "", "OutputColumnPrefix=", "columnsConflict=", "ignoredProperties="};
  for (std::size_t i = 1; i < plugin.args.size(); ++i) {
    const bool named =
        plugin.args[i]->kind == ExprKind::call && plugin.args[i]->text.ends_with('=');
    const Expr& arg = named ? *plugin.args[i]->args[0] : *plugin.args[i];
    const auto which = named ? std::find(kNames.begin(), kNames.end(), plugin.args[i]->text)
                             : kNames.begin() + static_cast<std::ptrdiff_t>(i);
    if (which == kNames.end())
      return fail(
          semantic(plugin.args[i]->offset, "SEM0043", "'bag_unpack' has no argument of this name"));
    KC_TRY(const Literal given, known(arg, scope));
    (which == kNames.begin() + 1   ? prefix
     : which == kNames.begin() + 2 ? conflict
                                   : ignored) = given.text;
  }
  const std::string sql = bag->sql, name = bag->name;
  std::vector<Column> columns;
  if (op.columns) {
    columns = *op.columns;
  } else {
    KC_TRY(columns, members_of(rows, sql));
  }
  Rows made = rows;
  std::erase_if(made.columns, [&](const RowColumn& column) { return column.name == name; });
  for (const Column& column : columns) {
    if (ignored.find(json_string(column.name)) != std::string::npos) continue;
    const std::string shown = prefix + column.name;
    if (op.columns && made.find(shown) != nullptr) continue;
    if (made.find(shown) != nullptr) {
      if (conflict == "keep_source") continue;
      if (conflict != "replace_source")
        return fail(semantic(plugin.offset, "SEM0021",
                             "'bag_unpack' gives a column '" + shown + "' that is there already"));
      std::erase_if(made.columns, [&](const RowColumn& one) { return one.name == shown; });
    }
    std::string pointer = "/";
    for (const char c : column.name)
      pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    const Sql cell{.text = "nullif(CAST(json_extract(" + sql + ", " + quote_string(pointer) +
                           ") AS VARCHAR), 'null')",
                   .type = ScalarType::dynamic_};
    made.columns.push_back({shown, column.type, fresh()});
    made.extras.emplace_back(to(column.type, cell).text, made.columns.back().sql);
  }
  made.fold();
  return made;
}

// The names of all bags in a column in alphabetical order, with types.
Result<std::vector<Column>> Translator::members_of(const Rows& rows, const std::string& bag) {
  const std::string kinds =
      "CASE json_type(json_extract(b, '/' || replace(replace(k, '~', '~0'), '/', '~1'))) WHEN "
      "'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'bool' WHEN 'BIGINT' THEN 'long' WHEN 'UBIGINT' "
      "THEN 'long' WHEN 'DOUBLE' THEN 'real' WHEN 'NULL' THEN NULL ELSE 'dynamic' END";
  const std::string members = "(SELECT " + bag + " AS b, unnest(json_keys(" + bag +
                              ")) AS k FROM " + rows.from + " WHERE json_type(" + bag +
                              ") = 'OBJECT')";
  KC_TRY(const auto found,
         ask("SELECT k || chr(10) || CASE WHEN count(DISTINCT t) = 1 THEN min(t) ELSE "
             "'dynamic' END FROM (SELECT k, " +
             kinds + " AS t FROM " + members + ") GROUP BY k ORDER BY k"));
  std::vector<Column> columns;
  for (const auto& one : found) {
    const std::size_t at = one->rfind('\n');
    columns.push_back({one->substr(0, at),
                       parse_scalar_type(one->substr(at + 1)).value_or(ScalarType::dynamic_)});
  }
  return columns;
}

// pivot(column[, aggregate[, columns to group by]]): a column per value.
Result<Rows> Translator::pivot(Rows rows, const Expr& plugin, const Scope& scope) {
  KC_CHECK_OK(arity(plugin, 1, 64));
  const RowColumn* across =
      plugin.args[0]->kind == ExprKind::name ? rows.find(plugin.args[0]->text) : nullptr;
  if (across == nullptr) return fail(semantic(plugin.offset, "SEM0043", "'pivot' takes a column"));
  const Sql value = to(ScalarType::string_, Sql{.text = across->sql, .type = across->type});
  KC_TRY(const auto values,
         ask("SELECT DISTINCT " + value.text + " AS v FROM " + rows.from + " ORDER BY v"));
  SummarizeOp op;
  std::vector<std::string> used{across->name};
  ExprPtr aggregate;
  if (plugin.args.size() > 1) {
    aggregate = plugin.args[1];
    for (const ExprPtr& arg : aggregate->args) used.push_back(inferred_name(*arg));
  }
  if (aggregate && (aggregate->kind != ExprKind::call || !is_aggregate(aggregate->text)))
    return fail(semantic(plugin.args[1]->offset, "SEM0043", "'pivot' takes an aggregate"));
  if (plugin.args.size() > 2) {
    for (std::size_t i = 2; i < plugin.args.size(); ++i) op.by.push_back({"", plugin.args[i]});
  } else {
    for (const RowColumn& column : rows.columns) {
      if (std::find(used.begin(), used.end(), column.name) != used.end()) continue;
      auto name = std::make_shared<Expr>();
      name->kind = ExprKind::name;
      name->text = column.name;
      op.by.push_back({"", name});
    }
  }
  // One aggregate per value, over rows whose other values are left out.
  for (const auto& one : values) {
    auto literal = std::make_shared<Expr>();
    literal->literal.text = one.value_or("");
    auto text = std::make_shared<Expr>();
    text->kind = ExprKind::call;
    text->text = "tostring";
    text->args = {plugin.args[0]};
    auto same = std::make_shared<Expr>();
    same->kind = ExprKind::binary;
    same->text = "==";
    same->args = {text, literal};
    auto call = std::make_shared<Expr>();
    call->kind = ExprKind::call;
    call->offset = plugin.offset;
    call->text = (aggregate ? aggregate->text : std::string("count")) + "if";
    if (aggregate) call->args = aggregate->args;
    call->args.push_back(same);
    if (!is_aggregate(call->text))
      return fail(
          semantic(plugin.offset, "SEM0100",
                   "'pivot' with the aggregate '" + aggregate->text + "' is not supported"));
    op.aggregates.push_back({one.value_or(""), call});
  }
  return summarize(std::move(rows), op, plugin.offset, scope);
}

// Every cell as a row: its row's number, its column, its value as text.
Result<Rows> Translator::narrow(Rows rows) {
  number_rows(rows);
  const std::string number = rows.order[0].sql;
  Rows made;
  made.columns = {{"Row", ScalarType::long_, fresh()},
                  {"Column", ScalarType::string_, fresh()},
                  {"Value", ScalarType::string_, fresh()}};
  std::string names, values;
  for (const RowColumn& column : rows.columns) {
    names += (names.empty() ? "" : ", ") + quote_string(column.name);
    values += (values.empty() ? "" : ", ") +
              to(ScalarType::string_, Sql{.text = column.sql, .type = column.type}).text;
  }
  made.from = "(SELECT " + number + " - 1 AS " + made.columns[0].sql + ", unnest([" + names +
              "]) AS " + made.columns[1].sql + ", unnest([" + values + "]) AS " +
              made.columns[2].sql + " FROM " + rows.from + ")";
  return made;
}

Result<Rows> Translator::externaldata(const ExternalDataOp& op, std::size_t offset,
                                      const Scope& scope) {
  ExternalRead read{.columns = op.columns, .addresses = {}, .format = {}};
  for (const ExprPtr& address : op.addresses) {
    KC_TRY(std::string text, known_text(*address, scope));
    read.addresses.push_back(std::move(text));
  }
  if (read.addresses.empty())
    return fail(semantic(offset, "SEM0100", "'externaldata' needs an address"));
  for (const auto& [name, value] : op.properties) {
    if (name == "format") {
      read.format = value.text;
    } else if (name == "ignoreFirstRecord") {
      read.ignore_first_record =
          value.type == ScalarType::string_ ? value.text == "true" : value.integer != 0;
    } else {
      return fail(semantic(offset, "SEM0100",
                           "The property '" + name + "' of externaldata is not supported"));
    }
  }
  KC_TRY(const Relation relation, binder_.external(read));
  return rows_of(relation, {});
}

// `T | invoke f(a)` is f(T, a).
Result<Rows> Translator::invoke(Rows rows, const InvokeOp& op, const Scope& scope) {
  auto binding = std::make_shared<Binding>();
  binding->name = "$invoked";
  binding->known_rows = std::move(rows);
  binding->outer = scope;
  auto name = std::make_shared<Expr>();
  name->kind = ExprKind::name;
  name->offset = op.function->offset;
  name->text = binding->name;
  Expr call = *op.function;
  call.args.insert(call.args.begin(), std::move(name));
  kept_.push_back(std::make_shared<Expr>(std::move(call)));
  return call_rows(*kept_.back(), binding, nullptr);
}

Result<Rows> Translator::sample(Rows rows, const SampleOp& op, std::size_t offset,
                                const Scope& scope) {
  if (op.of) {
    DistinctOp distinct_op;
    distinct_op.columns.push_back({"", op.of});
    KC_TRY(rows, distinct(std::move(rows), distinct_op, offset, scope));
  }
  rows.fold();
  rows.order = {{"random()", false, false}};
  KC_TRY(rows, take(std::move(rows), *op.count, scope));
  rows.order.clear();
  rows.serialized = false;
  return rows;
}

}  // namespace kc::engine
