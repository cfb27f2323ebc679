// Operators that make, expand or take apart rows, and the ones met less often.
#include <array>

#include "core/engine/syntax/parser_core.h"

namespace kc::engine {

Result<Operator> Parser::less_usual_operator(const std::string& name, bool first,
                                             std::size_t offset) {
  Operator made;
  made.offset = offset;
  if (name == "serialize") {
    SerializeOp serialize;
    if (tokens_.is_name()) {
      KC_TRY(serialize.columns, named_list());
    }
    made.op = std::move(serialize);
  } else if (name == "consume") {
    KC_CHECK_OK(options());
    made.op = ConsumeOp{};
  } else if (name == "as") {
    KC_CHECK_OK(options());
    KC_TRY(std::string alias, tokens_.name());
    made.op = AsOp{std::move(alias)};
  } else if (name == "render") {  // how a client draws the rows: no part of the answer
    while (tokens_.peek().kind != TokenKind::end && !tokens_.is(";") && !tokens_.is("|"))
      tokens_.take();
    made.op = RenderOp{};
  } else if (name == "sample" || name == "sample-distinct") {
    SampleOp sample;
    KC_TRY(sample.count, expression());
    if (name == "sample-distinct") {
      KC_CHECK_OK(tokens_.expect_word("of"));
      KC_TRY(sample.of, expression());
    }
    made.op = std::move(sample);
  } else if (name == "mv-apply") {
    KC_TRY(made.op, mv_apply());
  } else if (name == "parse" || name == "parse-where") {
    KC_TRY(made.op, parse_text(name == "parse-where"));
  } else if (name == "parse-kv") {
    KC_TRY(made.op, parse_pairs());
  } else if (name == "evaluate") {
    KC_TRY(made.op, evaluate());
  } else if (name == "invoke") {
    KC_TRY(ExprPtr call, postfix());
    if (call->kind != ExprKind::call)
      return fail(tokens_.error_at(offset, "'invoke' takes the call of a function"));
    made.op = InvokeOp{std::move(call)};
  } else if (first && name == "print") {
    KC_TRY(std::vector<NamedExpr> columns, named_list());
    made.op = PrintOp{std::move(columns)};
  } else if (first && name == "range") {
    KC_TRY(made.op, range());
  } else if (first && name == "datatable") {
    KC_TRY(made.op, datatable());
  } else if (first && name == "externaldata") {
    KC_TRY(made.op, externaldata());
  } else {
    return fail(tokens_.error_at(offset, "Unknown operator '" + name + "'"));
  }
  return made;
}

Result<ScalarType> Parser::type_name() {
  const std::size_t offset = tokens_.offset();
  KC_TRY(const std::string word, tokens_.name());
  const auto type = parse_scalar_type(word);
  if (!type) return fail(tokens_.error_at(offset, "'" + word + "' is no type"));
  return *type;
}

Result<MvExpandOp> Parser::mv_expand() {
  MvExpandOp op;
  const std::size_t offset = tokens_.offset();
  std::vector<Option> given;
  while (tokens_.is("=", 1) && (tokens_.is_word("bagexpansion") || tokens_.is_word("kind") ||
                                tokens_.is_word("with_itemindex"))) {
    Option option{.name = tokens_.take().text, .value = {}, .offset = offset};
    tokens_.take();
    KC_TRY(option.value, tokens_.name());
    given.push_back(std::move(option));
  }
  for (const Option& option : given) {
    if (option.name == "with_itemindex") {
      op.item_index = option.value;
    } else if (option.value == "array") {
      op.bags_as_arrays = true;
    } else if (option.value != "bag") {
      return fail(tokens_.error_at(offset, "A bag is expanded as 'bag' or 'array'"));
    }
  }
  do {
    MvExpandColumn column;
    KC_TRY(column.column, named_expression());
    if (tokens_.accept_word("to")) {
      KC_CHECK_OK(tokens_.expect_word("typeof"));
      KC_CHECK_OK(tokens_.expect("("));
      KC_TRY(column.type, type_name());
      KC_CHECK_OK(tokens_.expect(")"));
    }
    op.columns.push_back(std::move(column));
  } while (tokens_.accept(","));
  if (tokens_.accept_word("limit")) {
    KC_TRY(op.limit, expression());
  }
  return op;
}

Result<MvApplyOp> Parser::mv_apply() {
  const Level guard(depth_);
  MvApplyOp op;
  KC_TRY(op.expand, mv_expand());
  KC_CHECK_OK(tokens_.expect_word("on"));
  KC_CHECK_OK(tokens_.expect("("));
  auto inner = std::make_shared<Pipeline>();
  inner->offset = tokens_.offset();
  KC_TRY(Operator first, one_operator(false));
  inner->operators.push_back(std::move(first));
  KC_CHECK_OK(operators(*inner));
  KC_CHECK_OK(tokens_.expect(")"));
  op.inner = std::move(inner);
  return op;
}

Result<RangeOp> Parser::range() {
  RangeOp op;
  KC_TRY(op.name, tokens_.name());
  KC_CHECK_OK(tokens_.expect_word("from"));
  KC_TRY(op.from, expression());
  KC_CHECK_OK(tokens_.expect_word("to"));
  KC_TRY(op.to, expression());
  KC_CHECK_OK(tokens_.expect_word("step"));
  KC_TRY(op.step, expression());
  return op;
}

// `a:long, b:string` up to the closing token, which is taken.
Result<std::vector<Column>> Parser::column_list(std::string_view close) {
  std::vector<Column> columns;
  do {
    Column column;
    KC_TRY(column.name, tokens_.name());
    KC_CHECK_OK(tokens_.expect(":"));
    KC_TRY(column.type, type_name());
    columns.push_back(std::move(column));
  } while (tokens_.accept(","));
  KC_CHECK_OK(tokens_.expect(close));
  return columns;
}

Result<DatatableOp> Parser::datatable() {
  DatatableOp op;
  KC_CHECK_OK(tokens_.expect("("));
  KC_TRY(op.columns, column_list(")"));
  const std::size_t open = tokens_.offset();
  KC_CHECK_OK(tokens_.expect("["));
  while (!tokens_.is("]")) {
    KC_TRY(Literal value, literal_value());
    op.values.push_back(std::move(value));
    if (!tokens_.accept(",")) break;
  }
  KC_CHECK_OK(tokens_.expect("]"));
  if (op.values.size() % op.columns.size() != 0) {
    return fail(tokens_.error_at(open, "The datatable's values do not fill its last row"));
  }
  return op;
}

// `[kind=regex [flags=Ui]] value with * "text" Column:type …`
Result<ParseOp> Parser::parse_text(bool filter) {
  ParseOp op;
  op.filter = filter;
  KC_TRY(const std::vector<Option> given, options());
  for (const Option& option : given) {
    if (option.name == "flags") {
      op.flags = option.value;
    } else if (option.name == "kind" && option.value == "regex") {
      op.kind = ParseOp::Kind::regex;
    } else if (option.name == "kind" && option.value == "relaxed") {
      op.kind = ParseOp::Kind::relaxed;
    } else if (option.name != "kind" || option.value != "simple") {
      return fail(tokens_.error_at(
          option.offset, "'" + option.name + "=" + option.value + "' is no option of parse"));
    }
  }
  KC_TRY(op.value, expression());
  KC_CHECK_OK(tokens_.expect_word("with"));
  for (;;) {
    ParsePart part;
    if (tokens_.peek().kind == TokenKind::string) {
      part.text = tokens_.take().text;
    } else if (tokens_.accept("*")) {
      part.kind = ParsePart::Kind::skip;
    } else if (tokens_.is_name()) {
      part.kind = ParsePart::Kind::column;
      KC_TRY(part.text, tokens_.name());
      if (tokens_.accept(":")) {
        KC_TRY(part.type, type_name());
      }
    } else {
      break;
    }
    op.parts.push_back(std::move(part));
  }
  if (op.parts.empty()) return fail(tokens_.error("Expected a pattern of texts and columns"));
  return op;
}

// `with (name = literal, …)`; nothing is an empty list.
Result<std::vector<std::pair<std::string, Literal>>> Parser::with_properties() {
  std::vector<std::pair<std::string, Literal>> list;
  if (!tokens_.accept_word("with")) return list;
  KC_CHECK_OK(tokens_.expect("("));
  while (!tokens_.is(")")) {
    KC_TRY(std::string name, tokens_.name());
    KC_CHECK_OK(tokens_.expect("="));
    if (tokens_.peek().kind == TokenKind::identifier && !tokens_.is_word("true") &&
        !tokens_.is_word("false") && !tokens_.is_word("True") && !tokens_.is_word("False")) {
      list.emplace_back(std::move(name), Literal{.text = tokens_.take().text});
    } else {
      KC_TRY(Literal value, literal_value());
      list.emplace_back(std::move(name), std::move(value));
    }
    if (!tokens_.accept(",")) break;
  }
  KC_CHECK_OK(tokens_.expect(")"));
  return list;
}

Result<ParseKvOp> Parser::parse_pairs() {
  ParseKvOp op;
  KC_TRY(op.value, expression());
  KC_CHECK_OK(tokens_.expect_word("as"));
  KC_CHECK_OK(tokens_.expect("("));
  KC_TRY(op.columns, column_list(")"));
  KC_TRY(op.properties, with_properties());
  return op;
}

// `plugin(arguments) [: (*, a:long)]`
Result<EvaluateOp> Parser::evaluate() {
  EvaluateOp op;
  KC_CHECK_OK(options());
  const std::size_t offset = tokens_.offset();
  KC_TRY(op.plugin, postfix());
  if (op.plugin->kind != ExprKind::call)
    return fail(tokens_.error_at(offset, "'evaluate' takes the call of a plugin"));
  if (!tokens_.accept(":")) return op;
  KC_CHECK_OK(tokens_.expect("("));
  if (tokens_.accept("*")) {
    op.keeps_input = true;
    if (tokens_.accept(")")) {
      op.columns.emplace();
      return op;
    }
    KC_CHECK_OK(tokens_.expect(","));
  }
  KC_TRY(op.columns, column_list(")"));
  return op;
}

// `externaldata (columns) [addresses] with (…)`; addresses also in parentheses, as older texts have
// them.
Result<ExternalDataOp> Parser::externaldata() {
  ExternalDataOp op;
  KC_CHECK_OK(tokens_.expect("("));
  KC_TRY(op.columns, column_list(")"));
  const bool bracket = tokens_.is("[");
  if (!tokens_.accept("[")) KC_CHECK_OK(tokens_.expect("("));
  KC_TRY(op.addresses, arguments(bracket ? "]" : ")"));
  KC_TRY(op.properties, with_properties());
  return op;
}

}  // namespace kc::engine
