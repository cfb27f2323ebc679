// The journal: every change of metadata in its own transaction; ingesting and moving leave no trace
// in it.
#include "core/engine/commands/command.h"
#include "core/engine/principal.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

}  // namespace

Result<void> note(Command& command, CatalogueView& view, JournalEntry entry) {
  auto& session = command.session;
  entry.at = command.host().now();
  if (entry.database.empty()) entry.database = session.database;
  entry.principal = principal_name(session);
  entry.command = std::string(command.tokens.text());
  entry.activity = session.options.activity;
  entry.request_id = session.options.client_request_id;
  if (const auto database = view.database(entry.database))
    entry.version = "v1." + std::to_string(database->version);
  return view.add_journal(entry);
}

Answer show_journal(Command& command) {
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto entries,
         command.host().catalogue->read([](CatalogueView& view) { return view.journal(); }));
  RowTable answer{{{"Event", kString},
                   {"EventTimestamp", ScalarType::datetime_},
                   {"Database", kString},
                   {"EntityName", kString},
                   {"UpdatedEntityName", kString},
                   {"EntityVersion", kString},
                   {"EntityContainerName", kString},
                   {"OriginalEntityState", kString},
                   {"UpdatedEntityState", kString},
                   {"ChangeCommand", kString},
                   {"Principal", kString},
                   {"RootActivityId", ScalarType::guid_},
                   {"ClientRequestId", kString},
                   {"User", kString},
                   {"OriginalEntityVersion", kString}},
                  {}};
  for (const auto& entry : entries) {
    answer.rows.push_back({text_value(entry.event), entry.at, text_value(entry.database),
                           text_value(entry.entity), text_value(entry.updated_entity),
                           text_value(entry.version), text_value(entry.container), text_value(""),
                           text_value(""), text_value(entry.command), text_value(entry.principal),
                           guid_value(entry.activity), text_value(entry.request_id),
                           text_value(entry.principal), text_value("")});
  }
  return answer;
}

Answer show_ingestion_failures(Command& command) {
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  std::optional<Uuid> operation;
  if (const auto at = properties.find("operationid"); at != properties.end()) {
    KC_TRY(operation, Uuid::parse(at->second));
  }
  constexpr Timespan kKept = Timespan::seconds(14 * 86'400);
  const auto since = command.host().now() - kKept.ticks;
  KC_TRY(const auto failures, command.host().catalogue->read([&](CatalogueView& view) {
    return view.ingestion_failures(since);
  }));
  RowTable answer{{{"OperationId", ScalarType::guid_},
                   {"Database", kString},
                   {"Table", kString},
                   {"FailedOn", ScalarType::datetime_},
                   {"IngestionSourcePath", kString},
                   {"Details", kString},
                   {"FailureKind", kString},
                   {"RootActivityId", ScalarType::guid_},
                   {"OperationKind", kString},
                   {"OriginatesFromUpdatePolicy", ScalarType::bool_},
                   {"ErrorCode", kString},
                   {"Principal", kString},
                   {"ShouldRetry", ScalarType::bool_},
                   {"User", kString},
                   {"IngestionProperties", kString}},
                  {}};
  for (const auto& entry : failures) {
    if (operation && entry.operation != *operation) continue;
    answer.rows.push_back(
        {guid_value(entry.operation), text_value(entry.database), text_value(entry.table), entry.at,
         text_value(entry.source), text_value(entry.details),
         text_value(entry.should_retry ? "Transient" : "Permanent"), guid_value(entry.activity),
         text_value(entry.kind), entry.from_update_policy, text_value(entry.code),
         text_value(entry.principal), entry.should_retry, text_value(""),
         text_value(entry.properties)});
  }
  return answer;
}

}  // namespace kc::engine
