// The cluster, its version, its health.

#include "core/base/json.h"
#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr auto kLong = ScalarType::long_;

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

Answer undo_drop(Command& command) { return unsupported(command, "bringing a dropped table back"); }

}  // namespace kc::engine
