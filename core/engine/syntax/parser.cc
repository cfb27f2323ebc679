#include "core/engine/syntax/parser.h"

#include "core/engine/syntax/parser_core.h"

namespace kc::engine {

Result<Query> parse_query(std::string_view text) {
  if (text.size() > kQueryTextMax)
    return fail(syntax_error(text, 0, "SYN0005", "The query's text is too long"));
  return Parser(text).query();
}

Result<Pipeline> parse_operators(std::string_view text) {
  if (text.size() > kQueryTextMax)
    return fail(syntax_error(text, 0, "SYN0005", "The query's text is too long"));
  return Parser(text).trailing_operators();
}

Result<Query> Parser::query() {
  Query query;
  query.text = tokens_.text();
  bool tabular = false;
  while (true) {
    while (tokens_.accept(";")) {
    }
    if (tokens_.at_end()) break;
    KC_TRY(Statement next, statement());
    tabular = tabular || std::holds_alternative<TabularStatement>(next);
    query.statements.push_back(std::move(next));
    if (!tokens_.at_end() && !tokens_.is(";"))
      return fail(tokens_.error("Expected '|', ';' or the end of the query"));
  }
  if (!tabular) return fail(tokens_.error("The query holds no tabular expression", "SYN0001"));
  return query;
}

Result<Pipeline> Parser::trailing_operators() {
  Pipeline pipeline;
  KC_CHECK_OK(operators(pipeline));
  tokens_.accept(";");
  if (!tokens_.at_end()) return fail(tokens_.error("Expected '|' or the end of the query"));
  return pipeline;
}

Result<Statement> Parser::statement() {
  if (tokens_.is_word("let")) {
    KC_TRY(LetStatement let, let_statement());
    return Statement(std::move(let));
  }
  if (tokens_.is_word("set") && tokens_.peek(1).kind == TokenKind::identifier)
    return set_statement();
  if (tokens_.is_word("declare") && tokens_.is_word("query_parameters", 1))
    return declare_statement();
  for (const std::string_view word : {"declare", "alias", "restrict"}) {
    if (tokens_.is_word(word) && tokens_.peek(1).kind == TokenKind::identifier) {
      return fail(semantic_error(tokens_.text(), tokens_.offset(), "SEM0100",
                                 "The statement '" + std::string(word) + "' is not supported"));
    }
  }
  KC_TRY(ExprPtr value, pipeline_or_expression());
  if (value->kind == ExprKind::subquery) return Statement(value->pipeline);
  KC_TRY(PipelinePtr pipeline, pipeline_from(std::move(value)));
  return Statement(std::move(pipeline));
}

Result<LetStatement> Parser::let_statement() {
  const Level level(depth_);
  LetStatement let;
  let.offset = tokens_.take().offset;
  if (depth_ > kParserDepthMax) return too_deep(let.offset);
  KC_TRY(let.name, tokens_.name());
  KC_CHECK_OK(tokens_.expect("="));
  if (starts_function()) {
    KC_CHECK_OK(function_of(let));
  } else {
    KC_TRY(let.value, pipeline_or_expression());
  }
  return let;
}

// `(a:long) {`, `() {`, `view () {`
bool Parser::starts_function() {
  if (tokens_.is_word("view") && tokens_.is("(", 1)) return true;
  if (!tokens_.is("(")) return false;
  if (tokens_.is(")", 1)) return tokens_.is("{", 2);
  const std::size_t mark = tokens_.mark();
  tokens_.take();
  const bool parameter = tokens_.is_name() && tokens_.name() && tokens_.is(":");
  tokens_.reset(mark);
  return parameter;
}

Result<void> Parser::function_of(LetStatement& let) {
  let.function = true;
  tokens_.accept_word("view");
  KC_CHECK_OK(tokens_.expect("("));
  while (!tokens_.is(")")) {
    KC_TRY(Parameter next, parameter());
    let.parameters.push_back(std::move(next));
    if (!tokens_.accept(",")) break;
  }
  KC_CHECK_OK(tokens_.expect(")"));
  KC_CHECK_OK(tokens_.expect("{"));
  while (tokens_.is_word("let")) {
    KC_TRY(LetStatement inner, let_statement());
    let.inner.push_back(std::move(inner));
    KC_CHECK_OK(tokens_.expect(";"));
  }
  KC_TRY(let.value, pipeline_or_expression());
  tokens_.accept(";");
  return tokens_.expect("}");
}

Result<Parameter> Parser::parameter() {
  Parameter parameter;
  KC_TRY(parameter.name, tokens_.name());
  KC_CHECK_OK(tokens_.expect(":"));
  if (tokens_.accept("(")) {
    parameter.tabular = true;
    while (!tokens_.is(")") && tokens_.peek().kind != TokenKind::end) tokens_.take();
    KC_CHECK_OK(tokens_.expect(")"));
    return parameter;
  }
  KC_TRY(parameter.type, type_name());
  if (tokens_.accept("=")) {
    KC_TRY(parameter.standard, literal_value());
  }
  return parameter;
}

Result<Statement> Parser::declare_statement() {
  DeclareStatement declared;
  declared.offset = tokens_.take().offset;
  tokens_.take();
  KC_CHECK_OK(tokens_.expect("("));
  do {
    const std::size_t offset = tokens_.offset();
    KC_TRY(Parameter next, parameter());
    if (next.tabular) return fail(tokens_.error_at(offset, "A query parameter is a scalar"));
    declared.parameters.push_back(std::move(next));
  } while (tokens_.accept(","));
  KC_CHECK_OK(tokens_.expect(")"));
  return Statement(std::move(declared));
}

Result<Statement> Parser::set_statement() {
  tokens_.take();
  SetStatement set;
  KC_TRY(set.name, tokens_.name());
  if (tokens_.accept("=")) {
    if (tokens_.peek().kind == TokenKind::identifier && !tokens_.is_word("true") &&
        !tokens_.is_word("false")) {
      set.value = Literal{.text = tokens_.take().text};
    } else {
      KC_TRY(set.value, literal_value());
    }
  }
  return Statement(std::move(set));
}

}  // namespace kc::engine
