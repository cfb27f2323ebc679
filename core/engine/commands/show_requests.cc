// What the engine runs and lately ran: queries and commands, shown and cancelled.
#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

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

// Whoever may not monitor the database sees, and cancels, what is its own.
Result<bool> sees_all(Command& command) {
  auto& session = command.session;
  KC_TRY(const auto database, database_of(session));
  const auto principal = principal_of_token(session.options.token);
  return command.host().catalogue->read([&](CatalogueView& view) {
    return may(view, principal, Access::monitor, database.id, std::nullopt);
  });
}

Result<std::vector<RequestRecord>> visible(Command& command, std::vector<RequestRecord> records) {
  KC_TRY(const bool all, sees_all(command));
  const auto own = principal_name(command.session);
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
  KC_TRY(const bool any, sees_all(command));
  const auto own = principal_name(command.session);
  const bool found = host.requests.cancel(id, any ? std::nullopt : std::optional<std::string>(own));
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

}  // namespace kc::engine
