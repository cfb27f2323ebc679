// Stored functions and row level security: texts of the database that stand where a name stands.
#include <algorithm>

#include "core/engine/syntax/lexer.h"
#include "core/engine/syntax/parser.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

// The function as a let that sees no other names than the database's; null where there is none.
// A body that does not parse (it was stored without validation) is an unknown name too.
const Binding* Translator::stored(std::string_view name) const {
  const auto [at, fresh] = stored_.try_emplace(std::string(name));
  if (!fresh) return at->second.get();
  const auto found = binder_.function("", name);
  if (!found || !*found) return nullptr;
  const std::string text =
      "let ['kc'] = " + (*found)->parameters + " " + (*found)->body + ";\nprint 1";
  auto query = parse_query(text);
  if (!query) return nullptr;
  auto kept = std::make_shared<Query>(std::move(*query));
  auto* let = std::get_if<LetStatement>(&kept->statements.front());
  if (let == nullptr || !let->function) return nullptr;
  let->name = std::string(name);
  at->second = with_let(*let, nullptr);
  stored_texts_.push_back(kept->text);
  stored_queries_.push_back(std::move(kept));
  return at->second.get();
}

// A function that needs no arguments may stand without parentheses, as a view does.
Result<Rows> Translator::rows_of_function(const Binding& function, std::size_t offset,
                                          const Scope& scope) {
  Expr call;
  call.kind = ExprKind::call;
  call.offset = offset;
  call.text = function.name;
  return call_rows(call, scope, nullptr);
}

// Every read of the table is the policy's query instead, whose own read of the table is the plain
// one.
Result<Rows> Translator::row_level_rows(std::string_view name, const std::string& text,
                                        std::size_t offset) {
  auto query = parse_query(text);
  if (!query) {
    return fail(semantic(offset, "SEM0100",
                         "The row level security policy of '" + std::string(name) +
                             "' has a query that cannot be read"));
  }
  auto kept = std::make_shared<Query>(std::move(*query));
  stored_texts_.push_back(kept->text);
  stored_queries_.push_back(kept);
  const auto inside = unguarded_.insert(std::string(name)).first;
  Scope scope;
  Result<Rows> rows = fail(semantic(offset, "SEM0100", "The policy's query yields no table"));
  for (const Statement& statement : kept->statements) {
    if (const auto* let = std::get_if<LetStatement>(&statement)) {
      scope = with_let(*let, scope);
    } else if (const auto* tabular = std::get_if<TabularStatement>(&statement)) {
      rows = pipeline(**tabular, scope);
    }
  }
  unguarded_.erase(inside);
  return rows;
}

// Whether the request's text, or one that it calls, speaks of `word`.
bool Translator::mentions(std::string_view word) const {
  return text_.find(word) != std::string_view::npos ||
         std::any_of(stored_texts_.begin(), stored_texts_.end(),
                     [&](const std::string& text) { return text.find(word) != std::string::npos; });
}

Result<std::optional<Sql>> Translator::principal_call(const Expr& expr, const Scope& scope) {
  const auto principal = binder_.current_principal();
  if (expr.text == "current_principal") {
    KC_CHECK_OK(arity(expr, 0, 0));
    return Sql{.text = quote_string(principal), .type = ScalarType::string_, .nullable = false};
  }
  if (expr.text != "current_principal_is_member_of") return std::nullopt;
  if (expr.args.empty()) KC_CHECK_OK(arity(expr, 1, 64));
  bool member = false;
  for (const ExprPtr& arg : expr.args) {
    KC_TRY(const Sql group, scalar(*arg, Row{}, scope));
    if (!group.literal || group.type != ScalarType::string_)
      return fail(semantic(arg->offset, "SEM0043", "A principal is given as a constant string"));
    const auto& wanted = group.literal->text;
    member = member || principal == wanted || principal.starts_with(wanted + ";");
  }
  return Sql{.text = member ? "TRUE" : "FALSE", .type = ScalarType::bool_, .nullable = false};
}

}  // namespace kc::engine
