// The cluster, its version, its health, and what it ran.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

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

std::vector<Value> request_row(const RequestRecord& record) {
  return {text_value(record.client_request_id),
          text_value(record.kind),
          text_value(record.text),
          text_value(record.database),
          record.started,
          record.updated,
          record.updated - record.started,
          text_value(record.state),
          guid_value(record.activity),
          text_value(record.user),
          text_value(record.failure),
          text_value(record.application),
          text_value(record.principal),
          std::int64_t{0},
          text_value("{}"),
          text_value("{}"),
          text_value("default"),
          text_value("")};
}

// Whoever may not monitor the database sees what is its own.
Result<std::vector<RequestRecord>> visible(Command& command, std::vector<RequestRecord> records) {
  auto& session = command.session;
  KC_TRY(const auto database, database_of(session));
  const auto principal = principal_of_token(session.options.token);
  KC_TRY(const bool all, command.host().catalogue->read([&](CatalogueView& view) {
    return may(view, principal, Access::monitor, database.id, std::nullopt);
  }));
  const auto own = principal_name(session);
  if (!all) std::erase_if(records, [&](const auto& record) { return record.principal != own; });
  return records;
}

Answer query_list(Command& command, std::vector<RequestRecord> records) {
  KC_TRY(records, visible(command, std::move(records)));
  constexpr std::ptrdiff_t kCommandType = 1;  // a query has none
  auto columns = command_columns();
  columns.erase(columns.begin() + kCommandType);
  RowTable answer{std::move(columns), {}};
  for (const auto& record : records) {
    if (record.kind != "Query") continue;
    auto row = request_row(record);
    row.erase(row.begin() + kCommandType);
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

bool is_over(const OperationEntry& entry) {
  return entry.state != "InProgress" && entry.state != "Scheduled";
}
bool is_cancellable(std::string_view kind) {
  constexpr std::array<std::string_view, 4> kKinds = {"TableSet", "TableAppend", "TableSetOrAppend",
                                                      "TableSetOrReplace"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
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

Answer show_queries(Command& command) {
  KC_CHECK_OK(expect_end(command));
  return query_list(command, command.host().requests.ended());
}

// `[by user 'name']`, or `by *`: everybody's are given to whoever may see them.
Answer show_running_queries(Command& command) {
  auto& tokens = command.tokens;
  std::optional<std::string> user;
  if (tokens.accept_word("by") && !tokens.accept("*")) {
    KC_CHECK_OK(tokens.expect_word("user"));
    KC_TRY(user, tokens.string());
  }
  KC_CHECK_OK(expect_end(command));
  auto records = command.host().requests.running();
  if (user) std::erase_if(records, [&](const auto& record) { return record.user != *user; });
  return query_list(command, std::move(records));
}

// What changed something, or tried to, since the engine was opened, and every operation of the last
// 30 days in place of the command that started it.
Answer show_commands(Command& command) {
  KC_CHECK_OK(expect_end(command));
  constexpr Timespan kKept = Timespan::seconds(30 * 86'400);
  const auto since = command.host().now() - kKept.ticks;
  KC_TRY(const auto entries, command.host().catalogue->read(
                                 [&](CatalogueView& view) { return view.operations(since); }));
  KC_TRY(auto records, visible(command, command.host().requests.ended()));
  const bool with_queries = command.kind == "CommandsAndQueriesShow";
  RowTable answer{command_columns(), {}};
  std::set<Uuid> operations;
  for (const auto& entry : entries) {
    operations.insert(entry.activity);
    const auto started = std::find_if(records.begin(), records.end(), [&](const auto& record) {
      return record.activity == entry.activity;
    });
    RequestRecord record;
    if (started != records.end()) record = *started;
    record.kind = entry.kind;
    record.client_request_id = entry.request_id;
    record.database = entry.database;
    record.activity = entry.activity;
    record.started = entry.started;
    record.updated = entry.updated;
    record.state = entry.state;
    record.failure = entry.state == "Completed" ? "" : entry.status;
    answer.rows.push_back(request_row(record));
  }
  for (const auto& record : records) {
    if (operations.contains(record.activity) || (record.kind == "Query" && !with_queries)) continue;
    answer.rows.push_back(request_row(record));
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

// Ingestion from a query can be stopped; anything else is refused as the service refuses it.
Answer cancel_operation(Command& command) {
  KC_TRY(const auto ids, parse_ids(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  std::optional<OperationEntry> entry;
  bool cancelled = false;
  // In one transaction: an operation writes its end in another.
  KC_CHECK_OK(host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(entry, view.operation(ids.front()));
    cancelled = entry && !is_over(*entry) && is_cancellable(entry->kind) &&
                host.operations->cancel(entry->id);
    return {};
  }));
  if (!entry)
    return bad_request("Entity ID '" + ids.front().text() + "' of kind 'Operation' was not found.");
  std::string reason = "An operation of this kind cannot be cancelled.";
  if (cancelled) {
    const auto given = properties.find("reason");
    reason = given == properties.end() ? "" : given->second;
  } else if (is_over(*entry)) {
    reason = "The operation is over: its state is " + entry->state + ".";
  }
  return RowTable{
      {{"OperationId", ScalarType::guid_},
       {"Operation", kString},
       {"StartedOn", ScalarType::datetime_},
       {"CancellationState", kString},
       {"ReasonPhrase", kString}},
      {{guid_value(entry->id), text_value(entry->kind), entry->started,
        text_value(cancelled ? "Cancelled successfully" : "Cancel failed"), text_value(reason)}}};
}

Answer cancel_query(Command& command) {
  KC_TRY(const auto id, command.tokens.string());
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  const bool found = host.requests.cancel(id);
  if (found) host.deadlines.look();
  const auto given = properties.find("reason");
  const std::string reason = given == properties.end() ? "" : given->second;
  return RowTable{
      {{"ClientRequestId", kString},
       {"Found", ScalarType::bool_},
       {"RunningQueryCanceled", ScalarType::bool_},
       {"ReasonPhrase", kString}},
      {{text_value(id), found, found, text_value(found ? reason : "No such query is running.")}}};
}

Answer undo_drop(Command& command) { return unsupported(command, "bringing a dropped table back"); }

}  // namespace kc::engine
