#include <algorithm>

#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.size() < star || name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= name.size(); ++at) {
    if (matches(rest, name.substr(at))) return true;
  }
  return false;
}

}  // namespace

Rows Translator::rows_of(const Relation& relation, const ScanHints& hints) {
  Rows rows;
  std::string list;
  const auto add = [&](const std::string& from) {
    std::string to = fresh();
    list += (list.empty() ? "" : ", ") + quote_identifier(from) + " AS " + to;
    return to;
  };
  for (std::size_t i = 0; i < relation.schema.columns.size(); ++i) {
    const Column& column = relation.schema.columns[i];
    rows.columns.push_back({column.name, column.type,
                            add(relation.sql_names.empty() ? column.name : relation.sql_names[i])});
  }
  if (hints.needs_ingestion_time) rows.ingestion_time = add("$IngestionTime");
  if (hints.needs_cursor) rows.cursor = add("$Cursor");
  if (hints.needs_extent) {
    rows.extent_id = add("$ExtentId");
    rows.extent_tags = add("$ExtentTags");
  }
  rows.from = "(SELECT " + list + " FROM " + relation.sql + ")";
  return rows;
}

Result<Rows> Translator::pipeline(const Pipeline& pipeline, const Scope& scope) {
  if (++pipelines_ > kPipelinesMax) {
    return fail(semantic(pipeline.offset, "SEM0120",
                         "The query has too many pipelines once its lets are in place"));
  }
  Rows rows;
  Scope inner = scope;
  std::size_t next = 0;
  if (pipeline.source) {
    KC_TRY(rows, source(*pipeline.source, scope, &pipeline));
  } else {
    const Operator& first = pipeline.operators[next++];
    if (const auto* op = std::get_if<PrintOp>(&first.op)) {
      KC_TRY(rows, print(*op, scope));
    } else if (const auto* made = std::get_if<RangeOp>(&first.op)) {
      KC_TRY(rows, range(*made, first.offset, scope));
    } else if (const auto* table_op = std::get_if<DatatableOp>(&first.op)) {
      KC_TRY(rows, datatable(*table_op, first.offset));
    } else if (const auto* joined = std::get_if<UnionOp>(&first.op)) {
      KC_TRY(rows, union_of(std::nullopt, *joined, first.offset, scope));
    } else if (const auto* evaluated = std::get_if<EvaluateOp>(&first.op)) {
      KC_TRY(rows, evaluate(std::nullopt, *evaluated, scope));
    } else if (const auto* external = std::get_if<ExternalDataOp>(&first.op)) {
      KC_TRY(rows, externaldata(*external, first.offset, scope));
    } else {
      return fail(semantic(first.offset, "SEM0100", "The operator needs rows in front of it"));
    }
  }
  for (; next < pipeline.operators.size(); ++next) {
    const Operator& op = pipeline.operators[next];
    if (const auto* as = std::get_if<AsOp>(&op.op)) {
      auto binding = std::make_shared<Binding>();
      binding->name = as->name;
      binding->known_rows = rows;
      binding->outer = inner;
      inner = std::move(binding);
      continue;
    }
    KC_TRY(rows, apply(std::move(rows), op, inner));
    KC_CHECK_OK(check_size(rows.from, op.offset));
  }
  return rows;
}

Result<Rows> Translator::source(const Expr& expr, const Scope& scope, const Pipeline* of) {
  switch (expr.kind) {
    case ExprKind::subquery:
      return pipeline(*expr.pipeline, scope);
    case ExprKind::name:
      return table("", expr.text, expr.offset, scope, of);
    case ExprKind::member: {  // database('d').T
      KC_TRY(const std::string database, database_of(*expr.args[0], scope));
      return table(database, expr.text, expr.offset, nullptr, of);
    }
    case ExprKind::call:
      return call_rows(expr, scope, of);
    default:
      break;
  }
  return fail(semantic(expr.offset, "SEM0100", "The expression is no table"));
}

Result<Rows> Translator::call_rows(const Expr& expr, const Scope& scope, const Pipeline* of) {
  if (const Binding* binding = find(scope, expr.text);
      binding != nullptr && binding->let != nullptr && binding->let->function) {
    KC_TRY(const Scope inner, bind_parameters(*binding, expr, Row{}, scope));
    if (++call_depth_ > kCallDepthMax)
      return fail(semantic(expr.offset, "SEM0120", "Lets and functions are nested too deeply"));
    auto rows = source(*binding->let->value, inner, nullptr);
    --call_depth_;
    return rows;
  }
  if (expr.text == "materialize" && expr.args.size() == 1)
    return materialized(*expr.args[0], scope);
  if ((expr.text == "table" || expr.text == ".table") && !expr.args.empty()) {
    const bool foreign = expr.text == ".table";
    const std::size_t first = foreign ? 1 : 0;
    std::string database;
    if (foreign) {
      KC_TRY(database, database_of(*expr.args[0], scope));
    }
    if (expr.args.size() < first + 1 || expr.args.size() > first + 2)
      return fail(semantic(expr.offset, "SEM0219", "'table' takes a name and a scope of data"));
    KC_TRY(const Sql name, scalar(*expr.args[first], Row{}, scope));
    if (!name.literal || name.type != ScalarType::string_)
      return fail(semantic(expr.offset, "SEM0100", "A table's name must be a constant string"));
    return table(database, name.literal->text, expr.offset, nullptr, of);
  }
  return fail(semantic(expr.offset, "SEM0100",
                       "The function '" + expr.text + "' is not known as a source of rows"));
}

// `database('d')`, or `cluster('c').database('d')` for this cluster by any of its names.
Result<std::string> Translator::database_of(const Expr& expr, const Scope& scope) {
  const bool foreign = expr.kind == ExprKind::call && expr.text == ".database";
  if (expr.kind != ExprKind::call || (expr.text != "database" && !foreign) ||
      expr.args.size() != (foreign ? 2 : 1))
    return fail(semantic(expr.offset, "SEM0100", "The expression is no database"));
  if (foreign) {
    const Expr& cluster = *expr.args[0];
    if (cluster.kind != ExprKind::call || cluster.text != "cluster" || cluster.args.size() != 1)
      return fail(semantic(expr.offset, "SEM0100", "The expression is no cluster"));
    KC_TRY(const std::string name, known_text(*cluster.args[0], scope));
    if (!binder_.is_own_cluster(name))
      return fail(
          semantic(cluster.offset, "SEM0100",
                   "Queries across clusters are not supported: '" + name + "' is another cluster"));
  }
  return known_text(*expr.args.back(), scope);
}

// Read once more under new names, so that it can meet itself in a join.
Rows Translator::renamed(Rows rows) {
  rows.fold();
  std::string list;
  Rows made;
  for (const RowColumn& column : rows.columns) {
    made.columns.push_back({column.name, column.type, fresh()});
    list += (list.empty() ? "" : ", ") + column.sql + " AS " + made.columns.back().sql;
  }
  made.from = "(SELECT " + (list.empty() ? "1" : list) + " FROM " + rows.from + ")";
  return made;
}

// Read once for the whole statement, however often it is named.
Result<Rows> Translator::materialized(const Expr& expr, const Scope& scope) {
  const auto key = std::make_pair(&expr, scope.get());
  auto found = materialized_.find(key);
  if (found == materialized_.end()) {
    KC_TRY(Rows rows, source(expr, scope, nullptr));
    rows.fold();
    const std::string name = fresh();
    with_ += (with_.empty() ? "" : ", ") + name + " AS MATERIALIZED (SELECT * FROM " + rows.from +
             rows.order_clause() + ")";
    rows.from = name;
    rows.forget_origin();
    found = materialized_.emplace(key, std::move(rows)).first;
  }
  return renamed(found->second);
}

Result<Rows> Translator::table(std::string_view database, std::string_view name, std::size_t offset,
                               const Scope& scope, const Pipeline* of) {
  if (const Binding* binding = find(scope, name); binding != nullptr && database.empty()) {
    if (++call_depth_ > kCallDepthMax)
      return fail(semantic(offset, "SEM0120", "Lets and functions are nested too deeply"));
    Result<Rows> rows = Rows{};
    if (binding->known_rows) {
      rows = renamed(*binding->known_rows);
    } else if (binding->rows) {
      rows = source(*binding->rows, binding->defined_in, nullptr);
    } else if (binding->let != nullptr && !binding->let->function) {
      rows = source(*binding->let->value, binding->defined_in, of);
    } else if (binding->let != nullptr) {
      rows = rows_of_function(*binding, offset, scope);
    } else {
      rows = fail(semantic(offset, "SEM0100", "'" + std::string(name) + "' is no table"));
    }
    --call_depth_;
    return rows;
  }
  const ScanHints hints = hints_for(of, scope);
  auto relation = binder_.table(database, name, hints);
  if (!relation) {
    if (relation.error().kind != ErrorKind::not_found) return fail(std::move(relation).error());
    Error missing = semantic(
        offset, "SEM0100",
        "'table' operator: Failed to resolve table expression named '" + std::string(name) + "'");
    missing.kind = ErrorKind::not_found;
    return fail(std::move(missing));
  }
  if (!relation->row_level_query.empty() && !unguarded_.contains(std::string(name)))
    return row_level_rows(name, relation->row_level_query, offset);
  return rows_of(*relation, hints);
}

Result<Rows> Translator::apply(Rows rows, const Operator& op, const Scope& scope) {
  const std::size_t at = op.offset;
  if (const auto* it = std::get_if<WhereOp>(&op.op)) return where(std::move(rows), *it, scope);
  if (const auto* it = std::get_if<ExtendOp>(&op.op))
    return extend(std::move(rows), it->columns, true, at, scope);
  if (const auto* it = std::get_if<ProjectOp>(&op.op))
    return extend(std::move(rows), it->columns, false, at, scope);
  if (const auto* it = std::get_if<ProjectAwayOp>(&op.op))
    return project_some(std::move(rows), it->patterns, false, at);
  if (const auto* it = std::get_if<ProjectKeepOp>(&op.op))
    return project_some(std::move(rows), it->patterns, true, at);
  if (const auto* it = std::get_if<ProjectReorderOp>(&op.op))
    return project_reorder(std::move(rows), it->patterns);
  if (const auto* it = std::get_if<ProjectRenameOp>(&op.op))
    return project_rename(std::move(rows), *it, at);
  if (const auto* it = std::get_if<SummarizeOp>(&op.op))
    return summarize(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<OrderOp>(&op.op)) return order(std::move(rows), it->keys, scope);
  if (const auto* it = std::get_if<TopOp>(&op.op)) {
    KC_TRY(rows, order(std::move(rows), it->keys, scope));
    return take(std::move(rows), *it->count, scope);
  }
  if (const auto* it = std::get_if<TakeOp>(&op.op)) return take(std::move(rows), *it->count, scope);
  if (std::holds_alternative<CountOp>(op.op)) return count(std::move(rows));
  if (const auto* it = std::get_if<DistinctOp>(&op.op))
    return distinct(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<UnionOp>(&op.op))
    return union_of(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<JoinOp>(&op.op)) return join(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<MvExpandOp>(&op.op))
    return mv_expand(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<MvApplyOp>(&op.op))
    return mv_apply(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<ParseOp>(&op.op)) return parse(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<ParseKvOp>(&op.op))
    return parse_pairs(std::move(rows), *it, at, scope);
  if (const auto* it = std::get_if<EvaluateOp>(&op.op))
    return evaluate(std::move(rows), *it, scope);
  if (const auto* it = std::get_if<InvokeOp>(&op.op)) return invoke(std::move(rows), *it, scope);
  if (const auto* it = std::get_if<SampleOp>(&op.op))
    return sample(std::move(rows), *it, at, scope);
  if (std::holds_alternative<ConsumeOp>(op.op)) {
    rows.where.emplace_back("FALSE");
    rows.columns.clear();
    return rows;
  }
  if (std::holds_alternative<GetSchemaOp>(op.op)) return getschema(rows);
  if (std::holds_alternative<RenderOp>(op.op) || std::holds_alternative<AsOp>(op.op)) return rows;
  if (const auto* it = std::get_if<SerializeOp>(&op.op)) {
    rows.serialized = true;
    if (it->columns.empty()) return rows;
    return extend(std::move(rows), it->columns, true, at, scope);
  }
  return fail(semantic(at, "SEM0100", "The operator cannot stand here"));
}

void Translator::add_in_turn(Rows& rows, std::vector<std::pair<std::string, std::string>> columns) {
  for (auto& column : columns) {
    rows.extras.push_back(std::move(column));
    rows.fold();
  }
}

void Translator::number_rows(Rows& rows) {
  rows.fold();
  const std::string number = fresh();
  std::string clause = rows.order_clause();
  if (!clause.empty()) clause.erase(0, 1);
  rows.extras.emplace_back("row_number() OVER (" + clause + ")", number);
  rows.fold();
  rows.order = {{number, false, false}};
}

Result<Rows> Translator::where(Rows rows, const WhereOp& op, const Scope& scope) {
  if (!rows.extras.empty()) rows.fold();
  if (has_window_call(*op.predicate)) {
    if (!rows.serialized)
      return fail(semantic(op.predicate->offset, "SEM0100",
                           "The rows are not serialized: use 'order by' or 'serialize' first"));
    number_rows(rows);
    std::vector<std::pair<std::string, std::string>> prelude;
    KC_TRY(std::string keep,
           predicate(*op.predicate, Row{.rows = &rows, .prelude = &prelude}, scope));
    add_in_turn(rows, std::move(prelude));
    const std::string flag = fresh();
    rows.extras.emplace_back(std::move(keep), flag);
    rows.fold();
    rows.where.push_back(flag);
    return rows;
  }
  KC_TRY(std::string keep, predicate(*op.predicate, Row{.rows = &rows}, scope));
  rows.where.push_back(std::move(keep));
  return rows;
}

// `keep`: extend; otherwise project. Bare columns cost no SQL at all: only the list of visible ones
// changes.
Result<Rows> Translator::extend(Rows rows, const std::vector<NamedExpr>& columns, bool keep,
                                std::size_t offset, const Scope& scope) {
  if (!rows.extras.empty()) rows.fold();
  std::vector<std::pair<std::string, std::string>> prelude;
  const bool window = std::any_of(columns.begin(), columns.end(), [](const NamedExpr& column) {
    return has_window_call(*column.value);
  });
  if (window) {
    if (!rows.serialized)
      return fail(semantic(offset, "SEM0100",
                           "The rows are not serialized: use 'order by' or 'serialize' first"));
    number_rows(rows);
  }
  const Row row{.rows = &rows, .prelude = &prelude};
  std::vector<RowColumn> made;
  std::vector<std::pair<std::string, std::string>> extras;
  std::size_t unnamed = 0;
  for (const NamedExpr& column : columns) {
    if (column.value->kind == ExprKind::star || column.value->kind == ExprKind::wildcard)
      return fail(semantic(column.value->offset, "SEM0100", "'*' is not supported here"));
    KC_TRY(Sql value, scalar(*column.value, row, scope));
    std::string name = column.name.empty() ? inferred_name(*column.value) : column.name;
    const bool bare =
        column.value->kind == ExprKind::name && rows.find(column.value->text) != nullptr;
    if (name.empty()) {
      do {
        name = "Column" + std::to_string(++unnamed);
      } while (std::any_of(made.begin(), made.end(),
                           [&](const RowColumn& other) { return other.name == name; }));
    } else if (std::any_of(made.begin(), made.end(),
                           [&](const RowColumn& other) { return other.name == name; })) {
      if (!column.name.empty())
        return fail(
            semantic(column.value->offset, "SEM0021", "The column '" + name + "' is named twice"));
      name = unused_name(made, name);
    }
    if (bare) {
      made.push_back({std::move(name), value.type, std::move(value.text)});
      continue;
    }
    made.push_back({std::move(name), value.type, fresh()});
    extras.emplace_back(std::move(value.text), made.back().sql);
  }
  add_in_turn(rows, std::move(prelude));
  rows.extras = std::move(extras);
  if (!keep) {
    rows.columns = std::move(made);
    return rows;
  }
  for (RowColumn& column : made) {
    const auto old =
        std::find_if(rows.columns.begin(), rows.columns.end(),
                     [&](const RowColumn& other) { return other.name == column.name; });
    if (old != rows.columns.end()) {
      *old = std::move(column);
    } else {
      rows.columns.push_back(std::move(column));
    }
  }
  return rows;
}

Result<Rows> Translator::project_some(Rows rows, const std::vector<std::string>& patterns,
                                      bool keep, std::size_t offset) {
  for (const std::string& pattern : patterns) {
    if (pattern.find('*') == std::string::npos && rows.find(pattern) == nullptr) {
      return fail(
          semantic(offset, "SEM0100", "Failed to resolve the column named '" + pattern + "'"));
    }
  }
  std::erase_if(rows.columns, [&](const RowColumn& column) {
    const bool named =
        std::any_of(patterns.begin(), patterns.end(),
                    [&](const std::string& pattern) { return matches(pattern, column.name); });
    return named != keep;
  });
  return rows;
}

Result<Rows> Translator::project_reorder(Rows rows, const std::vector<std::string>& patterns) {
  auto end = rows.columns.begin();
  for (const std::string& pattern : patterns) {
    end = std::stable_partition(end, rows.columns.end(), [&](const RowColumn& column) {
      return matches(pattern, column.name);
    });
  }
  return rows;
}

Result<Rows> Translator::project_rename(Rows rows, const ProjectRenameOp& op, std::size_t offset) {
  std::vector<RowColumn> renamed = rows.columns;
  for (const auto& [to, from] : op.renames) {
    bool found = false;
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      if (rows.columns[i].name != from) continue;
      renamed[i].name = to;
      found = true;
    }
    if (!found)
      return fail(semantic(offset, "SEM0100", "Failed to resolve the column named '" + from + "'"));
  }
  std::set<std::string_view> names;
  for (const RowColumn& column : renamed) {
    if (!names.insert(column.name).second)
      return fail(semantic(offset, "SEM0021", "The column '" + column.name + "' is named twice"));
  }
  rows.columns = std::move(renamed);
  return rows;
}

Result<Rows> Translator::order(Rows rows, const std::vector<OrderKey>& keys, const Scope& scope) {
  if (!rows.extras.empty()) rows.fold();
  std::vector<RowOrder> order;
  std::vector<std::pair<std::string, std::string>> extras;
  for (const OrderKey& key : keys) {
    KC_TRY(Sql value, scalar(*key.value, Row{.rows = &rows}, scope));
    if (value.type == ScalarType::dynamic_ && !value.untyped_null)
      return fail(semantic(key.value->offset, "SEM0100",
                           "Rows cannot be ordered by a dynamic value: convert it first"));
    const bool nulls_first = key.nulls_first.value_or(!key.descending);
    if (value.type == ScalarType::real_ && !value.literal) {  // NaN stands with the nulls
      extras.emplace_back("(" + value.text + " IS NULL OR isnan(" + value.text + "))", fresh());
      order.push_back({extras.back().second, nulls_first, false});
    }
    if (value.type == ScalarType::decimal_) value.text = "kc_decimal_key(" + value.text + ")";
    if (key.value->kind != ExprKind::name || value.type == ScalarType::decimal_) {
      extras.emplace_back(std::move(value.text), fresh());
      value.text = extras.back().second;
    }
    order.push_back({std::move(value.text), key.descending, nulls_first});
  }
  rows.extras = std::move(extras);
  rows.order = std::move(order);
  rows.serialized = true;
  return rows;
}

Result<Rows> Translator::take(Rows rows, const Expr& count, const Scope& scope) {
  KC_TRY(const Sql given, scalar(count, Row{}, scope));
  KC_TRY(const Sql limit, implicit(ScalarType::long_, given, count.offset));
  if (given.literal && given.literal->is_null)
    return fail(semantic(count.offset, "SEM0043", "The number of rows must not be null"));
  if (limit.literal && limit.literal->integer < 0)
    return fail(semantic(count.offset, "SEM0043", "The number of rows must not be negative"));
  rows.fold();
  rows.from = "(SELECT * FROM " + rows.from + rows.order_clause() + " LIMIT " + limit.text + ")";
  return rows;
}

Result<Rows> Translator::count(Rows rows) {
  if (!rows.extras.empty()) rows.fold();
  Rows made;
  made.columns.push_back({"Count", ScalarType::long_, fresh()});
  made.from = "(SELECT count(*) AS " + made.columns[0].sql + rows.from_where() + ")";
  return made;
}

Result<Rows> Translator::distinct(Rows rows, const DistinctOp& op, std::size_t offset,
                                  const Scope& scope) {
  if (!op.all) {
    KC_TRY(rows, extend(std::move(rows), op.columns, false, offset, scope));
  }
  if (!rows.extras.empty()) rows.fold();
  Rows made;
  std::string list;
  for (const RowColumn& column : rows.columns) {
    made.columns.push_back({column.name, column.type, fresh()});
    list += (list.empty() ? "" : ", ") + column.sql + " AS " + made.columns.back().sql;
  }
  made.from = "(SELECT DISTINCT " + list + rows.from_where() + ")";
  return made;
}

}  // namespace kc::engine
