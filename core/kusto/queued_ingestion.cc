#include "core/kusto/queued_ingestion.h"

#include <algorithm>
#include <utility>

#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/kusto/classify.h"
#include "core/kusto/text.h"

namespace kc::kusto {
namespace {

using azure::EntityValue;
using nlohmann::ordered_json;

// As the public clients: resources and their signatures are asked for again every hour.
constexpr Timespan kResourcesLife = Timespan::seconds(3600);
constexpr int kTriesMax = 3;

// Of the nth blob of an attempt: as unique as the attempt, and the same whoever calculates it.
Uuid source_id(Uuid attempt, std::size_t nth) {
  for (std::size_t i = 0; i < 4; ++i)
    attempt.bytes[15 - i] ^= static_cast<std::uint8_t>((nth + 1) >> (8 * i));
  return attempt;
}

// Which status table an attempt is told in: of the same list always the same.
std::size_t table_of(const Uuid& attempt, std::size_t count) { return attempt.bytes[0] % count; }

std::string text_of(const azure::Entity& entity, const char* name) {
  const auto found = entity.values.find(name);
  return found == entity.values.end() ? std::string{} : found->second.text;
}

std::string message_of(const StartQueuedIngest& what, std::size_t nth,
                       const std::string& status_root, const std::string& token, Ticks now) {
  const StartIngest& ingest = what.ingest;
  const std::string id = source_id(what.attempt, nth).text();
  const bool csv = ingest.format == ExportFormat::csv;
  ordered_json message = {{"Id", id},
                          {"BlobPath", ingest.blob_uris[nth]},
                          {"DatabaseName", ingest.db.value},
                          {"TableName", ingest.table.value},
                          {"RetainBlobOnSuccess", true},
                          // One blob is a whole block: nothing else will ever share its batch.
                          {"FlushImmediately", ingest.blob_uris.size() == 1},
                          {"IgnoreSizeLimit", false},
                          {"ReportLevel", 2},   // failures and successes
                          {"ReportMethod", 1},  // in the status table
                          {"SourceMessageCreationTime", format_datetime(now)},
                          {"ApplicationForTracing", "kusto-copy"},
                          {"IngestionStatusInTable",
                           {{"TableConnectionString", status_root},
                            {"PartitionKey", what.attempt.text()},
                            {"RowKey", id}}},
                          {"AdditionalProperties",
                           {{"authorizationContext", token},
                            {"format", to_string(ingest.format)},
                            {"tags", ordered_json::array({ingest.tag}).dump()},
                            {"ingestionMapping", ingestion_mapping(ingest.columns, ingest.format)},
                            {"ingestionMappingType", csv ? "Csv" : "Parquet"}}}};
  if (nth < what.raw_bytes.size() && what.raw_bytes[nth] > 0)
    message["RawDataSize"] = what.raw_bytes[nth];
  return base64(message.dump());
}

// An answer of the storage service in the words of the door: what a queue says of itself is no word
// about the cluster.
Error of_storage(Error error) {
  if (error.kind == ErrorKind::conflict || error.kind == ErrorKind::not_found ||
      error.kind == ErrorKind::corrupt)
    error.kind = ErrorKind::unavailable;
  return error;
}

}  // namespace

std::string data_management_url(const std::string& cluster_url) {
  const std::string_view host = net::host_of(cluster_url);
  const bool name = host.find('.') != std::string_view::npos &&
                    host.find_first_not_of("0123456789.") != std::string_view::npos &&
                    host.find(':') == std::string_view::npos;
  if (!name || net::is_loopback_host(host) || host.starts_with("ingest-")) return cluster_url;
  std::string url = cluster_url;
  return url.insert(url.find("://") + 3, "ingest-");
}

azure::LineOptions QueuedIngestion::line(Timespan deadline) const {
  azure::LineOptions options;
  options.tries_max = kTriesMax;
  options.deadline = std::max(Timespan::seconds(1), Timespan{deadline.ticks / (kTriesMax + 1)});
  options.stop = stop_;
  options.wait = wait_;
  return options;
}

Result<QueuedIngestion::Resources> QueuedIngestion::fetch(Timespan deadline) const {
  KC_TRY(const auto listed, ask_(".get ingestion resources", deadline));
  KC_TRY(const auto kinds, listed.strings("ResourceTypeName"));
  KC_TRY(const auto roots, listed.strings("StorageRoot"));
  std::vector<std::pair<std::string, azure::ResourceAddress>> tables;
  Resources found;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const bool queue = kinds[i] == "SecuredReadyForAggregationQueue";
    if (!queue && kinds[i] != "IngestionsStatusTable") continue;
    auto address = azure::parse_resource_address(roots[i]);
    if (!address) return fail(malformed_answer("a resource of ingestion without a usable address"));
    if (queue) {
      found.queues.push_back(std::move(*address));
    } else {
      tables.emplace_back(roots[i], std::move(*address));
    }
  }
  // In one order whatever the service's is.
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.endpoint, a.second.name) < std::tie(b.second.endpoint, b.second.name);
  });
  for (auto& [root, address] : tables) {
    found.status_roots.push_back(std::move(root));
    found.status_tables.push_back(std::move(address));
  }
  if (!found.queues.empty() && !found.status_tables.empty()) {
    KC_TRY(const auto token, ask_(".get kusto identity token", deadline));
    KC_TRY(auto contexts, token.strings("AuthorizationContext"));
    if (contexts.size() != 1 || contexts.front().empty())
      return fail(malformed_answer("an identity token that is not one"));
    found.token = std::move(contexts.front());
  }
  found.until = clock_.now() + kResourcesLife;
  return found;
}

Result<QueuedIngestion::Resources> QueuedIngestion::resources(Timespan deadline) {
  auto known = resources_.with([](const auto& all) { return all; });
  if (known && clock_.now() < known->until) return std::move(*known);
  KC_TRY(auto fresh, fetch(deadline));
  resources_.with([&](auto& all) { all = fresh; });
  return fresh;
}

Result<IngestionOffer> QueuedIngestion::offer(Timespan deadline) {
  const auto found = resources(deadline);
  if (!found) {
    const Error& error = found.error();
    if (error.kind != ErrorKind::invalid && error.kind != ErrorKind::not_found) return fail(error);
    return IngestionOffer{.queued = false,
                          .why_not = "the destination has no data management: " + error.message};
  }
  if (found->queues.empty() || found->status_tables.empty())
    return IngestionOffer{
        .queued = false,
        .why_not = "data management of the destination names no queue or no status table"};
  return IngestionOffer{.queued = true, .why_not = {}};
}

// ---- Sending

// Each blob's entity first: an attempt whose entities are all there is one whose messages may be.
Result<void> QueuedIngestion::announce(const Resources& at, const StartQueuedIngest& what,
                                       const azure::LineOptions& options) const {
  const auto& place = at.status_tables[table_of(what.attempt, at.status_tables.size())];
  azure::Table table(transport_, clock_, place.endpoint, place.credential, place.name, options);
  using Type = EntityValue::Type;
  for (std::size_t i = 0; i < what.ingest.blob_uris.size(); ++i) {
    const std::string id = source_id(what.attempt, i).text();
    const azure::Entity entity{
        .key = {.partition = what.attempt.text(), .row = id},
        .values = {{"Status", {Type::string_, "Pending"}},
                   {"IngestionSourceId", {Type::guid_, id}},
                   {"Database", {Type::string_, what.ingest.db.value}},
                   {"Table", {Type::string_, what.ingest.table.value}},
                   {"UpdatedOn", {Type::datetime_, format_datetime(clock_.now())}}}};
    auto inserted = table.insert(entity);
    // Ids are random: what is there is this very entity, whose answer was lost.
    if (!inserted && inserted.error().kind != ErrorKind::conflict) return inserted;
  }
  return {};
}

Result<void> QueuedIngestion::send(const Resources& at, const StartQueuedIngest& what,
                                   const azure::LineOptions& options) const {
  const std::string& root = at.status_roots[table_of(what.attempt, at.status_roots.size())];
  const std::size_t count = what.ingest.blob_uris.size();
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < count; ++i) {
    messages.push_back(message_of(what, i, root, at.token, clock_.now()));
    if (messages.back().size() > azure::kMessageBytesMax)
      return fail(ErrorKind::invalid, "kusto.message_too_large",
                  "the message that queues a blob has " + std::to_string(messages.back().size()) +
                      " bytes; a queue takes " + std::to_string(azure::kMessageBytesMax));
  }
  KC_CHECK_OK(announce(at, what, options));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& place = at.queues[(what.attempt.bytes[1] + i) % at.queues.size()];
    azure::Queue queue(transport_, clock_, place.endpoint, place.credential, place.name, options);
    auto put = queue.put(messages[i]);
    if (put) continue;
    Error error = std::move(put).error();
    if (i > 0) error.kind = ErrorKind::unavailable;  // those before it are on their way
    return fail(std::move(error));
  }
  return {};
}

Result<StartedOperation> QueuedIngestion::start(const StartQueuedIngest& what, Timespan deadline) {
  if (what.ingest.blob_uris.empty() || what.ingest.columns.empty())
    return fail(ErrorKind::invalid, "kusto.invalid_command",
                "an ingestion needs at least one blob and one column");
  for (const bool again : {false, true}) {
    KC_TRY(const auto at, resources(deadline));
    if (at.queues.empty() || at.status_tables.empty())
      return fail(ErrorKind::invalid, "kusto.not_offered",
                  "data management of the destination names no queue or no status table");
    auto sent = send(at, what, line(deadline));
    if (sent) return StartedOperation{what.attempt};
    // A signature may have ended before its hour: once with fresh ones. Nothing was queued.
    const bool refused = sent.error().kind == ErrorKind::denied;
    if (refused) resources_.with([](auto& all) { all.reset(); });
    if (!refused || again) return fail(of_storage(std::move(sent).error()));
  }
  return fail(ErrorKind::denied, "kusto.denied", "data management refuses what is queued");
}

// ---- Status

Result<std::optional<Operation>> QueuedIngestion::status_of(
    const Resources& at, const ReadQueuedIngestions::One& one,
    const azure::LineOptions& options) const {
  std::vector<azure::Entity> entities;
  const std::size_t count = at.status_tables.size(), first = table_of(one.attempt, count);
  // The list of tables may have changed since: then it is in another one.
  for (std::size_t i = 0; i < count && std::ssize(entities) < one.blobs; ++i) {
    const auto& place = at.status_tables[(first + i) % count];
    azure::Table table(transport_, clock_, place.endpoint, place.credential, place.name, options);
    KC_TRY(entities, table.query_all("PartitionKey eq " + azure::filter_literal(one.attempt.text()),
                                     static_cast<std::size_t>(one.blobs) + 1));
  }
  if (std::ssize(entities) != one.blobs) return std::nullopt;
  Operation operation{.id = one.attempt, .state = "InProgress", .status = {}};
  std::int64_t succeeded = 0;
  for (const azure::Entity& entity : entities) {
    const std::string status = lower(text_of(entity, "Status"));
    if (status == "succeeded") ++succeeded;
    // A word that is not known must not read as an end.
    if (status != "failed" && status != "skipped" && status != "partiallysucceeded") continue;
    operation.outcome = OperationOutcome::failed;
    operation.state = text_of(entity, "Status");
    operation.status =
        clean_message(text_of(entity, "ErrorCode") + ": " + text_of(entity, "Details"));
    const std::string failure = lower(text_of(entity, "FailureStatus"));
    operation.should_retry = failure == "transient" || failure == "exhausted";
    return operation;
  }
  if (succeeded == one.blobs) {
    operation.outcome = OperationOutcome::completed;
    operation.state = "Completed";
  }
  return operation;
}

Result<OperationList> QueuedIngestion::status(const ReadQueuedIngestions& what, Timespan deadline) {
  const auto begin = clock_.elapsed();
  OperationList list;
  for (const auto& one : what.ingestions) {
    const Timespan left = deadline - Timespan::from(clock_.elapsed() - begin);
    if (left.ticks <= 0) break;  // those that are left out are asked about again
    KC_TRY(const auto at, resources(left));
    if (at.status_tables.empty()) return list;
    auto found = status_of(at, one, line(left));
    if (!found) {
      if (found.error().kind == ErrorKind::denied) resources_.with([](auto& all) { all.reset(); });
      return fail(of_storage(std::move(found).error()));
    }
    if (*found) list.operations.push_back(std::move(**found));
  }
  return list;
}

}  // namespace kc::kusto
