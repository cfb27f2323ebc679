// Operations, capacity, the cluster and its version.
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
  add("extents-merge", "ExtentsMerge", 1, 0, "CapacityPolicy/ExtentsMerge");
  if (answer.rows.empty())
    return bad_request("Capacity '" + wanted + "' is unknown or not supported.");
  return answer;
}

Answer show_version(Command& command) {
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"BuildVersion", kString},
                   {"BuildTime", ScalarType::datetime_},
                   {"ServiceType", kString},
                   {"ProductVersion", kString}},
                  {{text_value("1.0.0.0"), std::int64_t{638'000'000'000'000'000},
                    text_value("Engine"), text_value("kusto-copy embedded engine")}}};
}

Answer show_cluster(Command& command) {
  if (command.tokens.is_word("extents") || command.tokens.is_word("policy")) {
    return unsupported(command, "this form of '.show cluster'");
  }
  KC_CHECK_OK(expect_end(command));
  const auto& options = command.host().options;
  return RowTable{{{"NodeId", kString},
                   {"Address", kString},
                   {"Name", kString},
                   {"StartTime", ScalarType::datetime_},
                   {"IsAdmin", ScalarType::bool_},
                   {"MachineTotalMemory", ScalarType::long_},
                   {"MachineAvailableMemory", ScalarType::long_},
                   {"ProcessorCount", ScalarType::int_},
                   {"EnvironmentDescription", kString}},
                  {{text_value("KEngine000000"), text_value("local"), text_value(options.name),
                    Value(), true, options.memory_limit_bytes, options.memory_limit_bytes,
                    std::int64_t{options.threads}, text_value("embedded")}}};
}

}  // namespace kc::engine
