// The translator's inside: one per statement list, walking trees and writing SQL. Its methods are
// spread over this folder's sources as the README lists them; nobody else includes this.
// Thread promise: one owner at a time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/engine/translate/rows.h"
#include "core/engine/translate/translate.h"

namespace kc::engine {

inline constexpr std::size_t kExpressionsMax =
    400'000;  // expressions translated for one request: lets multiply
inline constexpr std::size_t kPipelinesMax =
    2'000;  // pipelines translated for one request, likewise
inline constexpr std::size_t kSqlBytesMax = 64u << 20;  // of one scalar or pipeline
inline constexpr std::size_t kCallDepthMax = 64;        // lets and functions inside one another

struct Binding;
using Scope = std::shared_ptr<const Binding>;  // innermost name first; null: no names

// A let or a function's parameter.
struct Binding {
  std::string name;
  const LetStatement* let = nullptr;
  std::optional<Sql> value;        // a scalar argument
  ExprPtr rows;                    // a tabular argument, to be read in `defined_in`
  std::optional<Rows> known_rows;  // rows given by `as`
  Scope defined_in;                // what its own expression sees
  Scope outer;
};

// `scope` and the let's name inside it; the let itself sees `scope`. The statement must outlive it.
Scope with_let(const LetStatement& let, const Scope& scope);

// Where a scalar stands: whose columns it sees and what it may call.
struct Row {
  const Rows* rows = nullptr;   // null: no columns
  const Rows* right = nullptr;  // the other side, in a join's condition
  bool aggregates = false;
  std::vector<std::pair<std::string, std::string>>* prelude =
      nullptr;  // columns a window function needs, each seeing the ones before
};

class Translator {
 public:
  Translator(std::string_view text, Binder& binder) : text_(text), binder_(binder) {}

  Result<TranslatedQuery> query(const Query& query);
  Result<Translated> over(const Relation& rows, const Pipeline& pipeline);

 private:
  Error error(std::size_t offset, std::string_view code, std::string_view what) const {
    return Error(semantic(offset, code, what));
  }
  Error semantic(std::size_t offset, std::string_view code, std::string_view what) const;
  std::string fresh() { return "c" + std::to_string(++names_); }
  Result<void> spend_expression(std::size_t offset);
  Result<void> check_size(const std::string& sql, std::size_t offset) const;

  // ---- Rows (tabular.cc, join_union.cc, summarize.cc)
  Translated finish(Rows rows) const;
  Rows rows_of(const Relation& relation, const ScanHints& hints);
  Result<Rows> pipeline(const Pipeline& pipeline, const Scope& scope);
  Result<Rows> source(const Expr& expr, const Scope& scope, const Pipeline* of);
  Result<Rows> table(std::string_view database, std::string_view name, std::size_t offset,
                     const Scope& scope, const Pipeline* of);
  Result<Rows> call_rows(const Expr& expr, const Scope& scope, const Pipeline* of);
  Result<Rows> rows_of_function(const Binding& function, std::size_t offset, const Scope& scope);
  Result<Rows> row_level_rows(std::string_view name, const std::string& text, std::size_t offset);
  bool mentions(std::string_view word) const;
  Result<Rows> apply(Rows rows, const Operator& op, const Scope& scope);
  ScanHints hints_for(const Pipeline* pipeline, const Scope& scope);
  void add_hint(const Expr& predicate, const Scope& scope, ScanHints& hints);
  std::optional<std::int64_t> known_ticks(const Expr& expr, const Scope& scope);

  Result<Rows> where(Rows rows, const WhereOp& op, const Scope& scope);
  Result<Rows> extend(Rows rows, const std::vector<NamedExpr>& columns, bool keep,
                      std::size_t offset, const Scope& scope);
  Result<Rows> project_some(Rows rows, const std::vector<std::string>& patterns, bool keep,
                            std::size_t offset);
  Result<Rows> project_reorder(Rows rows, const std::vector<std::string>& patterns);
  Result<Rows> project_rename(Rows rows, const ProjectRenameOp& op, std::size_t offset);
  Result<Rows> order(Rows rows, const std::vector<OrderKey>& keys, const Scope& scope);
  Result<Rows> take(Rows rows, const Expr& count, const Scope& scope);
  Result<Rows> count(Rows rows);
  Result<Rows> distinct(Rows rows, const DistinctOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> mv_expand(Rows rows, const MvExpandOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> name_expanded(Rows rows, const MvExpandOp& op, std::size_t offset,
                             const Scope& scope, std::vector<std::string>& names);
  Result<Rows> unnest(Rows rows, const MvExpandOp& op, const std::vector<std::string>& names,
                      const std::vector<std::string>& lists);
  Result<Rows> mv_apply(Rows rows, const MvApplyOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> parse(Rows rows, const ParseOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> parse_pairs(Rows rows, const ParseKvOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> evaluate(std::optional<Rows> rows, const EvaluateOp& op, const Scope& scope);
  Result<Rows> bag_unpack(const Rows& rows, const EvaluateOp& op, const Scope& scope);
  Result<std::vector<Column>> members_of(const Rows& rows, const std::string& bag);
  Result<Rows> pivot(Rows rows, const Expr& plugin, const Scope& scope);
  Result<Rows> narrow(Rows rows);
  Result<Rows> externaldata(const ExternalDataOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> invoke(Rows rows, const InvokeOp& op, const Scope& scope);
  Result<Rows> sample(Rows rows, const SampleOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> materialized(const Expr& expr, const Scope& scope);
  Result<std::string> database_of(const Expr& expr, const Scope& scope);
  Rows renamed(Rows rows);  // read once more under new names
  Result<Scope> declared(const DeclareStatement& statement, Scope scope);
  Result<Literal> known(const Expr& expr, const Scope& scope);
  Result<std::vector<std::optional<std::string>>> ask(const std::string& sql);
  Result<std::string> known_text(const Expr& expr, const Scope& scope);
  Result<Rows> getschema(const Rows& rows);
  Result<Rows> print(const PrintOp& op, const Scope& scope);
  Result<Rows> range(const RangeOp& op, std::size_t offset, const Scope& scope);
  Result<Rows> datatable(const DatatableOp& op, std::size_t offset);
  static void add_in_turn(Rows& rows, std::vector<std::pair<std::string, std::string>> columns);
  void number_rows(Rows& rows);  // after it one column carries the order

  Result<Rows> union_of(std::optional<Rows> left, const UnionOp& op, std::size_t offset,
                        const Scope& scope);
  Result<Rows> join(Rows left, const JoinOp& op, std::size_t offset, const Scope& scope);
  Result<void> join_keys(const Rows& left, const Rows& right, const Expr& on,
                         std::vector<std::pair<RowColumn, RowColumn>>& keys);

  Result<Rows> summarize(Rows rows, const SummarizeOp& op, std::size_t offset, const Scope& scope);
  Result<Sql> aggregate(const Expr& call, const Row& row, const Scope& scope);
  Result<Sql> aggregate_of(const Expr& call, std::string_view name, const Sql& value,
                           const std::string& filter, const Row& row, const Scope& scope);
  struct Picks;  // arg_max, arg_min, take_any: several columns of one row
  Result<void> pick(const Expr& call, const std::string& name, const Row& row, const Scope& scope,
                    const std::set<std::string>& by, Picks& picks);

  // ---- Scalars
  Result<Sql> scalar(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::string> predicate(const Expr& expr, const Row& row,
                                const Scope& scope);  // null counts as false
  Result<Sql> boolean(const Expr& expr, const Row& row, const Scope& scope, bool null_is_false);
  Result<Sql> name(const Expr& expr, const Row& row, const Scope& scope);
  Result<Sql> let_value(const Binding& binding, std::size_t offset);
  Result<Sql> member(const Expr& expr, const Row& row, const Scope& scope);
  Result<Sql> unary(const Expr& expr, const Row& row, const Scope& scope);
  Result<Sql> binary(const Expr& expr, const Row& row, const Scope& scope, bool null_is_false);
  Result<Sql> in(const Expr& expr, const Row& row, const Scope& scope, bool null_is_false);
  Result<Sql> between(const Expr& expr, const Row& row, const Scope& scope, bool null_is_false);
  Result<Sql> compare(std::string_view op, Sql a, Sql b, std::size_t offset, bool null_is_false);
  Result<Sql> arithmetic(char op, Sql a, Sql b, std::size_t offset);
  Result<Sql> string_operator(std::string_view op, Sql a, Sql b, std::size_t offset);

  Result<Sql> call(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::optional<Sql>> context_call(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::optional<Sql>> window_call(const Expr& expr, const Row& row, const Scope& scope);
  Result<Sql> window_argument(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::optional<Sql>> choice_call(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::optional<Sql>> special_call(const Expr& expr, const std::vector<Sql>& args);
  Result<std::optional<Sql>> typed_call(const Expr& expr, const Row& row, const Scope& scope);
  Result<std::optional<Sql>> text_call(const Expr& expr, const std::vector<Sql>& args);
  Result<std::optional<Sql>> dynamic_call(const Expr& expr, const std::vector<Sql>& args);
  Result<std::optional<Sql>> composed_call(const Expr& expr, const std::vector<Sql>& args);
  Result<Sql> range_call(const Expr& expr, const std::vector<Sql>& args);
  Result<Sql> decimals(char op, const Sql& a, const Sql& b);
  Result<std::optional<Sql>> time_call(const Expr& expr, const std::vector<Sql>& args);
  Result<std::optional<Sql>> template_call(const Expr& expr, const std::vector<Sql>& args);
  Result<Sql> let_call(const Binding& function, const Expr& expr, const Row& row,
                       const Scope& scope);
  Result<Scope> bind_parameters(const Binding& function, const Expr& expr, const Row& row,
                                const Scope& scope);
  Result<Sql> toscalar(const Expr& expr, const Scope& scope);
  Result<Sql> cursor_filter(const Expr& expr, const Row& row, const Scope& scope);
  Result<Sql> bin(const Sql& value, const Sql& size, std::size_t offset);
  Result<std::string> known_string(const Expr& call, const std::vector<Sql>& args,
                                   std::size_t index) const;
  Result<void> arity(const Expr& call, std::size_t low, std::size_t high) const;

  // Conversions: `to` as tostring(), tolong() … do; `implicit` as arguments and operators allow, or
  // an error.
  Sql to(ScalarType type, const Sql& value) const;
  Result<Sql> implicit(ScalarType type, const Sql& value, std::size_t offset) const;
  Result<ScalarType> common_type(const std::vector<Sql>& values, std::size_t offset) const;
  std::string json_of(const Sql& value) const;  // the value as JSON text, NULL for null

  const Binding* find(const Scope& scope, std::string_view name) const;
  const Binding* stored(std::string_view name) const;
  Result<std::optional<Sql>> principal_call(const Expr& expr, const Scope& scope);

  std::string_view text_;
  Binder& binder_;
  std::size_t names_ = 0;
  std::size_t expressions_ = 0;
  std::size_t pipelines_ = 0;
  std::size_t call_depth_ = 0;
  bool uses_cursor_ = false;
  std::vector<ExprPtr> kept_;  // trees that the translator itself made
  // What materialize() reads once for a statement: by the tree and what it sees.
  std::map<std::pair<const Expr*, const Binding*>, Rows> materialized_;
  std::string with_;  // `name AS MATERIALIZED (…), …`
  // Functions of the database by name, null for names that are none; what they were parsed from.
  mutable std::map<std::string, std::shared_ptr<const Binding>, std::less<>> stored_;
  mutable std::vector<std::shared_ptr<const Query>> stored_queries_;
  mutable std::vector<std::string> stored_texts_;
  std::set<std::string> unguarded_;  // tables that are read inside their own row level query
};

// The column name that Kusto gives an unnamed expression; empty: it has none of its own.
std::string inferred_name(const Expr& expr);
bool is_aggregate(std::string_view name);
bool is_refused_aggregate(std::string_view name);  // of Kusto, but not here
bool has_window_call(const Expr& expr);
// Appends a number until no column of `rows` is called so.
std::string unused_name(const std::vector<RowColumn>& columns, std::string name);

}  // namespace kc::engine
