#include "core/kusto/answers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/kusto/classify.h"
#include "core/kusto/policies.h"
#include "core/kusto/schema_json.h"
#include "core/kusto/text.h"

namespace kc::kusto {
namespace {

using Tables = std::vector<ResultTable>;

Failure malformed(const std::string& what) { return fail(malformed_answer(what)); }

// The only row of a column of one.
template <class T>
Result<T> only(Result<std::vector<T>> column) {
  if (!column) return fail(std::move(column).error());
  if (column->size() != 1) return malformed("not one row");
  return std::move(column->front());
}

Result<Answer> read(const ReadCursor&, const Tables& tables) {
  KC_TRY(std::string cursor, only(tables[0].strings("Cursor")));
  if (cursor.empty()) return malformed("an empty cursor");
  return Cursor{std::move(cursor)};
}

std::int64_t whole_bytes(double bytes) {
  if (!(bytes > 0)) return 0;
  return bytes >= 9e18 ? std::numeric_limits<std::int64_t>::max()
                       : static_cast<std::int64_t>(std::llround(bytes));
}

// Two requests, so a table may be in one answer only: it was made or dropped between them, and is
// left out.
Result<Answer> read(const ReadTables&, const Tables& tables) {
  KC_TRY(const auto names, tables[0].strings("TableName"));
  KC_TRY(const auto ids, tables[0].guids("TableId"));
  KC_TRY(const auto rows, tables[0].longs("TotalRowCount"));
  KC_TRY(const auto bytes, tables[0].reals("TotalOriginalSize"));
  KC_TRY(const std::string json, only(tables[1].strings("DatabaseSchema")));
  KC_TRY(auto schemas, read_schema_json(json));
  TableList list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto schema = schemas.find(names[i]);
    if (schema == schemas.end()) continue;
    list.tables.push_back({.name = {names[i]},
                           .id = ids[i],
                           .schema = std::move(schema->second),
                           .rows = rows[i],
                           .original_bytes = whole_bytes(bytes[i])});
    schemas.erase(schema);
  }
  std::sort(list.tables.begin(), list.tables.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

Result<Answer> read(const ReadPlanGroups& what, const Tables& tables) {
  KC_TRY(const auto at, tables[0].datetimes("IngestionTime"));
  KC_TRY(const auto rows, tables[0].longs("Rows"));
  if (std::ssize(at) > what.groups_max) return malformed("more groups than asked for");
  PlanGroups groups;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (rows[i] < 1) return malformed("a group without rows");
    if (what.rows.low && at[i] < *what.rows.low)
      return malformed("a group before the range that was asked for");
    groups.groups.push_back({at[i], rows[i]});
  }
  std::sort(groups.groups.begin(), groups.groups.end(),
            [](const auto& a, const auto& b) { return a.at < b.at; });
  const auto twice = std::adjacent_find(groups.groups.begin(), groups.groups.end(),
                                        [](const auto& a, const auto& b) { return a.at == b.at; });
  if (twice != groups.groups.end()) return malformed("one instant in two groups");
  return groups;
}

Result<Answer> read(const ReadPlanSlices& what, const Tables& tables) {
  KC_TRY(const auto index, tables[0].longs("Slice"));
  KC_TRY(const auto rows, tables[0].longs("Rows"));
  PlanSlices slices;
  slices.rows.resize(static_cast<std::size_t>(what.slices));
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= what.slices) return malformed("a slice out of range");
    if (rows[i] < 0) return malformed("a slice with fewer than no rows");
    slices.rows[static_cast<std::size_t>(index[i])] += rows[i];
  }
  return slices;
}

Result<Answer> read_count(const Tables& tables) {
  KC_TRY(const std::int64_t rows, only(tables[0].longs("Count")));
  if (rows < 0) return malformed("a negative count");
  return RowCount{rows};
}

Result<Answer> read(const ReadCount&, const Tables& tables) { return read_count(tables); }
Result<Answer> read(const ReadUnstampedCount&, const Tables& tables) { return read_count(tables); }
Result<Answer> read(const ReadTableCount&, const Tables& tables) { return read_count(tables); }

OperationOutcome outcome_of(const std::string& state) {
  if (state == "InProgress" || state == "Scheduled") return OperationOutcome::running;
  if (state == "Completed") return OperationOutcome::completed;
  if (state == "Throttled") return OperationOutcome::throttled;
  if (state == "Abandoned") return OperationOutcome::abandoned;
  return OperationOutcome::failed;
}

Result<Answer> read_operations(const Tables& tables) {
  KC_TRY(const auto ids, tables[0].guids("OperationId"));
  KC_TRY(const auto states, tables[0].strings("State"));
  KC_TRY(const auto texts, tables[0].strings("Status"));
  KC_TRY(const auto retry, tables[0].bools("ShouldRetry"));
  OperationList list;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // A word that says nothing must not read as an end.
    if (states[i].empty()) return malformed("an operation without a state");
    list.operations.push_back({.id = ids[i],
                               .outcome = outcome_of(states[i]),
                               .state = states[i],
                               .status = clean_message(texts[i]),
                               .should_retry = retry[i]});
  }
  return list;
}

Result<Answer> read(const ReadOperations&, const Tables& tables) { return read_operations(tables); }
Result<Answer> read(const ReadExportsUnderWay&, const Tables& tables) {
  return read_operations(tables);
}

Result<Answer> read(const ReadExportDetails&, const Tables& tables) {
  KC_TRY(const auto paths, tables[0].strings("Path"));
  KC_TRY(const auto rows, tables[0].longs("NumRecords"));
  std::vector<std::int64_t> bytes(paths.size());
  if (tables[0].has_column("SizeInBytes")) {
    KC_TRY(bytes, tables[0].longs("SizeInBytes"));
  }
  ExportDetails details;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].empty() || rows[i] < 0)
      return malformed("an artifact without a path, or with fewer than no rows");
    details.blobs.push_back({.path = paths[i], .rows = rows[i], .bytes = bytes[i]});
  }
  return details;
}

// Tags are joined by line ends (protocol reference §6.1).
std::vector<std::string> split_tags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view tag = text.substr(0, end);
    if (tag.ends_with('\r')) tag.remove_suffix(1);
    if (!tag.empty()) tags.emplace_back(tag);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  std::sort(tags.begin(), tags.end());
  return tags;
}

Result<Answer> read(const ReadExtents&, const Tables& tables) {
  KC_TRY(const auto ids, tables[0].guids("ExtentId"));
  KC_TRY(const auto names, tables[0].strings("TableName"));
  KC_TRY(const auto rows, tables[0].longs("RowCount"));
  KC_TRY(const auto tags, tables[0].strings("Tags"));
  ExtentList list;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (rows[i] < 0) return malformed("an extent with fewer than no rows");
    list.extents.push_back(
        {.id = ids[i], .table = {names[i]}, .rows = rows[i], .tags = split_tags(tags[i])});
  }
  std::sort(list.extents.begin(), list.extents.end(), [](const auto& a, const auto& b) {
    return std::tie(a.table, a.id) < std::tie(b.table, b.id);
  });
  return list;
}

Result<Answer> read(const ReadStagingPolicies& what, const Tables& tables) {
  std::vector<const char*> policies(std::begin(kStagingPolicies), std::end(kStagingPolicies));
  if (what.queued) policies.push_back(kBatchingPolicy);
  for (std::size_t i = 0; i < policies.size(); ++i) {
    KC_TRY(const auto shown, tables[i].strings("Policy"));
    // A policy that was never set may have no row at all.
    if (!is_as_staging_wants(policies[i], shown.empty() ? "null" : shown.front())) {
      return StagingPolicies{.complete = false, .missing = policies[i]};
    }
  }
  return StagingPolicies{.complete = true, .missing = {}};
}

Result<Answer> read(const ReadCapacity&, const Tables& tables) {
  KC_TRY(const auto resources, tables[0].strings("Resource"));
  KC_TRY(const auto total, tables[0].longs("Total"));
  KC_TRY(const auto consumed, tables[0].longs("Consumed"));
  KC_TRY(const auto remaining, tables[0].longs("Remaining"));
  CapacityList list;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    list.resources.push_back({resources[i], total[i], consumed[i], remaining[i]});
  }
  return list;
}

Result<Answer> read(const ReadDigest&, const Tables& tables) {
  Digest digest;
  KC_TRY(digest.rows, only(tables[0].longs("Rows")));
  if (digest.rows < 0) return malformed("a negative count");
  if (digest.rows == 0) return digest;  // an aggregate over nothing may be null
  KC_TRY(digest.hash_sum, only(tables[0].longs("HashSum")));
  KC_TRY(digest.hash_xor, only(tables[0].longs("HashXor")));
  return digest;
}

Result<Answer> started(const Tables& tables) {
  KC_TRY(const Uuid id, only(tables[0].guids("OperationId")));
  if (id.is_nil()) return malformed("an operation without an id");
  return StartedOperation{id};
}

Result<Answer> read(const StartExport&, const Tables& tables) { return started(tables); }
Result<Answer> read(const StartIngest&, const Tables& tables) { return started(tables); }
Result<Answer> read(const StartMove&, const Tables& tables) { return started(tables); }

// What the other commands answer with has no consequence; that they answered without an error has.
template <class Other>
Result<Answer> read(const Other&, const Tables&) {
  return Done{};
}

}  // namespace

Result<Answer> read_answer(const Command& command, const std::vector<ResultTable>& tables) {
  return std::visit(
      [&](const auto& kind) {
        return std::visit([&](const auto& one) { return read(one, tables); }, kind);
      },
      command);
}

}  // namespace kc::kusto
