// Operations and capacity.
#include <algorithm>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr Timespan kIdWindow = Timespan::seconds(6 * 3600);
constexpr Timespan kHistory = Timespan::seconds(14 * 86'400);

std::vector<Value> operation_row(const OperationEntry& entry) {
  return {guid_value(entry.id),
          text_value(entry.kind),
          text_value("KEngine000000"),
          entry.started,
          entry.updated,
          entry.updated - entry.started,
          text_value(entry.state),
          text_value(entry.status),
          guid_value(entry.activity),
          entry.should_retry,
          text_value(entry.database),
          text_value(""),
          text_value(""),
          Value(),
          text_value("")};
}

}  // namespace

Answer show_operations(Command& command) {
  const auto now = command.host().now();
  RowTable answer{{{"OperationId", ScalarType::guid_},
                   {"Operation", kString},
                   {"NodeId", kString},
                   {"StartedOn", ScalarType::datetime_},
                   {"LastUpdatedOn", ScalarType::datetime_},
                   {"Duration", ScalarType::timespan_},
                   {"State", kString},
                   {"Status", kString},
                   {"RootActivityId", ScalarType::guid_},
                   {"ShouldRetry", ScalarType::bool_},
                   {"Database", kString},
                   {"Principal", kString},
                   {"User", kString},
                   {"AdminEpochStartTime", ScalarType::datetime_},
                   {"VirtualCluster", kString}},
                  {}};
  if (command.tokens.at_end() || command.tokens.is("|") || command.tokens.is(";")) {
    KC_TRY(const auto entries, command.host().catalogue->read([&](CatalogueView& view) {
      return view.operations(now - kHistory.ticks);
    }));
    for (const auto& entry : entries) answer.rows.push_back(operation_row(entry));
    return answer;
  }
  KC_TRY(const auto ids, parse_ids(command));
  KC_CHECK_OK(expect_end(command));
  const auto checked = command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    for (const auto& id : ids) {
      KC_TRY(const auto entry, view.operation(id));
      if (entry && entry->updated >= now - kIdWindow.ticks)
        answer.rows.push_back(operation_row(*entry));
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return answer;
}

Answer show_operation(Command& command) {
  KC_TRY(const auto ids, parse_ids(command));
  KC_CHECK_OK(command.tokens.expect_word("details"));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto entry, command.host().catalogue->read(
                               [&](CatalogueView& view) { return view.operation(ids.front()); }));
  if (!entry) return bad_request("Operation '" + ids.front().text() + "' was not found.");
  if (!entry->result)
    return bad_request("Operation '" + entry->id.text() + "' has no details; its state is " +
                       entry->state + ".");
  KC_TRY(const auto table, table_from_text(*entry->result));
  return decode(table);
}

Answer show_capacity(Command& command) {
  if (command.tokens.accept_word("policy"))
    return unsupported(command, "this form of '.show capacity'");
  std::string wanted = command.tokens.peek_hyphenated();
  if (wanted == "with") wanted.clear();
  if (!wanted.empty()) command.tokens.take_hyphenated();
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  RowTable answer{{{"Resource", kString},
                   {"Total", ScalarType::long_},
                   {"Consumed", ScalarType::long_},
                   {"Remaining", ScalarType::long_},
                   {"Origin", kString}},
                  {}};
  const auto add = [&](std::string_view word, std::string_view resource, std::int64_t total,
                       std::int64_t used, std::string_view origin) {
    if (!wanted.empty() && wanted != word) return;
    answer.rows.push_back({text_value(resource), total, used,
                           std::max<std::int64_t>(0, total - used), text_value(origin)});
  };
  add("ingestions", "Ingestions", host.ingestions.total(), host.ingestions.used(),
      "CapacityPolicy/Ingestion");
  add("data-export", "DataExport", host.exports.total(), host.exports.used(),
      "CapacityPolicy/Export");
  add("queries", "Queries", host.queries.total(), host.queries.used(),
      "RequestRateLimitPolicy/WorkloadGroup/default");
  add("extents-merge", "ExtentsMerge", host.merges.total(), host.merges.used(),
      "CapacityPolicy/ExtentsMerge");
  // What this engine has none of: capacity without consumption.
  struct Idle {
    std::string_view word, resource, origin;
    std::int64_t total;
  };
  constexpr Idle kIdle[] = {
      {"table-purge", "TablePurge", "CapacityPolicy/TablePurge", 1},
      {"extents-partition", "ExtentsPartition", "CapacityPolicy/ExtentsPartition", 1},
      {"streaming-ingestion-post-processing", "StreamingIngestionPostProcessing",
       "CapacityPolicy/StreamingIngestionPostProcessing", 4},
      {"materialized-view", "MaterializedView", "CapacityPolicy/MaterializedView", 1},
      {"stored-query-results", "StoredQueryResults", "CapacityPolicy/StoredQueryResults", 1},
      {"purge-storage-artifacts-cleanup", "PurgeStorageArtifactsCleanup",
       "CapacityPolicy/PurgeStorageArtifactsCleanup", 2},
      {"periodic-storage-artifacts-cleanup", "PeriodicStorageArtifactsCleanup",
       "CapacityPolicy/PeriodicStorageArtifactsCleanup", 2},
      {"mirroring", "Mirroring", "CapacityPolicy/Mirroring", 1},
      {"query-acceleration", "QueryAcceleration", "CapacityPolicy/QueryAcceleration", 1},
      {"graph_snapshot", "GraphSnapshots", "CapacityPolicy/GraphSnapshots", 5}};
  for (const auto& idle : kIdle) add(idle.word, idle.resource, idle.total, 0, idle.origin);
  if (answer.rows.empty())
    return bad_request("Capacity '" + wanted + "' is unknown or not supported.");
  return answer;
}

}  // namespace kc::engine
