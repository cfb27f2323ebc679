// The tree of a KQL query. Built by the parser, read by the translator; it keeps byte offsets so
// that an error can name its place. Thread promise: immutable after parsing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/schema.h"

namespace kc::engine {

// A value with its type. By type: bool in `integer` (0, 1); int, long, datetime and timespan
// (ticks) in `integer`; real in `number`; decimal (canonical), guid (lower case), string, dynamic
// (JSON) in `text`.
struct Literal {
  ScalarType type = ScalarType::string_;
  bool is_null = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text = {};
};

struct Expr;
struct Pipeline;
using ExprPtr = std::shared_ptr<const Expr>;
using PipelinePtr = std::shared_ptr<const Pipeline>;

enum class ExprKind {
  literal,
  name,      // `text`
  member,    // args[0] . text
  index,     // args[0] [ args[1] ]
  call,      // text ( args )
  unary,     // text: `-` or `+`; args[0]
  binary,    // text: the operator; args[0], args[1]
  and_,      // args: two or more
  or_,       // args: two or more
  in,        // text: in, !in, in~, !in~, has_any, has_all; args[0] in args[1…]
  between,   // text: between, !between; args[0] in args[1] .. args[2]
  star,      // `*`
  wildcard,  // `abc*`: text
  subquery,  // a pipeline where a value or an argument stands
};

struct Expr {
  ExprKind kind = ExprKind::literal;
  std::size_t offset = 0;
  std::size_t depth = 1;
  std::string text;
  Literal literal;
  std::vector<ExprPtr> args;
  PipelinePtr pipeline;
};

struct NamedExpr {
  std::string name;  // empty: to be inferred
  ExprPtr value;
};

struct OrderKey {
  ExprPtr value;
  bool descending = true;
  std::optional<bool> nulls_first;  // unset: first for asc, last for desc
};

// Options written before an operator's operands: `kind=inner`, `hint.strategy=shuffle`,
// `withsource=S`.
struct Option {
  std::string name;
  std::string value;
  std::size_t offset = 0;
};

struct WhereOp {
  ExprPtr predicate;
};
struct ExtendOp {
  std::vector<NamedExpr> columns;
};
struct ProjectOp {
  std::vector<NamedExpr> columns;
};
struct ProjectAwayOp {
  std::vector<std::string> patterns;
};  // `a`, `b*`
struct ProjectKeepOp {
  std::vector<std::string> patterns;
};
struct ProjectReorderOp {
  std::vector<std::string> patterns;
};
struct ProjectRenameOp {
  std::vector<std::pair<std::string, std::string>> renames;
};  // new, old
struct SummarizeOp {
  std::vector<NamedExpr> aggregates;
  std::vector<NamedExpr> by;
};
struct OrderOp {
  std::vector<OrderKey> keys;
};
struct TopOp {
  ExprPtr count;
  std::vector<OrderKey> keys;
};
struct TakeOp {
  ExprPtr count;
};
struct CountOp {
  std::string name;
};
struct DistinctOp {
  std::vector<NamedExpr> columns;
  bool all = false;
};
struct UnionOp {
  std::vector<Option> options;
  std::vector<ExprPtr> sources;
};
struct JoinOp {
  bool lookup = false;
  std::vector<Option> options;
  ExprPtr right;
  std::vector<ExprPtr> on;
};
struct MvExpandColumn {
  NamedExpr column;
  std::optional<ScalarType> type;
};
struct MvExpandOp {
  std::vector<MvExpandColumn> columns;
  ExprPtr limit;
  std::string item_index;       // with_itemindex=…
  bool bags_as_arrays = false;  // bagexpansion=array
};
struct MvApplyOp {
  MvExpandOp expand;
  PipelinePtr inner;  // operators only
};
struct SerializeOp {
  std::vector<NamedExpr> columns;
};
struct GetSchemaOp {};
struct ConsumeOp {};
struct SampleOp {
  ExprPtr count;
  ExprPtr of;  // sample-distinct: the column
};
// `"text"`, `*` or `Column:type` of a parse pattern.
struct ParsePart {
  enum class Kind { text, skip, column } kind = Kind::text;
  std::string text;
  ScalarType type = ScalarType::string_;
};
struct ParseOp {
  enum class Kind { simple, relaxed, regex } kind = Kind::simple;
  std::string flags;
  bool filter = false;  // parse-where
  ExprPtr value;
  std::vector<ParsePart> parts;
};
struct ParseKvOp {
  ExprPtr value;
  std::vector<Column> columns;
  std::vector<std::pair<std::string, Literal>> properties;
};
struct EvaluateOp {
  ExprPtr plugin;                              // a call
  std::optional<std::vector<Column>> columns;  // `: (a:long, *)`
  bool keeps_input = false;                    // the `*` in it
};
struct InvokeOp {
  ExprPtr function;  // a call
};
struct ExternalDataOp {
  std::vector<Column> columns;
  std::vector<ExprPtr> addresses;
  std::vector<std::pair<std::string, Literal>> properties;
};
struct AsOp {
  std::string name;
};
struct RenderOp {};
struct PrintOp {
  std::vector<NamedExpr> columns;
};
struct RangeOp {
  std::string name;
  ExprPtr from, to, step;
};
struct DatatableOp {
  std::vector<Column> columns;
  std::vector<Literal> values;
};

struct Operator {
  std::size_t offset = 0;
  std::variant<WhereOp, ExtendOp, ProjectOp, ProjectAwayOp, ProjectKeepOp, ProjectReorderOp,
               ProjectRenameOp, SummarizeOp, OrderOp, TopOp, TakeOp, CountOp, DistinctOp, UnionOp,
               JoinOp, MvExpandOp, MvApplyOp, SerializeOp, GetSchemaOp, ConsumeOp, SampleOp,
               ParseOp, ParseKvOp, EvaluateOp, InvokeOp, AsOp, RenderOp, PrintOp, RangeOp,
               DatatableOp, ExternalDataOp>
      op;
};

// `source | op | op`. The source is an expression (a name, `database('d').T`, `table('T')`, a call,
// a subquery), or empty where the first operator makes rows itself (print, range, datatable, union)
// or rows are given from outside.
struct Pipeline {
  std::size_t offset = 0;
  std::size_t depth = 1;
  ExprPtr source;
  std::vector<Operator> operators;
};

struct Parameter {
  std::string name;
  ScalarType type = ScalarType::string_;
  bool tabular = false;
  std::optional<Literal> standard;  // the default value
};

struct LetStatement {
  std::string name;
  std::size_t offset = 0;
  bool function = false;
  std::vector<Parameter> parameters;
  std::vector<LetStatement> inner;  // lets inside a function's body
  ExprPtr value;                    // scalar or tabular; a name is decided by the binder
};
struct SetStatement {
  std::string name;
  std::optional<Literal> value;
};
// `declare query_parameters(a:long = 5, b:string)`
struct DeclareStatement {
  std::size_t offset = 0;
  std::vector<Parameter> parameters;
};
using TabularStatement = PipelinePtr;
using Statement = std::variant<LetStatement, SetStatement, DeclareStatement, TabularStatement>;

struct Query {
  std::string text;  // what was parsed, for positions
  std::vector<Statement> statements;
};

}  // namespace kc::engine
