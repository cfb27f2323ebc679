// The other side of SimCluster: what the shell decides about operations, what happens on a cluster
// by itself, and what checkers read.
#include <algorithm>
#include <set>
#include <utility>

#include "core/base/check.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_cluster_inner.h"

namespace kc::sim {

// ---- Operations

std::vector<OperationRef> SimCluster::running() const {
  std::vector<OperationRef> list;
  for (const SimOperation& one : operations_) {
    if (one.effect_to_come) list.push_back({.id = one.id, .kind = one.kind, .ended = !one.running});
  }
  return list;
}

bool SimCluster::take_effect(SimOperation& operation, bool partly, std::string& why) {
  switch (operation.kind) {
    case OperationKind::export_:
      return export_now(operation, partly, why);
    case OperationKind::ingest:
      return ingest_now(operation, partly, why);
    case OperationKind::queued:
      break;  // finish_queued
    case OperationKind::move:
      return !partly && move_now(operation, why);
  }
  KC_UNREACHABLE();
}

void SimCluster::finish(const Uuid& id, Ending ending) {
  const auto found =
      std::find_if(operations_.begin(), operations_.end(),
                   [&](const SimOperation& one) { return one.id == id && one.effect_to_come; });
  KC_ASSERT(found != operations_.end(), "finish of an operation that is not running");
  SimOperation& one = *found;
  if (one.kind == OperationKind::queued) return finish_queued(one, ending);
  std::string why;
  if (!one.running) {  // the late effect of an abandoned operation: its state no longer changes
    one.effect_to_come = false;
    if (ending == Ending::completed) take_effect(one, false, why);
    return;
  }
  const auto end = [this, &one](std::string state, std::string status) {
    one.running = false;
    one.ended = now_.value;
    one.state = std::move(state);
    one.status = std::move(status);
  };
  one.effect_to_come =
      ending == Ending::abandoned_and_applied_later || ending == Ending::failed_and_applied_soon;
  switch (ending) {
    case Ending::completed:
    case Ending::delivered_twice:
    case Ending::delivered_again_later:
    case Ending::first_twice_last_later:
      if (take_effect(one, false, why)) {
        end("Completed", "");
      } else {
        end("Failed", why);
      }
      return;
    case Ending::failed_but_applied:
      take_effect(one, false, why);
      return end("Failed", "the operation failed after its effect");
    case Ending::failed_partly_applied:
      take_effect(one, true, why);
      return end("Failed", "the operation failed halfway");
    case Ending::failed_without_effect:
    case Ending::failed_and_applied_soon:
      return end("Failed", "the operation failed");
    case Ending::throttled:
      return end("Throttled", "aborted due to throttling");
    case Ending::abandoned_without_effect:
    case Ending::abandoned_and_applied_later:
      return end("Abandoned", "");
  }
}

bool SimCluster::knows(const Uuid& operation) const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [&](const SimOperation& one) { return one.id == operation; });
}

void SimCluster::finish_all(Ending ending) {
  for (const OperationRef& one : running()) finish(one.id, ending);
}

void SimCluster::forget_operation(const Uuid& id) {
  std::erase_if(operations_, [&](const SimOperation& one) { return one.id == id; });
}

std::int64_t SimCluster::in_progress(OperationKind kind) const {
  return std::count_if(operations_.begin(), operations_.end(),
                       [&](const SimOperation& one) { return one.running && one.kind == kind; });
}

// ---- The world

void SimCluster::create_database(const std::string& db) { databases_.try_emplace(db); }

void SimCluster::create_table(const std::string& db, const std::string& name, TableSchema schema) {
  add_table(databases_[db], db, name, std::move(schema));
}

void SimCluster::set_schema(const std::string& db, const std::string& name, TableSchema schema) {
  table_at(db, name).schema = std::move(schema);
}

void SimCluster::drop_table(const std::string& db, const std::string& name) {
  table_at(db, name);
  remove_table(databases_.find(db)->second, db, name);
}

void SimCluster::swap_tables(const std::string& db, const std::string& a, const std::string& b) {
  std::swap(table_at(db, a), table_at(db, b));
}

void SimCluster::ingest(const std::string& db, const std::string& name,
                        const std::vector<Row>& rows, std::size_t rows_per_extent) {
  Table& into = table_at(db, name);
  const std::int64_t cursor = ++databases_.find(db)->second.cursor;
  SimExtent* extent = nullptr;
  for (const Row row : rows) {
    if (extent == nullptr || extent->rows.size() >= rows_per_extent) {
      extent = &into.extents.emplace_back(SimExtent{.id = next_id(), .rows = {}, .tags = {}});
    }
    extent->rows.push_back({row.value, now_.value, cursor});
  }
}

void SimCluster::ingest_new_rows(const std::string& db, const std::string& name,
                                 std::int64_t count) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < count; ++i) rows.push_back({++values_});
  ingest(db, name, rows);
}

void SimCluster::ingest_unstamped(const std::string& db, const std::string& name,
                                  const std::vector<Row>& rows) {
  SimExtent extent{.id = next_id(), .rows = {}, .tags = {}};
  for (const Row row : rows) extent.rows.push_back({row.value, kUnstamped, 0});
  table_at(db, name).extents.push_back(std::move(extent));
}

namespace {

std::vector<std::string> drop_by_tags(const std::vector<std::string>& tags) {
  std::vector<std::string> some;
  std::copy_if(tags.begin(), tags.end(), std::back_inserter(some),
               [](auto& tag) { return tag.starts_with("drop-by:"); });
  return some;
}

}  // namespace

void SimCluster::merge_extents(const std::string& db, const std::string& name) {
  Table& of = table_at(db, name);
  if ((of.policies & kMergePolicy) != 0) return;
  std::vector<SimExtent> merged;
  std::vector<bool> grown;
  for (SimExtent& extent : of.extents) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const SimExtent& other) {
      return drop_by_tags(other.tags) == drop_by_tags(extent.tags);
    });
    if (same == merged.end()) {
      merged.push_back(std::move(extent));
      grown.push_back(false);
      continue;
    }
    same->rows.insert(same->rows.end(), extent.rows.begin(), extent.rows.end());
    std::vector<std::string> all;
    std::set_union(same->tags.begin(), same->tags.end(), extent.tags.begin(), extent.tags.end(),
                   std::back_inserter(all));
    same->tags = std::move(all);
    grown[static_cast<std::size_t>(same - merged.begin())] = true;
  }
  for (std::size_t i = 0; i < merged.size(); ++i) {
    if (grown[i]) merged[i].id = next_id();
  }
  of.extents = std::move(merged);
}

std::vector<Row> SimCluster::drop_rows_by_retention(const std::string& db, const std::string& name,
                                                    std::size_t extents) {
  Table& of = table_at(db, name);
  const auto count = static_cast<std::ptrdiff_t>(std::min(extents, of.extents.size()));
  std::vector<Row> gone;
  for (auto extent = of.extents.begin(); extent != of.extents.begin() + count; ++extent) {
    for (const Stored& row : extent->rows) gone.push_back({row.value});
  }
  of.extents.erase(of.extents.begin(), of.extents.begin() + count);
  return gone;
}

void SimCluster::drop_tags(const std::string& db, std::string_view prefix) {
  for (auto& [name, of] : databases_[db].tables) {
    if ((of.policies & kTagRetentionPolicy) != 0) continue;
    for (SimExtent& extent : of.extents) {
      if (std::erase_if(extent.tags,
                        [&](const std::string& tag) { return tag.starts_with(prefix); }) > 0) {
        extent.id = next_id();
      }
    }
  }
}

void SimCluster::apply_auto_delete() {
  for (auto& [db, in] : databases_) {
    std::vector<std::string> expired;
    for (const auto& [name, of] : in.tables) {
      if ((of.policies & kAutoDeletePolicy) != 0 && of.auto_delete_at <= now_)
        expired.push_back(name);
    }
    for (const std::string& name : expired) remove_table(in, db, name);
  }
}

// ---- For checkers

std::vector<Row> SimCluster::rows_of(const std::string& db, const std::string& name) const {
  std::vector<Row> rows;
  const auto in = databases_.find(db);
  if (in == databases_.end()) return rows;
  const auto of = in->second.tables.find(name);
  if (of == in->second.tables.end()) return rows;
  for (const SimExtent& extent : of->second.extents) {
    for (const Stored& row : extent.rows) rows.push_back({row.value});
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<Row> SimCluster::rows_with_tag(const std::string& db, const std::string& name,
                                           std::string_view tag) const {
  std::vector<Row> rows;
  const auto in = databases_.find(db);
  if (in == databases_.end()) return rows;
  const auto of = in->second.tables.find(name);
  if (of == in->second.tables.end()) return rows;
  for (const SimExtent& extent : of->second.extents) {
    if (!has_tag(extent.tags, tag)) continue;
    for (const Stored& row : extent.rows) rows.push_back({row.value});
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::string> SimCluster::tables(const std::string& db, std::string_view prefix) const {
  std::vector<std::string> names;
  const auto in = databases_.find(db);
  if (in == databases_.end()) return names;
  for (const auto& [name, of] : in->second.tables) {
    if (name.starts_with(prefix)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> SimCluster::tags(const std::string& db, std::string_view prefix) const {
  std::set<std::string> found;
  const auto in = databases_.find(db);
  if (in == databases_.end()) return {};
  for (const auto& [name, of] : in->second.tables) {
    for (const SimExtent& extent : of.extents) {
      for (const std::string& tag : extent.tags) {
        if (tag.starts_with(prefix)) found.insert(tag);
      }
    }
  }
  return {found.begin(), found.end()};
}

Cursor SimCluster::cursor(const std::string& db) const {
  const auto in = databases_.find(db);
  return in == databases_.end() ? Cursor{} : Cursor{std::to_string(in->second.cursor)};
}

// ---- Inner

Result<SimCluster::Database*> SimCluster::database(const DatabaseName& db) {
  const auto found = databases_.find(db.value);
  if (found == databases_.end()) {
    return fail(ErrorKind::not_found, "kusto.database_not_found",
                "database '" + db.value + "' does not exist");
  }
  return &found->second;
}

Result<SimCluster::Table*> SimCluster::table(const DatabaseName& db, const TableName& name) {
  KC_TRY(Database * in, database(db));
  const auto found = in->tables.find(name.value);
  if (found == in->tables.end()) return no_table(name.value);
  return &found->second;
}

SimCluster::Table& SimCluster::table_at(const std::string& db, const std::string& name) {
  auto found = table({db}, {name});
  KC_ASSERT(found.has_value(), "the shell named table '" + name + "', which does not exist");
  return **found;
}

Uuid SimCluster::next_id() {
  Uuid id;
  const std::uint64_t high = hash_of({static_cast<std::int64_t>(options_.id_seed)});
  const std::uint64_t low = hash_of({static_cast<std::int64_t>(high ^ ++ids_)});
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(low >> (8 * i));
    id.bytes[i + 8] = static_cast<std::uint8_t>(ids_ >> (8 * (7 - i)));
  }
  return id;
}

void SimCluster::add_table(Database& in, const std::string& db, const std::string& name,
                           TableSchema schema) {
  Table made{.id = next_id(),
             .schema = std::move(schema),
             .policies = 0,
             .auto_delete_at = {},
             .extents = {}};
  in.tables.insert_or_assign(name, std::move(made));
  log_.push_back({.created = true, .db = db, .table = name});
}

void SimCluster::remove_table(Database& in, const std::string& db, const std::string& name) {
  in.tables.erase(name);
  log_.push_back({.created = false, .db = db, .table = name});
}

}  // namespace kc::sim
