// What the filters at the start of a pipeline prove about cursors and ingestion times, for storage
// to prune by. A bound that is not understood only means more extents read.
#include <charconv>

#include "core/base/ticks.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

bool is_ingestion_time(const Expr& expr) {
  return expr.kind == ExprKind::call && expr.text == "ingestion_time" && expr.args.empty();
}

void raise(std::optional<std::int64_t>& bound, std::int64_t value) {
  bound = bound ? std::max(*bound, value) : value;
}
void lower(std::optional<std::int64_t>& bound, std::int64_t value) {
  bound = bound ? std::min(*bound, value) : value;
}

}  // namespace

// Every table offers its origin columns: the ones that nothing reads are pruned by DuckDB before
// any file is opened.
ScanHints Translator::hints_for(const Pipeline* pipeline, const Scope& scope) {
  ScanHints hints;
  hints.needs_ingestion_time = mentions("ingestion_time");
  hints.needs_cursor = mentions("cursor_");
  hints.needs_extent = mentions("extent_") || mentions("extentid");
  if (pipeline == nullptr) return hints;
  for (const Operator& op : pipeline->operators) {
    const auto* where = std::get_if<WhereOp>(&op.op);
    if (where == nullptr) break;
    add_hint(*where->predicate, scope, hints);
  }
  return hints;
}

void Translator::add_hint(const Expr& expr, const Scope& scope, ScanHints& hints) {
  if (expr.kind == ExprKind::and_) {
    for (const ExprPtr& part : expr.args) add_hint(*part, scope, hints);
    return;
  }
  if (expr.kind == ExprKind::call && expr.args.size() == 1 &&
      (expr.text == "cursor_after" || expr.text == "cursor_before_or_at")) {
    const auto value = scalar(*expr.args[0], Row{}, scope);
    if (!value || !value->literal || value->type != ScalarType::string_) return;
    const std::string& text = value->literal->text;
    std::int64_t ticks = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticks);
    if (error != std::errc{} || end != text.data() + text.size()) {
      const auto at = parse_datetime(text);
      if (!at) return;
      ticks = at->value;
    }
    if (expr.text == "cursor_after") {
      raise(hints.cursor_after, ticks);
    } else {
      lower(hints.cursor_before_or_at, ticks);
    }
    return;
  }
  if (expr.kind == ExprKind::between && expr.text == "between" &&
      is_ingestion_time(*expr.args[0])) {
    const auto low = known_ticks(*expr.args[1], scope), high = known_ticks(*expr.args[2], scope);
    if (low) raise(hints.ingested_from, *low);
    if (high) lower(hints.ingested_before, *high + 1);
    return;
  }
  if (expr.kind != ExprKind::binary) return;
  const bool left = is_ingestion_time(*expr.args[0]), right = is_ingestion_time(*expr.args[1]);
  if (left == right) return;
  const auto ticks = known_ticks(*expr.args[left ? 1 : 0], scope);
  if (!ticks) return;
  std::string op = expr.text;
  if (right) op = op == "<" ? ">" : op == "<=" ? ">=" : op == ">" ? "<" : op == ">=" ? "<=" : op;
  if (op == ">=" || op == "==") raise(hints.ingested_from, *ticks);
  if (op == ">") raise(hints.ingested_from, *ticks + 1);
  if (op == "<") lower(hints.ingested_before, *ticks);
  if (op == "<=" || op == "==") lower(hints.ingested_before, *ticks + 1);
}

std::optional<std::int64_t> Translator::known_ticks(const Expr& expr, const Scope& scope) {
  if (expr.kind == ExprKind::call && expr.text == "todatetime" && expr.args.size() == 1) {
    const auto text = scalar(*expr.args[0], Row{}, scope);
    if (!text || !text->literal || text->type != ScalarType::string_) return std::nullopt;
    const auto at = parse_datetime(text->literal->text);
    return at ? std::optional(at->value) : std::nullopt;
  }
  const auto value = scalar(expr, Row{}, scope);
  if (!value || !value->literal || value->literal->is_null || value->type != ScalarType::datetime_)
    return std::nullopt;
  return value->literal->integer;
}

}  // namespace kc::engine
