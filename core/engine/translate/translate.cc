#include "core/engine/translate/translate.h"

#include "core/engine/syntax/lexer.h"
#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

namespace {

// Most clients send a string as it is, the Go one as its literal.
std::string string_parameter(const std::string& given) {
  if (given.size() < 2 || (given[0] != '"' && given[0] != '\'')) return given;
  Lexer lexer(given);
  const auto token = lexer.next();
  if (!token || token->kind != TokenKind::string) return given;
  const auto end = lexer.next();
  return end && end->kind == TokenKind::end ? token->text : given;
}

Failure only_in_an_engine(std::string_view what) {
  return fail(ErrorKind::invalid, "query.semantic", std::string(what) + " needs a running engine");
}

}  // namespace

Result<std::vector<std::optional<std::string>>> Binder::texts(const std::string& /*sql*/) {
  return only_in_an_engine("A value that the query's shape depends on");
}
Result<Relation> Binder::show_command(std::string_view /*where*/, const std::string& /*command*/) {
  return only_in_an_engine("execute_show_command");
}
Result<Relation> Binder::external(const ExternalRead& /*read*/) {
  return only_in_an_engine("externaldata");
}

Result<TranslatedQuery> translate_all(const Query& query, Binder& binder) {
  return Translator(query.text, binder).query(query);
}

Result<Translated> translate(const Query& query, Binder& binder) {
  KC_TRY(TranslatedQuery all, translate_all(query, binder));
  if (all.results.size() == 1) return std::move(all.results[0]);
  return fail(semantic_error(
      query.text, 0, "SEM0100",
      "One tabular statement is expected, not " + std::to_string(all.results.size())));
}

Result<Translated> translate_over(const Relation& rows, const Pipeline& pipeline,
                                  std::string_view text, Binder& binder) {
  return Translator(text, binder).over(rows, pipeline);
}

Scope with_let(const LetStatement& let, const Scope& scope) {
  auto binding = std::make_shared<Binding>();
  binding->name = let.name;
  binding->let = &let;
  binding->defined_in = scope;
  binding->outer = scope;
  return binding;
}

Result<TranslatedQuery> Translator::query(const Query& query) {
  TranslatedQuery made;
  Scope scope;
  for (const Statement& statement : query.statements) {
    if (const auto* let = std::get_if<LetStatement>(&statement)) {
      scope = with_let(*let, scope);
    } else if (const auto* declare = std::get_if<DeclareStatement>(&statement)) {
      KC_TRY(scope, declared(*declare, std::move(scope)));
    } else if (const auto* tabular = std::get_if<TabularStatement>(&statement)) {
      KC_TRY(Rows rows, pipeline(**tabular, scope));
      KC_CHECK_OK(check_size(rows.from, (*tabular)->offset));
      made.results.push_back(finish(std::move(rows)));
      materialized_.clear();
      with_.clear();
    }
  }
  made.uses_cursor = uses_cursor_;
  return made;
}

Result<Translated> Translator::over(const Relation& relation, const Pipeline& pipeline) {
  Rows rows = rows_of(relation, {});
  for (const Operator& op : pipeline.operators) {
    KC_TRY(rows, apply(std::move(rows), op, nullptr));
  }
  return finish(std::move(rows));
}

// A declared parameter's value comes with the request, or is its default.
Result<Scope> Translator::declared(const DeclareStatement& statement, Scope scope) {
  for (const Parameter& parameter : statement.parameters) {
    auto binding = std::make_shared<Binding>();
    binding->name = parameter.name;
    Literal value;
    if (const auto given = binder_.query_parameter(parameter.name)) {
      value.text = string_parameter(*given);
      if (parameter.type != ScalarType::string_) {
        auto text = std::string_view(*given);  // `datetime(…)` or what it holds
        const std::size_t open = text.find('(');
        if (parse_scalar_type(text.substr(0, open)) && text.ends_with(')'))
          text = text.substr(open + 1, text.size() - open - 2);
        auto typed = parse_typed_literal(parameter.type, text);
        if (!typed)
          return fail(semantic(statement.offset, "SEM0043",
                               "The query parameter '" + parameter.name +
                                   "' has a value that is no " +
                                   std::string(to_string(parameter.type))));
        value = std::move(*typed);
      }
    } else if (parameter.standard) {
      value = *parameter.standard;
    } else {
      return fail(semantic(statement.offset, "SEM0100",
                           "The query parameter '" + parameter.name + "' has no value"));
    }
    KC_TRY(binding->value,
           implicit(parameter.type, kc::engine::literal_value(std::move(value)), statement.offset));
    binding->outer = scope;
    scope = std::move(binding);
  }
  return scope;
}

// The only place where users' names become SQL names: aliases of the outermost SELECT.
Translated Translator::finish(Rows rows) const {
  Translated made;
  if (!rows.extras.empty()) rows.fold();
  std::string list;
  for (const RowColumn& column : rows.columns) {
    list += (list.empty() ? "" : ", ") + column.sql + " AS " + quote_identifier(column.name);
    made.columns.push_back({column.name, column.type});
  }
  made.sql = (with_.empty() ? "" : "WITH " + with_ + " ") + "SELECT " +
             (list.empty() ? "NULL WHERE FALSE" : list + rows.from_where() + rows.order_clause());
  return made;
}

}  // namespace kc::engine
