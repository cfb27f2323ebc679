// The door's commands on the simulated cluster; what the shell and the world do to it is in
// sim_cluster_world.cc.
#include "tests/sim/sim_cluster.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "tests/sim/sim_cluster_inner.h"

namespace kc::sim {

using kusto::Answer;

namespace {

Result<std::int64_t> parse_cursor(const Cursor& cursor) {
  std::int64_t value = 0;
  const char* end = cursor.value.data() + cursor.value.size();
  const auto parsed = std::from_chars(cursor.value.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return fail(ErrorKind::invalid, "kusto.bad_request",
                "'" + cursor.value + "' is not a database cursor");
  }
  return value;
}

const Column* find_column(const std::vector<Column>& columns, const std::string& name) {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

Failure semantic(const std::string& message) {
  Error error{.kind = ErrorKind::invalid, .code = "kusto.semantic", .message = message};
  error.service_code = "SEM0100";
  return fail(std::move(error));
}

}  // namespace

std::uint64_t hash_of(Row row) {
  std::uint64_t x = static_cast<std::uint64_t>(row.value) + 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t shape_of(const std::vector<Column>& columns) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3ULL; };
  for (const Column& column : columns) {
    for (const char c : column.name) mix(static_cast<unsigned char>(c));
    mix(0);
    mix(static_cast<unsigned char>(column.type));
  }
  return hash;
}

SimCluster::SimCluster(SimBlobs& blobs, SimClusterOptions options)
    : blobs_(blobs), options_(std::move(options)), now_(options_.start) {}

Result<Answer> SimCluster::run(const kusto::Command& command, const kusto::CallOptions&) {
  return apply(begin(command));
}

Result<Answer> SimCluster::apply(const Pending& pending) {
  if (closed_)
    return fail(ErrorKind::cancelled, "kusto.closed",
                "the connection to " + options_.name + " was closed");
  if (const auto* what = std::get_if<kusto::Read>(&pending.command)) {
    return std::visit([this](const auto& one) { return read(one); }, *what);
  }
  return std::visit([this](const auto& one) { return write(one); },
                    std::get<kusto::Write>(pending.command));
}

int SimCluster::steps(const kusto::Command& command) {
  const auto* what = std::get_if<kusto::Write>(&command);
  if (what == nullptr) return 1;
  if (const auto* policies = std::get_if<kusto::SetStagingPolicies>(what))
    return kPolicyCount + (policies->queued ? 1 : 0);
  if (const auto* queued = std::get_if<kusto::StartQueuedIngest>(what))
    return static_cast<int>(queued->ingest.blob_uris.size());
  return 1;
}

Result<Answer> SimCluster::apply_partly(const Pending& pending, int count) {
  if (count >= steps(pending.command)) return apply(pending);
  const auto& write = std::get<kusto::Write>(pending.command);
  if (const auto* queued = std::get_if<kusto::StartQueuedIngest>(&write)) {
    KC_CHECK_OK(queue(*queued, count));
  } else if (count > 0) {
    const auto& what = std::get<kusto::SetStagingPolicies>(write);
    KC_TRY(Table * found, table(what.db, what.table));
    for (int i = 0; i < count; ++i) found->policies |= 1U << i;
  }
  return fail(ErrorKind::unavailable, "net.unreachable",
              "the connection to " + options_.name + " broke");
}

// ---- Reads

Result<Answer> SimCluster::read(const kusto::ReadCursor& what) {
  KC_TRY(Database * in, database(what.db));
  return Cursor{std::to_string(in->cursor)};
}

Result<Answer> SimCluster::read(const kusto::ReadTables& what) {
  KC_TRY(Database * in, database(what.db));
  kusto::TableList list;
  for (const auto& [name, one] : in->tables) {
    std::int64_t rows = 0;
    for (const SimExtent& extent : one.extents) rows += std::ssize(extent.rows);
    list.tables.push_back({.name = {name},
                           .id = one.id,
                           .schema = one.schema,
                           .rows = rows,
                           .original_bytes = rows * 8});
  }
  return list;
}

template <class Visit>
Result<std::int64_t> SimCluster::select(const DatabaseName& db, const kusto::RowSet& rows,
                                        Visit&& visit) {
  KC_TRY(const Table* from, table(db, rows.table));
  std::int64_t after = std::numeric_limits<std::int64_t>::min();
  if (!rows.after.empty()) {
    KC_TRY(after, parse_cursor(rows.after));
  }
  KC_TRY(const std::int64_t to, parse_cursor(rows.before_or_at));
  if (rows.slice.count > 1) {
    for (const Column& column : rows.hash_columns) {
      if (find_column(from->schema.columns, column.name) == nullptr) {
        return semantic("Failed to resolve column '" + column.name + "'");
      }
    }
  }
  std::int64_t count = 0;
  for (const SimExtent& extent : from->extents) {
    for (const Stored& row : extent.rows) {
      // A row without ingestion time has no cursor value either: it is outside every window.
      if (row.at == kUnstamped || row.cursor <= after || row.cursor > to) continue;
      if (rows.low && row.at < rows.low->value) continue;
      if (rows.high && row.at >= rows.high->value) continue;
      if (rows.slice.count > 1 &&
          hash_of({row.value}) % static_cast<std::uint64_t>(rows.slice.count) !=
              static_cast<std::uint64_t>(rows.slice.index)) {
        continue;
      }
      ++count;
      visit(row);
    }
  }
  return count;
}

Result<Answer> SimCluster::read(const kusto::ReadPlanGroups& what) {
  std::map<std::int64_t, std::int64_t> by_time;
  KC_CHECK_OK(select(what.db, what.rows, [&](const Stored& row) { ++by_time[row.at]; }));
  kusto::PlanGroups groups;
  for (const auto& [at, rows] : by_time) {
    if (std::ssize(groups.groups) >= what.groups_max) break;
    groups.groups.push_back({.at = {at}, .rows = rows});
  }
  return groups;
}

Result<Answer> SimCluster::read(const kusto::ReadPlanSlices& what) {
  if (what.slices < 1)
    return fail(ErrorKind::invalid, "kusto.bad_request", "a plan needs at least one slice");
  kusto::RowSet all = what.rows;
  all.slice = {};
  kusto::PlanSlices slices;
  slices.rows.resize(static_cast<std::size_t>(what.slices));
  KC_CHECK_OK(select(what.db, all, [&](const Stored& row) {
    ++slices.rows[hash_of({row.value}) % slices.rows.size()];
  }));
  return slices;
}

Result<Answer> SimCluster::read(const kusto::ReadCount& what) {
  KC_TRY(const std::int64_t rows, select(what.db, what.rows, [](const Stored&) {}));
  return kusto::RowCount{rows};
}

Result<Answer> SimCluster::read(const kusto::ReadUnstampedCount& what) {
  KC_TRY(const Table* from, table(what.db, what.table));
  kusto::RowCount count;
  for (const SimExtent& extent : from->extents) {
    count.rows += std::count_if(extent.rows.begin(), extent.rows.end(),
                                [](auto& row) { return row.at == kUnstamped; });
  }
  return count;
}

Result<Answer> SimCluster::read(const kusto::ReadTableCount& what) {
  KC_TRY(const Table* from, table(what.db, what.table));
  kusto::RowCount count;
  for (const SimExtent& extent : from->extents) count.rows += std::ssize(extent.rows);
  return count;
}

kusto::Operation SimCluster::told(const SimOperation& one) {
  kusto::Operation operation{.id = one.id, .state = one.state, .status = one.status};
  operation.outcome = one.running                ? kusto::OperationOutcome::running
                      : one.state == "Completed" ? kusto::OperationOutcome::completed
                      : one.state == "Throttled" ? kusto::OperationOutcome::throttled
                      : one.state == "Abandoned" ? kusto::OperationOutcome::abandoned
                                                 : kusto::OperationOutcome::failed;
  operation.should_retry = one.state == "Throttled" || one.state == "Abandoned";
  return operation;
}

Result<Answer> SimCluster::read(const kusto::ReadOperations& what) {
  kusto::OperationList list;
  for (const Uuid& id : what.ids) {
    for (const SimOperation& one : operations_) {
      if (one.id != id) continue;
      // Ids asked one by one look back six hours only.
      if (!what.older_than_window && now_.value - one.started > kOperationWindow.ticks) continue;
      list.operations.push_back(told(one));
    }
  }
  return list;
}

Result<Answer> SimCluster::read(const kusto::ReadExportsUnderWay& what) {
  kusto::OperationList list;
  for (const SimOperation& one : operations_) {
    if (one.kind != OperationKind::export_ || now_.value - one.started > what.within.ticks)
      continue;
    const bool straggles = one.state == "Failed" && now_.value - one.ended <= what.straggling.ticks;
    if (one.running || one.state == "Abandoned" || straggles) list.operations.push_back(told(one));
  }
  return list;
}

Result<Answer> SimCluster::read(const kusto::ReadExportDetails& what) {
  for (const SimOperation& one : operations_) {
    if (one.id != what.operation) continue;
    if (one.kind != OperationKind::export_ || one.state != "Completed") {
      return fail(ErrorKind::invalid, "kusto.bad_request",
                  "operation " + one.id.text() + " has no details: " + one.state);
    }
    return kusto::ExportDetails{one.blobs};
  }
  return fail(ErrorKind::not_found, "kusto.operation_not_found",
              "operation " + what.operation.text() + " is not known");
}

Result<Answer> SimCluster::read(const kusto::ReadExtents& what) {
  KC_TRY(Database * in, database(what.db));
  kusto::ExtentList list;
  bool any = false;
  for (const TableName& name : what.tables) {
    const auto found = in->tables.find(name.value);
    if (found == in->tables.end()) continue;
    any = true;
    for (const SimExtent& extent : found->second.extents) {
      if (what.tag && !has_tag(extent.tags, *what.tag)) continue;
      list.extents.push_back(
          {.id = extent.id, .table = name, .rows = std::ssize(extent.rows), .tags = extent.tags});
    }
  }
  if (!any) return no_table(what.tables.empty() ? std::string{} : what.tables.front().value);
  std::sort(list.extents.begin(), list.extents.end(), [](const auto& a, const auto& b) {
    return std::tie(a.table, a.id) < std::tie(b.table, b.id);
  });
  return list;
}

Result<Answer> SimCluster::read(const kusto::ReadStagingPolicies& what) {
  KC_TRY(const Table* of, table(what.db, what.table));
  for (int i = 0; i < kPolicyCount + (what.queued ? 1 : 0); ++i) {
    if ((of->policies & (1U << i)) == 0)
      return kusto::StagingPolicies{.complete = false, .missing = kPolicies[i]};
  }
  return kusto::StagingPolicies{.complete = true, .missing = {}};
}

Result<Answer> SimCluster::read(const kusto::ReadCapacity&) {
  kusto::CapacityList list;
  const auto add = [&list](std::string resource, std::int64_t total, std::int64_t used) {
    list.resources.push_back(
        {std::move(resource), total, used, std::max<std::int64_t>(0, total - used)});
  };
  add("Ingestions", options_.ingest_capacity, in_progress(OperationKind::ingest));
  add("DataExport", options_.export_capacity, in_progress(OperationKind::export_));
  add("Queries", options_.query_capacity, 0);
  return list;
}

Result<Answer> SimCluster::read(const kusto::ReadDigest& what) {
  KC_TRY(const Table* of, table(what.db, what.table));
  kusto::Digest digest;
  std::uint64_t xored = 0;
  for (const SimExtent& extent : of->extents) {
    for (const Stored& row : extent.rows) {
      const std::uint64_t hash = hash_of({row.value});
      ++digest.rows;
      digest.hash_sum += static_cast<std::int64_t>(hash & 0xffffffffULL);
      xored ^= hash;
    }
  }
  digest.hash_xor = static_cast<std::int64_t>(xored);
  return digest;
}

// ---- Writes

Result<Answer> SimCluster::write(const kusto::StartExport& what) {
  KC_TRY(const Table* from, table(what.db, what.rows.table));
  for (const Column& column : what.columns) {
    if (find_column(from->schema.columns, column.name) == nullptr) {
      return semantic("'project' operator: Failed to resolve scalar expression named '" +
                      column.name + "'");
    }
  }
  if (what.rows.before_or_at.empty())
    return fail(ErrorKind::invalid, "kusto.bad_request", "an export needs its upper cursor");
  return start(OperationKind::export_, what);
}

Result<Answer> SimCluster::write(const kusto::CreateTable& what) {
  KC_TRY(Database * in, database(what.db));
  const auto found = in->tables.find(what.table.value);
  if (found == in->tables.end()) {
    add_table(*in, what.db.value, what.table.value, what.schema);
    return kusto::Done{};
  }
  std::vector<Column>& have = found->second.schema.columns;
  for (const Column& column : what.schema.columns) {
    const Column* old = find_column(have, column.name);
    if (old != nullptr && old->type != column.type) {
      return fail(ErrorKind::invalid, "kusto.bad_request",
                  "column '" + column.name + "' has another type");
    }
  }
  for (const Column& column : what.schema.columns) {
    if (find_column(have, column.name) == nullptr) have.push_back(column);
  }
  return kusto::Done{};
}

Result<Answer> SimCluster::write(const kusto::CreateStaging& what) {
  KC_TRY(Database * in, database(what.db));
  if (!in->tables.contains(what.table.value)) {
    add_table(*in, what.db.value, what.table.value,
              {.columns = what.columns, .folder = "kusto-copy", .docstring = {}});
  }
  return kusto::Done{};
}

Result<Answer> SimCluster::write(const kusto::SetStagingPolicies& what) {
  KC_TRY(Table * of, table(what.db, what.table));
  of->policies = kAllPolicies | (what.queued ? kBatchingPolicy : 0U);
  of->auto_delete_at = what.auto_delete_at;
  return kusto::Done{};
}

Result<Answer> SimCluster::write(const kusto::StartIngest& what) {
  KC_CHECK_OK(table(what.db, what.table));
  if (what.blob_uris.empty())
    return fail(ErrorKind::invalid, "kusto.bad_request", "an ingestion needs at least one blob");
  return start(OperationKind::ingest, what);
}

Result<Answer> SimCluster::write(const kusto::StartMove& what) {
  KC_CHECK_OK(table(what.db, what.from));
  KC_CHECK_OK(table(what.db, what.to));
  if (what.extents.empty())
    return fail(ErrorKind::invalid, "kusto.bad_request", "a move needs at least one extent");
  return start(OperationKind::move, what);
}

Result<Answer> SimCluster::write(const kusto::DropExtents& what) {
  KC_TRY(Table * of, table(what.db, what.table));
  std::erase_if(of->extents, [&](const SimExtent& extent) {
    return std::find(what.extents.begin(), what.extents.end(), extent.id) != what.extents.end();
  });
  return kusto::Done{};
}

Result<Answer> SimCluster::write(const kusto::DropExtentTags& what) {
  KC_TRY(Table * of, table(what.db, what.table));
  for (SimExtent& extent : of->extents) {
    const auto removed = std::erase_if(extent.tags, [&](const std::string& tag) {
      return std::find(what.tags.begin(), what.tags.end(), tag) != what.tags.end();
    });
    if (removed > 0) extent.id = next_id();
  }
  return kusto::Done{};
}

Result<Answer> SimCluster::write(const kusto::DropTable& what) {
  KC_TRY(Database * in, database(what.db));
  if (in->tables.contains(what.table.value)) remove_table(*in, what.db.value, what.table.value);
  return kusto::Done{};
}

Result<Answer> SimCluster::start(OperationKind kind, kusto::Write command) {
  const std::int64_t limit = kind == OperationKind::export_ ? options_.export_capacity
                             : kind == OperationKind::ingest
                                 ? options_.ingest_capacity
                                 : std::numeric_limits<std::int64_t>::max();
  if (in_progress(kind) >= limit) {
    return fail(
        ErrorKind::throttled, "kusto.throttled",
        "The management command was aborted due to throttling. Capacity: " + std::to_string(limit));
  }
  SimOperation operation;
  operation.id = next_id();
  operation.kind = kind;
  operation.command = std::move(command);
  operation.started = now_.value;
  operations_.push_back(std::move(operation));
  return kusto::StartedOperation{operations_.back().id};
}

// ---- The effects of operations

namespace {

// The rows of an export in at most `blobs_max` blobs of nearly equal size.
std::vector<Blob> cut(const std::vector<Row>& rows, int blobs_max, std::uint64_t shape) {
  const std::size_t count = std::min(rows.size(), static_cast<std::size_t>(std::max(1, blobs_max)));
  std::vector<Blob> blobs(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](std::size_t n) {
      return rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * n / count);
    };
    blobs[i] = {.rows = {at(i), at(i + 1)}, .shape = shape};
  }
  return blobs;
}

}  // namespace

bool SimCluster::export_now(SimOperation& operation, bool partly, std::string& why) {
  const auto& what = std::get<kusto::StartExport>(operation.command);
  std::vector<Row> rows;
  const auto selected =
      select(what.db, what.rows, [&](const Stored& row) { rows.push_back({row.value}); });
  if (!selected) {
    why = selected.error().message;
    return false;
  }
  std::vector<Blob> blobs = cut(rows, options_.blobs_per_export_max, shape_of(what.columns));
  if (partly) blobs.resize((blobs.size() + 1) / 2);
  for (Blob& blob : blobs) {
    std::string path = what.folder_uri + (what.folder_uri.ends_with('/') ? "part_" : "/part_") +
                       std::to_string(++blob_names_) +
                       (what.format == ExportFormat::csv ? ".csv.gz" : ".parquet");
    const std::int64_t count = std::ssize(blob.rows);
    if (!blobs_.write(path, std::move(blob))) {
      why = "Access to the storage folder was denied";
      return false;
    }
    operation.blobs.push_back({.path = std::move(path), .rows = count, .bytes = count * 8});
  }
  return true;
}

bool SimCluster::ingest_now(SimOperation& operation, bool partly, std::string& why) {
  kusto::StartIngest what = std::get<kusto::StartIngest>(operation.command);
  if (partly) what.blob_uris.resize((what.blob_uris.size() + 1) / 2);
  return ingest_blobs(what, why);
}

bool SimCluster::ingest_blobs(const kusto::StartIngest& what, std::string& why) {
  auto into = table(what.db, what.table);
  if (!into) {
    why = into.error().message;
    return false;
  }
  std::vector<const Blob*> blobs;
  for (const std::string& uri : what.blob_uris) blobs.push_back(blobs_.find(uri));
  if (std::find(blobs.begin(), blobs.end(), nullptr) != blobs.end()) {
    why = "Stream_InputStreamNotFound: a blob was not found";
    return false;
  }
  for (const Column& column : what.columns) {
    const Column* target = find_column((*into)->schema.columns, column.name);
    if (target == nullptr || target->type != column.type) {
      why = "BadRequest_InvalidMapping: column '" + column.name + "' cannot be mapped";
      return false;
    }
  }
  const std::uint64_t shape = shape_of(what.columns);
  const std::int64_t cursor = ++databases_.find(what.db.value)->second.cursor;
  for (const Blob* blob : blobs) {
    if (blob->rows.empty()) continue;
    SimExtent extent{.id = next_id(), .rows = {}, .tags = {what.tag}};
    extent.rows.reserve(blob->rows.size());
    // A mapping made from another projection than the export's puts values into wrong columns:
    // other rows.
    const std::int64_t wrong = blob->shape == shape ? 0 : kWrongColumns;
    for (const Row row : blob->rows) extent.rows.push_back({row.value ^ wrong, now_.value, cursor});
    (*into)->extents.push_back(std::move(extent));
  }
  return true;
}

bool SimCluster::move_now(SimOperation& operation, std::string& why) {
  const auto& what = std::get<kusto::StartMove>(operation.command);
  auto from = table(what.db, what.from);
  auto to = table(what.db, what.to);
  if (!from || !to) {
    why = from ? to.error().message : from.error().message;
    return false;
  }
  for (const Column& column : (*from)->schema.columns) {
    const Column* target = find_column((*to)->schema.columns, column.name);
    if (target == nullptr || target->type != column.type) {
      why = "the destination lacks column '" + column.name + "'";
      return false;
    }
  }
  std::vector<SimExtent>& source = (*from)->extents;
  for (const Uuid& id : what.extents) {
    if (std::none_of(source.begin(), source.end(),
                     [&](const SimExtent& extent) { return extent.id == id; })) {
      why = "extent " + id.text() + " was not found in table '" + what.from.value + "'";
      return false;
    }
  }
  const auto moved =
      std::stable_partition(source.begin(), source.end(), [&](const SimExtent& extent) {
        return std::find(what.extents.begin(), what.extents.end(), extent.id) == what.extents.end();
      });
  const std::int64_t cursor = ++databases_.find(what.db.value)->second.cursor;
  for (auto extent = moved; extent != source.end(); ++extent) {
    extent->id = next_id();
    if (what.new_ingestion_time) {
      for (Stored& row : extent->rows) row = {row.value, now_.value, cursor};
    }
    (*to)->extents.push_back(std::move(*extent));
  }
  source.erase(moved, source.end());
  return true;
}

}  // namespace kc::sim
