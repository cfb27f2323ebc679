#include <algorithm>
#include <array>

#include "core/engine/syntax/literal.h"
#include "core/engine/syntax/parser_core.h"

namespace kc::engine {
namespace {

// Levels of precedence, loosest first, as the official grammar has them: note that string operators
// bind tighter than arithmetic.
enum Precedence : int {
  or_level,
  and_level,
  equality_level,
  relation_level,
  sum_level,
  product_level,
  string_level,
  unary_level
};

constexpr std::array<std::string_view, 31> kStringWords{"has",
                                                        "!has",
                                                        "has_cs",
                                                        "!has_cs",
                                                        "contains",
                                                        "!contains",
                                                        "contains_cs",
                                                        "!contains_cs",
                                                        "startswith",
                                                        "!startswith",
                                                        "startswith_cs",
                                                        "!startswith_cs",
                                                        "endswith",
                                                        "!endswith",
                                                        "endswith_cs",
                                                        "!endswith_cs",
                                                        "hasprefix",
                                                        "!hasprefix",
                                                        "hasprefix_cs",
                                                        "!hasprefix_cs",
                                                        "hassuffix",
                                                        "!hassuffix",
                                                        "hassuffix_cs",
                                                        "!hassuffix_cs",
                                                        "like",
                                                        "notlike",
                                                        "likecs",
                                                        "notlikecs",
                                                        "notcontains",
                                                        "notcontainscs",
                                                        "!~"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_true(std::string_view word) { return word == "true" || word == "True" || word == "TRUE"; }
bool is_false(std::string_view word) {
  return word == "false" || word == "False" || word == "FALSE";
}

Literal literal_of(const Token& token) {
  Literal literal;
  literal.integer = token.integer;
  literal.number = token.number;
  switch (token.kind) {
    case TokenKind::long_:
      literal.type = ScalarType::long_;
      break;
    case TokenKind::real:
      literal.type = ScalarType::real_;
      break;
    case TokenKind::timespan:
      literal.type = ScalarType::timespan_;
      break;
    case TokenKind::guid:
      literal.type = ScalarType::guid_;
      [[fallthrough]];
    default:
      literal.text = token.text;
  }
  return literal;
}

bool is_literal(TokenKind kind) {
  return kind == TokenKind::string || kind == TokenKind::long_ || kind == TokenKind::real ||
         kind == TokenKind::timespan || kind == TokenKind::guid;
}

}  // namespace

Result<ExprPtr> Parser::make(ExprKind kind, std::size_t offset, std::string text,
                             std::vector<ExprPtr> args) {
  auto made = std::make_shared<Expr>();
  made->kind = kind;
  made->offset = offset;
  made->text = std::move(text);
  made->args = std::move(args);
  for (const ExprPtr& arg : made->args) made->depth = std::max(made->depth, arg->depth + 1);
  if (made->depth > kNestingMax) return too_deep(offset);
  return ExprPtr(std::move(made));
}

Result<ExprPtr> Parser::make_literal(std::size_t offset, Literal literal) {
  auto made = std::make_shared<Expr>();
  made->offset = offset;
  made->literal = std::move(literal);
  return ExprPtr(std::move(made));
}

// The binary operator of this level that stands here; empty if none.
std::string Parser::operator_at(int level) {
  const Token& token = tokens_.peek();
  if (token.kind != TokenKind::identifier && token.kind != TokenKind::punctuation) return {};
  const std::string& text = token.text;
  static constexpr std::array<std::string_view, 11> kEqualities{
      "==", "!=", "<>", "in", "!in", "in~", "!in~", "has_any", "has_all", "between", "!between"};
  static constexpr std::array<std::string_view, 4> kRelations{"<", ">", "<=", ">="};
  switch (level) {
    case or_level:
      return text == "or" ? text : "";
    case and_level:
      return text == "and" ? text : "";
    case equality_level:
      return among(kEqualities, text) ? text : "";
    case relation_level:
      return among(kRelations, text) ? text : "";
    case sum_level:
      return text == "+" || text == "-" ? text : "";
    case product_level:
      return text == "*" || text == "/" || text == "%" ? text : "";
    case string_level:
      if (text == "matches" && tokens_.is_word("regex", 1)) return text;
      return text == "=~" || among(kStringWords, text) ? text : "";
    default:
      return {};
  }
}

// Precedence climbing: one frame for a whole chain of operators, whatever their levels. An
// operator's right side holds what binds tighter; relations and string operators chain to the left
// like the rest.
Result<ExprPtr> Parser::binary(int level) {
  const std::size_t start = tokens_.offset();
  const Level guard(depth_);
  if (depth_ > kParserDepthMax) return too_deep(start);
  KC_TRY(ExprPtr left, unary());
  for (int at = string_level; at >= level; --at) {
    KC_TRY(left, chain(std::move(left), at, start));
  }
  return left;
}

// Everything of exactly this level that follows `left`, whose own parts bind tighter.
Result<ExprPtr> Parser::chain(ExprPtr left, int level, std::size_t start) {
  std::string op = operator_at(level);
  if (op.empty()) return left;
  if (level == or_level ||
      level == and_level) {  // kept flat: generated queries chain hundreds of them
    std::vector<ExprPtr> parts{std::move(left)};
    while (!operator_at(level).empty()) {
      tokens_.take();
      KC_TRY(ExprPtr next, binary(level + 1));
      parts.push_back(std::move(next));
    }
    return make(level == or_level ? ExprKind::or_ : ExprKind::and_, start, "", std::move(parts));
  }
  for (; !op.empty(); op = operator_at(level)) {
    const std::size_t offset = tokens_.take().offset;
    if (op == "between" || op == "!between") {
      KC_TRY(left, range_test(std::move(left), op));
    } else if (level == equality_level && op != "==" && op != "!=" && op != "<>") {
      KC_TRY(left, membership(std::move(left), op));
    } else {
      if (op == "matches") tokens_.take();
      KC_TRY(ExprPtr right, binary(level + 1));
      KC_TRY(left, make(ExprKind::binary, offset, op, {std::move(left), std::move(right)}));
    }
  }
  return left;
}

Result<ExprPtr> Parser::membership(ExprPtr left, std::string op) {
  const std::size_t offset = tokens_.offset();
  if (!tokens_.accept("(")) return fail(tokens_.error("Expected '(' after '" + op + "'"));
  std::vector<ExprPtr> args{std::move(left)};
  KC_TRY(std::vector<ExprPtr> values, arguments(")"));
  if (values.empty())
    return fail(tokens_.error_at(offset, "'" + op + "' needs at least one value"));
  for (ExprPtr& value : values) args.push_back(std::move(value));
  return make(ExprKind::in, offset, std::move(op), std::move(args));
}

Result<ExprPtr> Parser::range_test(ExprPtr left, std::string op) {
  const std::size_t offset = tokens_.offset();
  KC_CHECK_OK(tokens_.expect("("));
  KC_TRY(ExprPtr low, expression());
  KC_CHECK_OK(tokens_.expect(".."));
  KC_TRY(ExprPtr high, expression());
  KC_CHECK_OK(tokens_.expect(")"));
  return make(ExprKind::between, offset, std::move(op),
              {std::move(left), std::move(low), std::move(high)});
}

Result<ExprPtr> Parser::unary() {
  const Level guard(depth_);
  const std::size_t offset = tokens_.offset();
  if (depth_ > kParserDepthMax) return too_deep(offset);
  for (const std::string_view sign : {"-", "+"}) {
    if (!tokens_.accept(sign)) continue;
    KC_TRY(ExprPtr value, unary());
    return make(ExprKind::unary, offset, std::string(sign), {std::move(value)});
  }
  return postfix();
}

Result<ExprPtr> Parser::postfix() {
  KC_TRY(ExprPtr value, primary());
  while (true) {
    const std::size_t offset = tokens_.offset();
    if (tokens_.accept(".")) {
      if (tokens_.peek().kind == TokenKind::identifier &&
          tokens_.is("(", 1)) {  // database('d').table('T')
        const std::string name = tokens_.take().text;
        tokens_.take();
        KC_TRY(std::vector<ExprPtr> args, arguments(")"));
        args.insert(args.begin(), std::move(value));
        KC_TRY(value, make(ExprKind::call, offset, "." + name, std::move(args)));
        continue;
      }
      KC_TRY(std::string name, tokens_.name());
      KC_TRY(value, make(ExprKind::member, offset, std::move(name), {std::move(value)}));
    } else if (tokens_.accept("[")) {
      KC_TRY(ExprPtr index, expression());
      KC_CHECK_OK(tokens_.expect("]"));
      KC_TRY(value, make(ExprKind::index, offset, "", {std::move(value), std::move(index)}));
    } else {
      return value;
    }
  }
}

Result<ExprPtr> Parser::primary() {
  const Token token = tokens_.peek();
  if (is_literal(token.kind)) return make_literal(token.offset, literal_of(tokens_.take()));
  if (token.kind == TokenKind::typed) {
    tokens_.take();
    auto literal = parse_typed_literal(token.type, token.text);
    if (!literal) return fail(tokens_.error_at(token.offset, literal.error().message, "SYN0004"));
    return make_literal(token.offset, std::move(*literal));
  }
  if (tokens_.is("(")) return parenthesised();
  if (tokens_.accept("*")) return make(ExprKind::star, token.offset, "*");
  if (tokens_.is_name()) return named_or_call();
  if (tokens_.is("[")) return fail(tokens_.error("Expected a quoted name: ['…']"));
  return fail(tokens_.error("Expected an expression"));
}

Result<ExprPtr> Parser::named_or_call() {
  const bool quoted = tokens_.is("[");
  const std::size_t offset = tokens_.offset();
  KC_TRY(std::string name, tokens_.name());
  if (!quoted && (is_true(name) || is_false(name))) {
    return make_literal(offset, {.type = ScalarType::bool_, .integer = is_true(name) ? 1 : 0});
  }
  if (!tokens_.accept("(")) return make(ExprKind::name, offset, std::move(name));
  KC_TRY(std::vector<ExprPtr> args, arguments(")"));
  return make(ExprKind::call, offset, std::move(name), std::move(args));
}

Result<ExprPtr> Parser::parenthesised() {
  const Level guard(depth_);
  if (depth_ > kParserDepthMax) return too_deep(tokens_.offset());
  tokens_.take();
  KC_TRY(ExprPtr value, pipeline_or_expression());
  KC_CHECK_OK(tokens_.expect(")"));
  return value;
}

Result<ExprPtr> Parser::pipeline_or_expression() {
  const std::size_t offset = tokens_.offset();
  ExprPtr source;
  if (!starts_pipeline()) {
    KC_TRY(source, expression());
    if (!tokens_.is("|")) return source;
  }
  KC_TRY(PipelinePtr pipeline, pipeline_from(std::move(source)));
  auto made = std::make_shared<Expr>();
  made->kind = ExprKind::subquery;
  made->offset = offset;
  made->depth = pipeline->depth + 1;
  made->pipeline = std::move(pipeline);
  if (made->depth > kNestingMax) return too_deep(offset);
  return ExprPtr(std::move(made));
}

// Up to the closing token, which is taken; a trailing comma is none of ours.
Result<std::vector<ExprPtr>> Parser::arguments(std::string_view close) {
  std::vector<ExprPtr> args;
  if (tokens_.accept(close)) return args;
  do {
    // A plugin's argument may have a name: `columnsConflict='error'`, kept as a call of that name.
    std::string name;
    const std::size_t offset = tokens_.offset();
    if (tokens_.peek().kind == TokenKind::identifier && tokens_.is("=", 1)) {
      name = tokens_.take().text + "=";
      tokens_.take();
    }
    KC_TRY(ExprPtr arg, pipeline_or_expression());
    if (!name.empty()) {
      KC_TRY(arg, make(ExprKind::call, offset, std::move(name), {std::move(arg)}));
    }
    args.push_back(std::move(arg));
  } while (tokens_.accept(","));
  KC_CHECK_OK(tokens_.expect(close));
  return args;
}

Result<Literal> Parser::literal_value() {
  const bool negative = tokens_.accept("-");
  if (!negative) tokens_.accept("+");
  const std::size_t offset = tokens_.offset();
  const Token token = tokens_.peek();
  Literal literal;
  if (is_literal(token.kind)) {
    literal = literal_of(tokens_.take());
  } else if (token.kind == TokenKind::typed) {
    tokens_.take();
    auto typed = parse_typed_literal(token.type, token.text);
    if (!typed) return fail(tokens_.error_at(offset, typed.error().message, "SYN0004"));
    literal = std::move(*typed);
  } else if (token.kind == TokenKind::identifier && (is_true(token.text) || is_false(token.text))) {
    tokens_.take();
    literal = {.type = ScalarType::bool_, .integer = is_true(token.text) ? 1 : 0};
  } else if (tokens_.accept_word("null")) {
    literal = {.type = ScalarType::dynamic_, .is_null = true};
  } else {
    return fail(tokens_.error("Expected a literal"));
  }
  if (negative) {
    if (literal.type != ScalarType::long_ && literal.type != ScalarType::int_ &&
        literal.type != ScalarType::real_ && literal.type != ScalarType::timespan_) {
      return fail(tokens_.error_at(offset, "Only a number or a timespan can be negative"));
    }
    literal.integer = static_cast<std::int64_t>(~static_cast<std::uint64_t>(literal.integer) + 1);
    literal.number = -literal.number;
  }
  return literal;
}

}  // namespace kc::engine
