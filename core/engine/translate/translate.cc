#include "core/engine/translate/translate.h"

#include "core/engine/syntax/lexer.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

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

Result<TranslatedQuery> Translator::query(const Query& query) {
  TranslatedQuery made;
  Scope scope;
  for (const Statement& statement : query.statements) {
    if (const auto* let = std::get_if<LetStatement>(&statement)) {
      auto binding = std::make_shared<Binding>();
      binding->name = let->name;
      binding->let = let;
      binding->defined_in = scope;
      binding->outer = scope;
      scope = std::move(binding);
    } else if (const auto* tabular = std::get_if<TabularStatement>(&statement)) {
      KC_TRY(Rows rows, pipeline(**tabular, scope));
      KC_CHECK_OK(check_size(rows.from, (*tabular)->offset));
      made.results.push_back(finish(std::move(rows)));
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

// The only place where users' names become SQL names: aliases of the outermost SELECT.
Translated Translator::finish(Rows rows) const {
  Translated made;
  if (!rows.extras.empty()) rows.fold();
  std::string list;
  for (const RowColumn& column : rows.columns) {
    list += (list.empty() ? "" : ", ") + column.sql + " AS " + quote_identifier(column.name);
    made.columns.push_back({column.name, column.type});
  }
  made.sql = "SELECT " +
             (list.empty() ? "NULL WHERE FALSE" : list + rows.from_where() + rows.order_clause());
  return made;
}

}  // namespace kc::engine
