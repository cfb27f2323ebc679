// The cluster, its version, its health, and what it ran.
#include <nlohmann/json.hpp>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr auto kLong = ScalarType::long_;

std::vector<Column> command_columns() {
  return {{"ClientActivityId", kString},
          {"CommandType", kString},
          {"Text", kString},
          {"Database", kString},
          {"StartedOn", ScalarType::datetime_},
          {"LastUpdatedOn", ScalarType::datetime_},
          {"Duration", ScalarType::timespan_},
          {"State", kString},
          {"RootActivityId", ScalarType::guid_},
          {"User", kString},
          {"FailureReason", kString},
          {"Application", kString},
          {"Principal", kString},
          {"TotalCpu", ScalarType::timespan_},
          {"ResourcesUtilization", ScalarType::dynamic_},
          {"ClientRequestProperties", ScalarType::dynamic_},
          {"WorkloadGroup", kString},
          {"VirtualCluster", kString}};
}

Result<RowTable> cluster_row(Command& command, bool detailed) {
  const auto& options = command.host().options;
  RowTable answer{{{"NodeId", kString},
                   {"Address", kString},
                   {"Name", kString},
                   {"StartTime", ScalarType::datetime_},
                   {"IsAdmin", ScalarType::bool_},
                   {"MachineTotalMemory", kLong},
                   {"MachineAvailableMemory", kLong},
                   {"ProcessorCount", ScalarType::int_},
                   {"EnvironmentDescription", kString}},
                  {{text_value("KEngine000000"), text_value("local"), text_value(options.name),
                    Value(), true, options.memory_limit_bytes, options.memory_limit_bytes,
                    std::int64_t{options.threads}, text_value("embedded")}}};
  if (detailed) {
    answer.columns.push_back({"NetAndClsVersion", kString});
    answer.rows[0].push_back(text_value(""));
  }
  return answer;
}

}  // namespace

Answer show_version(Command& command) {
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"BuildVersion", kString},
                   {"BuildTime", ScalarType::datetime_},
                   {"ServiceType", kString},
                   {"ProductVersion", kString}},
                  {{text_value("1.0.0.0"), std::int64_t{638'000'000'000'000'000},
                    text_value("Engine"), text_value("kusto-copy embedded engine")}}};
}

// `.show cluster [details | extents … | policy … | principals | databases | journal]`
Answer show_cluster(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.accept_word("policy")) return show_scope_policy(command, Scope::cluster);
  if (tokens.accept_word("principals")) return show_principals(command, Scope::cluster, 0);
  if (tokens.accept_word("journal")) return show_journal(command);
  if (tokens.accept_word("databases")) return show_databases(command);
  if (tokens.accept_word("extents")) {
    const auto mark = tokens.mark();
    RowTable all;
    KC_TRY(const auto databases,
           command.host().catalogue->read([](CatalogueView& view) { return view.databases(); }));
    for (const auto& database : databases) {
      tokens.reset(mark);
      KC_TRY(const auto tables, command.host().catalogue->read(
                                    [&](CatalogueView& view) { return view.tables(database.id); }));
      KC_TRY(auto some, show_extents(command, tables, database));
      all.columns = some.columns;
      all.rows.insert(all.rows.end(), some.rows.begin(), some.rows.end());
    }
    return all;
  }
  const bool detailed = tokens.accept_word("details");
  KC_CHECK_OK(expect_end(command));
  return cluster_row(command, detailed);
}

Answer show_diagnostics(Command& command) {
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  return RowTable{{{"IsHealthy", ScalarType::bool_},
                   {"IsScaleOutRequired", ScalarType::bool_},
                   {"MachinesTotal", kLong},
                   {"MachinesOffline", kLong},
                   {"NodeLastRestartedOn", ScalarType::datetime_},
                   {"AdminLastElectedOn", ScalarType::datetime_},
                   {"IngestionsInProgress", kLong},
                   {"ExportsInProgress", kLong}},
                  {{true, false, std::int64_t{1}, std::int64_t{0}, Value(), Value(),
                    std::int64_t{host.ingestions.used()}, std::int64_t{host.exports.used()}}}};
}

// Queries leave no trace here: the history is empty, with the columns that it has.
Answer show_queries(Command& command) {
  KC_CHECK_OK(expect_end(command));
  auto columns = command_columns();
  columns.erase(columns.begin() + 1);  // CommandType
  return RowTable{std::move(columns), {}};
}

// What ran as an operation.
Answer show_commands(Command& command) {
  KC_CHECK_OK(expect_end(command));
  constexpr Timespan kKept = Timespan::seconds(30 * 86'400);
  const auto since = command.host().now() - kKept.ticks;
  KC_TRY(const auto entries, command.host().catalogue->read(
                                 [&](CatalogueView& view) { return view.operations(since); }));
  RowTable answer{command_columns(), {}};
  for (const auto& entry : entries) {
    answer.rows.push_back({text_value(entry.request_id), text_value(entry.kind), text_value(""),
                           text_value(entry.database), entry.started, entry.updated,
                           entry.updated - entry.started, text_value(entry.state),
                           guid_value(entry.activity), text_value(""),
                           text_value(entry.state == "Completed" ? "" : entry.status),
                           text_value(""), text_value(""), std::int64_t{0}, text_value("{}"),
                           text_value("{}"), text_value("default"), text_value("")});
  }
  return answer;
}

// There are none here.
Answer show_materialized_views(Command& command) {
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"Name", kString},
                   {"SourceTable", kString},
                   {"Query", kString},
                   {"MaterializedTo", ScalarType::datetime_},
                   {"LastRun", ScalarType::datetime_},
                   {"LastRunResult", kString},
                   {"IsHealthy", ScalarType::bool_},
                   {"IsEnabled", ScalarType::bool_},
                   {"Folder", kString},
                   {"DocString", kString},
                   {"AutoUpdateSchema", ScalarType::bool_},
                   {"EffectiveDateTime", ScalarType::datetime_},
                   {"Lookback", ScalarType::timespan_}},
                  {}};
}

Answer show_workload_groups(Command& command) {
  std::optional<std::string> wanted;
  if (command.tokens.is_name()) {
    KC_TRY(wanted, command.tokens.name());
  }
  KC_CHECK_OK(expect_end(command));
  const auto limit = command.host().queries.total();
  const auto policy = [&](bool standard) {
    nlohmann::ordered_json group;
    group["RequestLimitsPolicy"] = {
        {"DataScope", {{"IsRelaxable", true}, {"Value", "All"}}},
        {"MaxResultRecords", {{"IsRelaxable", true}, {"Value", 500'000}}},
        {"MaxResultBytes", {{"IsRelaxable", true}, {"Value", 67'108'864}}},
        {"MaxExecutiontime", {{"IsRelaxable", true}, {"Value", "00:04:00"}}}};
    group["RequestRateLimitPolicies"] = {
        {{"IsEnabled", true},
         {"Scope", "WorkloadGroup"},
         {"LimitKind", "ConcurrentRequests"},
         {"Properties", {{"MaxConcurrentRequests", standard ? limit : 10'000}}}}};
    return group.dump();
  };
  RowTable answer{{{"WorkloadGroupName", kString}, {"WorkloadGroup", kString}}, {}};
  for (const auto* name : {"default", "internal", "$materialized-views"}) {
    if (wanted && *wanted != name) continue;
    answer.rows.push_back(
        {text_value(name), text_value(policy(std::string_view(name) == "default"))});
  }
  if (answer.rows.empty())
    return bad_request("Entity ID '" + *wanted + "' of kind 'WorkloadGroup' was not found.");
  return answer;
}

// Only ingestion from a query could be stopped, and here it is over before it can be asked for: the
// answer is the documented refusal.
Answer cancel_operation(Command& command) {
  KC_TRY(const auto ids, parse_ids(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto entry, command.host().catalogue->read(
                               [&](CatalogueView& view) { return view.operation(ids.front()); }));
  if (!entry)
    return bad_request("Entity ID '" + ids.front().text() + "' of kind 'Operation' was not found.");
  const bool over = entry->state != "InProgress" && entry->state != "Scheduled";
  return RowTable{
      {{"OperationId", ScalarType::guid_},
       {"Operation", kString},
       {"StartedOn", ScalarType::datetime_},
       {"CancellationState", kString},
       {"ReasonPhrase", kString}},
      {{guid_value(entry->id), text_value(entry->kind), entry->started, text_value("Cancel failed"),
        text_value(over ? "The operation is over: its state is " + entry->state + "."
                        : "The operation cannot be cancelled.")}}};
}

Answer cancel_query(Command& command) {
  KC_TRY(const auto id, command.tokens.string());
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"ClientRequestId", kString},
                   {"Found", ScalarType::bool_},
                   {"RunningQueryCanceled", ScalarType::bool_},
                   {"ReasonPhrase", kString}},
                  {{text_value(id), false, false, text_value("No such query is running.")}}};
}

Answer undo_drop(Command& command) { return unsupported(command, "bringing a dropped table back"); }

}  // namespace kc::engine
