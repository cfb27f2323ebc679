// The parser's inside, shared by its three sources: statements (parser.cc), expressions
// (parser_expression.cc) and operators (parser_operators.cc). Nobody else includes it. Thread
// promise: one owner at a time.
#pragma once

#include "core/engine/syntax/parser.h"

namespace kc::engine {

// Levels of the parser's own recursion, about three for a parenthesis; small enough for a stack of
// 8 MiB under sanitizers.
inline constexpr std::size_t kParserDepthMax = 300;

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(text) {}

  Result<Query> query();
  Result<Pipeline> trailing_operators();

 private:
  // Counts the recursion, so that hostile text ends in an error and not in a stack overflow.
  class Level {
   public:
    explicit Level(std::size_t& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    std::size_t& depth_;
  };

  // Statements
  Result<Statement> statement();
  Result<LetStatement> let_statement();
  Result<void> function_of(LetStatement& let);
  Result<Parameter> parameter();
  bool starts_function();
  Result<Statement> set_statement();
  Result<Statement> declare_statement();

  // Expressions
  Result<ExprPtr> expression() { return binary(0); }
  Result<ExprPtr> binary(int level);
  Result<ExprPtr> chain(ExprPtr left, int level, std::size_t start);
  Result<ExprPtr> membership(ExprPtr left, std::string op);
  Result<ExprPtr> range_test(ExprPtr left, std::string op);
  Result<ExprPtr> unary();
  Result<ExprPtr> postfix();
  Result<ExprPtr> primary();
  Result<ExprPtr> named_or_call();
  Result<ExprPtr> parenthesised();
  Result<ExprPtr>
  pipeline_or_expression();  // what may stand in parentheses, as an argument or after `let x =`
  Result<std::vector<ExprPtr>> arguments(std::string_view close);
  Result<ExprPtr> make(ExprKind kind, std::size_t offset, std::string text,
                       std::vector<ExprPtr> args = {});
  Result<ExprPtr> make_literal(std::size_t offset, Literal literal);
  Result<Literal> literal_value();  // with a sign, as in datatable
  std::string operator_at(int level);

  // Pipelines
  bool starts_pipeline();
  Result<PipelinePtr> pipeline_from(ExprPtr source);
  Result<void> operators(Pipeline& pipeline);
  Result<Operator> one_operator(bool first);
  Result<std::vector<NamedExpr>> named_list();
  Result<NamedExpr> named_expression();
  Result<std::vector<OrderKey>> order_keys();
  Result<std::string> pattern();
  Result<std::vector<std::string>> patterns();
  Result<std::vector<Option>> options();
  Result<ProjectRenameOp> renames();
  Result<SummarizeOp> summarize();
  Result<DistinctOp> distinct();
  Result<UnionOp> union_of();
  Result<ExprPtr> union_source();
  Result<JoinOp> join(bool lookup);
  Result<MvExpandOp> mv_expand();
  Result<MvApplyOp> mv_apply();
  Result<RangeOp> range();
  Result<DatatableOp> datatable();
  Result<std::vector<Column>> column_list(std::string_view close);
  Result<Operator> less_usual_operator(const std::string& name, bool first, std::size_t offset);
  Result<ParseOp> parse_text(bool filter);
  Result<ParseKvOp> parse_pairs();
  Result<EvaluateOp> evaluate();
  Result<ExternalDataOp> externaldata();
  Result<std::vector<std::pair<std::string, Literal>>> with_properties();
  Result<ScalarType> type_name();

  Failure too_deep(std::size_t offset) {
    return fail(tokens_.error_at(offset, "The query is nested too deeply", "SYN0005"));
  }

  TokenStream tokens_;
  std::size_t depth_ = 0;
};

}  // namespace kc::engine
