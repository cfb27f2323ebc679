#include <algorithm>
#include <array>

#include "core/engine/syntax/parser_core.h"

namespace kc::engine {
namespace {

// Operators that Kusto has and this engine has not: refused by name, so that nobody takes them for
// a misspelling.
constexpr std::array<std::string_view, 19> kNotSupported{"facet",
                                                         "find",
                                                         "fork",
                                                         "make-graph",
                                                         "make-series",
                                                         "partition",
                                                         "reduce",
                                                         "scan",
                                                         "search",
                                                         "top-nested",
                                                         "top-hitters",
                                                         "graph-match",
                                                         "macro-expand",
                                                         "execute_and_cache",
                                                         "assert-schema",
                                                         "graph-to-table",
                                                         "project-by-names",
                                                         "graph-shortest-paths",
                                                         "graph-mark-components"};

bool unsupported(std::string_view name) {
  return std::find(kNotSupported.begin(), kNotSupported.end(), name) != kNotSupported.end();
}

}  // namespace

// Words that begin a pipeline without a source. As names they are still possible: `union` or
// `print` alone.
bool Parser::starts_pipeline() {
  if (tokens_.peek().kind != TokenKind::identifier) return false;
  const std::string word = tokens_.peek_hyphenated();
  const Token& after = tokens_.peek(1);
  const bool ends = after.kind == TokenKind::end || tokens_.is("|", 1) || tokens_.is(")", 1) ||
                    tokens_.is(";", 1);
  if (word == "print") return !tokens_.is("|", 1);
  if (word == "union") return !ends;
  if (word == "range") return tokens_.is_word("from", 2) || tokens_.is("[", 1);
  if (word == "datatable" || word == "externaldata") return tokens_.is("(", 1);
  if (word == "evaluate") return after.kind == TokenKind::identifier;
  if (word == "find" || word == "search")
    return after.kind == TokenKind::identifier || after.kind == TokenKind::string;
  return false;
}

Result<PipelinePtr> Parser::pipeline_from(ExprPtr source) {
  const Level guard(depth_);
  auto pipeline = std::make_shared<Pipeline>();
  pipeline->offset = source ? source->offset : tokens_.offset();
  if (source) {
    pipeline->depth = source->depth + 1;
    pipeline->source = std::move(source);
  } else {
    KC_TRY(Operator first, one_operator(true));
    pipeline->operators.push_back(std::move(first));
  }
  KC_CHECK_OK(operators(*pipeline));
  return PipelinePtr(std::move(pipeline));
}

Result<void> Parser::operators(Pipeline& pipeline) {
  while (tokens_.accept("|")) {
    if (pipeline.operators.size() >= kOperatorsMax) {
      return fail(tokens_.error("The pipeline has too many operators", "SYN0005"));
    }
    KC_TRY(Operator next, one_operator(false));
    pipeline.operators.push_back(std::move(next));
  }
  return {};
}

Result<Operator> Parser::one_operator(bool first) {
  Operator made;
  made.offset = tokens_.offset();
  if (depth_ > kParserDepthMax) return too_deep(made.offset);
  const std::string name = tokens_.peek_hyphenated();
  const auto refused = [&] {
    return fail(semantic_error(tokens_.text(), made.offset, "SEM0100",
                               "The operator '" + name + "' is not supported"));
  };
  if (name.empty()) return fail(tokens_.error("Expected an operator"));
  if (unsupported(name)) return refused();
  tokens_.take_hyphenated();
  if (name == "where" || name == "filter") {
    KC_TRY(ExprPtr predicate, expression());
    made.op = WhereOp{std::move(predicate)};
  } else if (name == "extend") {
    KC_TRY(std::vector<NamedExpr> columns, named_list());
    made.op = ExtendOp{std::move(columns)};
  } else if (name == "project") {
    KC_TRY(std::vector<NamedExpr> columns, named_list());
    made.op = ProjectOp{std::move(columns)};
  } else if (name == "project-away") {
    KC_TRY(std::vector<std::string> columns, patterns());
    made.op = ProjectAwayOp{std::move(columns)};
  } else if (name == "project-keep") {
    KC_TRY(std::vector<std::string> columns, patterns());
    made.op = ProjectKeepOp{std::move(columns)};
  } else if (name == "project-reorder") {
    KC_TRY(std::vector<std::string> columns, patterns());
    made.op = ProjectReorderOp{std::move(columns)};
  } else if (name == "project-rename") {
    KC_TRY(made.op, renames());
  } else if (name == "summarize") {
    KC_TRY(made.op, summarize());
  } else if (name == "order" || name == "sort") {
    KC_CHECK_OK(options());
    KC_CHECK_OK(tokens_.expect_word("by"));
    KC_TRY(std::vector<OrderKey> keys, order_keys());
    made.op = OrderOp{std::move(keys)};
  } else if (name == "top") {
    KC_TRY(ExprPtr count, expression());
    KC_CHECK_OK(tokens_.expect_word("by"));
    const std::size_t by = tokens_.offset();
    KC_TRY(std::vector<OrderKey> keys, order_keys());
    if (keys.size() > 1) return fail(tokens_.error_at(by, "'top' orders by one expression"));
    made.op = TopOp{std::move(count), std::move(keys)};
  } else if (name == "take" || name == "limit") {
    KC_TRY(ExprPtr count, expression());
    made.op = TakeOp{std::move(count)};
  } else if (name == "count") {
    made.op = CountOp{};
  } else if (name == "distinct") {
    KC_TRY(made.op, distinct());
  } else if (name == "union") {
    KC_TRY(made.op, union_of());
  } else if (name == "join" || name == "lookup") {
    KC_TRY(made.op, join(name == "lookup"));
  } else if (name == "mv-expand" || name == "mvexpand") {
    KC_TRY(made.op, mv_expand());
  } else if (name == "getschema") {
    made.op = GetSchemaOp{};
  } else {
    return less_usual_operator(name, first, made.offset);
  }
  return made;
}

Result<NamedExpr> Parser::named_expression() {
  NamedExpr made;
  const std::size_t mark = tokens_.mark();
  if (tokens_.is_name()) {
    KC_TRY(std::string name, tokens_.name());
    if (tokens_.accept("=")) {
      made.name = std::move(name);
    } else {
      tokens_.reset(mark);
    }
  }
  KC_TRY(made.value, expression());
  return made;
}

Result<std::vector<NamedExpr>> Parser::named_list() {
  std::vector<NamedExpr> list;
  do {
    KC_TRY(NamedExpr next, named_expression());
    list.push_back(std::move(next));
  } while (tokens_.accept(","));
  return list;
}

Result<std::vector<OrderKey>> Parser::order_keys() {
  std::vector<OrderKey> keys;
  do {
    OrderKey key;
    KC_TRY(key.value, expression());
    if (tokens_.accept_word("asc")) {
      key.descending = false;
    } else {
      tokens_.accept_word("desc");
    }
    if (tokens_.accept_word("nulls")) {
      key.nulls_first = tokens_.is_word("first");
      if (!tokens_.accept_word("first")) KC_CHECK_OK(tokens_.expect_word("last"));
    }
    keys.push_back(std::move(key));
  } while (tokens_.accept(","));
  return keys;
}

// `a`, `['b c']`, `ab*`, `*`: an asterisk belongs to the words it touches.
Result<std::string> Parser::pattern() {
  std::string pattern;
  std::size_t end = tokens_.offset();
  while ((tokens_.is_name() || tokens_.is("*")) && (pattern.empty() || tokens_.offset() == end)) {
    if (tokens_.is("*")) {
      pattern += tokens_.take().text;
    } else {
      KC_TRY(const std::string name, tokens_.name());
      pattern += name;
    }
    end = tokens_.last_end();
  }
  if (pattern.empty()) return fail(tokens_.error("Expected a column"));
  return pattern;
}

Result<std::vector<std::string>> Parser::patterns() {
  std::vector<std::string> list;
  do {
    KC_TRY(std::string next, pattern());
    if (tokens_.is_word("asc") || tokens_.is_word("desc")) {
      return fail(semantic_error(tokens_.text(), tokens_.offset(), "SEM0100",
                                 "Ordering columns by their names is not supported"));
    }
    list.push_back(std::move(next));
  } while (tokens_.accept(","));
  return list;
}

// `kind=inner hint.strategy = shuffle`; stops at the first word without `=`.
Result<std::vector<Option>> Parser::options() {
  std::vector<Option> list;
  while (tokens_.peek().kind == TokenKind::identifier) {
    const std::size_t mark = tokens_.mark();
    Option option;
    option.offset = tokens_.offset();
    option.name = tokens_.take().text;
    while (tokens_.is(".") && tokens_.peek(1).kind == TokenKind::identifier) {
      tokens_.take();
      option.name += "." + tokens_.take().text;
    }
    if (!tokens_.accept("=")) {
      tokens_.reset(mark);
      break;
    }
    if (tokens_.is("(")) {  // `union x=(T | …)` is no option
      tokens_.reset(mark);
      break;
    }
    const Token value = tokens_.peek();
    if (value.kind == TokenKind::end) return fail(tokens_.error("Expected the option's value"));
    option.value = value.kind == TokenKind::punctuation || value.text.empty()
                       ? std::string(value.raw)
                       : value.text;
    tokens_.take();
    list.push_back(std::move(option));
  }
  return list;
}

Result<ProjectRenameOp> Parser::renames() {
  ProjectRenameOp op;
  do {
    KC_TRY(std::string to, tokens_.name());
    KC_CHECK_OK(tokens_.expect("="));
    KC_TRY(std::string from, tokens_.name());
    op.renames.emplace_back(std::move(to), std::move(from));
  } while (tokens_.accept(","));
  return op;
}

Result<SummarizeOp> Parser::summarize() {
  SummarizeOp op;
  while (tokens_.is_word("hint") && tokens_.is(".", 1)) KC_CHECK_OK(options());
  const auto ends = [&] {
    return tokens_.is("|") || tokens_.is(")") || tokens_.is(";") || tokens_.is("}") ||
           tokens_.peek().kind == TokenKind::end;
  };
  if (!tokens_.is_word("by") && !ends()) {
    KC_TRY(op.aggregates, named_list());
  }
  if (tokens_.accept_word("by")) {
    KC_TRY(op.by, named_list());
  } else if (op.aggregates.empty()) {
    return fail(tokens_.error("Expected an aggregate or 'by'"));
  }
  return op;
}

Result<DistinctOp> Parser::distinct() {
  DistinctOp op;
  if (tokens_.accept("*")) {
    op.all = true;
    return op;
  }
  KC_TRY(op.columns, named_list());
  return op;
}

Result<UnionOp> Parser::union_of() {
  UnionOp op;
  KC_TRY(op.options, options());
  do {
    KC_TRY(ExprPtr source, union_source());
    op.sources.push_back(std::move(source));
  } while (tokens_.accept(","));
  return op;
}

Result<ExprPtr> Parser::union_source() {
  const std::size_t offset = tokens_.offset();
  if (tokens_.is("*") || (tokens_.peek().kind == TokenKind::identifier && tokens_.is("*", 1) &&
                          tokens_.peek(1).offset == offset + tokens_.peek().raw.size())) {
    KC_TRY(std::string wildcard, pattern());
    return make(ExprKind::wildcard, offset, std::move(wildcard));
  }
  if (tokens_.is("(")) return parenthesised();
  return postfix();
}

Result<JoinOp> Parser::join(bool lookup) {
  JoinOp op;
  op.lookup = lookup;
  KC_TRY(op.options, options());
  KC_TRY(op.right, union_source());
  KC_CHECK_OK(tokens_.expect_word("on"));
  do {
    KC_TRY(ExprPtr on, expression());
    op.on.push_back(std::move(on));
  } while (tokens_.accept(","));
  return op;
}

}  // namespace kc::engine
