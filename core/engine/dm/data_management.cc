#include "core/engine/dm/data_management.h"

#include <algorithm>
#include <array>

#include "core/azure/signing.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/engine/dm/state.h"
#include "core/engine/host.h"

namespace kc::engine {
namespace {

using Type = azure::EntityValue::Type;

constexpr Timespan kResourceLife = Timespan::seconds(24 * 3600);
constexpr Timespan kTokenLife = Timespan::seconds(8 * 24 * 3600);
constexpr Timespan kPauseMin = Timespan::milliseconds(20);
constexpr Timespan kPauseMax = Timespan::seconds(1);
constexpr std::size_t kOperationBlobsMax = 100'000;
constexpr const char* kHeaderRow = "operation";

std::string value(const azure::Entity& entity, const char* name) {
  const auto at = entity.values.find(name);
  return at == entity.values.end() ? std::string() : at->second.text;
}

}  // namespace

std::string make_token(const azure::StorageAccount& account, Ticks expiry) {
  const auto text = nlohmann::json{{"aud", account.name}, {"exp", format_datetime(expiry)}}.dump();
  return base64(text) + "." + azure::signature(account.key, text);
}

bool is_token(const azure::StorageAccount& account, const std::string& token, Ticks now) {
  const auto dot = token.find('.');
  if (dot == std::string::npos) return false;
  const auto text = unbase64(std::string_view(token).substr(0, dot));
  if (!text || azure::signature(account.key, *text) != token.substr(dot + 1)) return false;
  const auto body = nlohmann::json::parse(*text, nullptr, false);
  if (!body.is_object() || !body.contains("exp") || !body["exp"].is_string()) return false;
  const auto expiry = parse_datetime(body["exp"].get<std::string>());
  return expiry && *expiry > now;
}

DataManagement::State::State(Engine& of, DataManagementOptions wish)
    : engine(of),
      options(std::move(wish)),
      line{.stop = stop.get_token()},
      failed(transport, clock, options.account.queue, options.account.credential(), kFailedQueue,
             line),
      successful(transport, clock, options.account.queue, options.account.credential(),
                 kSuccessfulQueue, line),
      statuses(transport, clock, options.account.table, options.account.credential(), kStatusTable,
               line),
      operations(transport, clock, options.account.table, options.account.credential(),
                 kOperationsTable, line),
      blobs(transport, clock, line),
      outcomes(failed, successful, statuses, operations),
      worker({engine, options.account, clock, ready, operations, blobs, outcomes, options.hidden,
              options.trouble}) {
  for (int i = 1; i <= options.queues; ++i) {
    ready.push_back(std::make_unique<azure::Queue>(transport, clock, options.account.queue,
                                                   options.account.credential(),
                                                   kReadyQueue + std::to_string(i), line));
  }
}

Result<void> DataManagement::State::prepare() {
  for (auto& queue : ready) KC_CHECK_OK(queue->create());
  KC_CHECK_OK(failed.create());
  KC_CHECK_OK(successful.create());
  KC_CHECK_OK(statuses.create());
  KC_CHECK_OK(operations.create());
  for (int i = 1; i <= options.queues; ++i) {
    azure::Blobs container(transport, clock,
                           {options.account.blob,
                            options.account.name,
                            kContainer + std::to_string(i),
                            {},
                            options.account.credential()},
                           line);
    KC_CHECK_OK(container.create_container());
  }
  return {};
}

// The account tells nobody that a message came: as long as some come, it is asked again at once,
// else with a pause that doubles. `wake` ends a pause.
void DataManagement::State::run(const std::stop_token& token) {
  auto pause = kPauseMin;
  while (!token.stop_requested()) {
    if (worker.work_once()) {
      pause = kPauseMin;
      continue;
    }
    std::unique_lock lock(mutex);
    const bool called =
        changed.wait_for(lock, token, pause.to_milliseconds(), [&] { return woken; });
    woken = false;
    pause = called ? kPauseMin : std::min(kPauseMax, pause + pause);
  }
}

DataManagement::DataManagement(std::unique_ptr<State> state) : state_(std::move(state)) {}
DataManagement::~DataManagement() { close(); }

Result<std::unique_ptr<DataManagement>> DataManagement::start(Engine& engine,
                                                              DataManagementOptions options) {
  auto state = std::make_unique<State>(engine, std::move(options));
  KC_CHECK_OK(state->prepare());
  std::unique_ptr<DataManagement> made(new DataManagement(std::move(state)));
  auto& own = *made->state_;
  if (own.options.worker)
    own.thread = std::jthread([&own](const std::stop_token& token) { own.run(token); });
  return made;
}

void DataManagement::close() {
  state_->stop.request_stop();
  state_->thread.request_stop();
  state_->transport.close();
  if (state_->thread.joinable()) state_->thread.join();
}

Engine& DataManagement::engine() { return state_->engine; }
bool DataManagement::work_once() { return state_->worker.work_once(); }

void DataManagement::wake() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->woken = true;
  }
  state_->changed.notify_all();
}

std::string DataManagement::identity_token() {
  return make_token(state_->options.account, state_->clock.now() + kTokenLife);
}

std::vector<Resource> DataManagement::resources() {
  const auto& account = state_->options.account;
  const auto expiry = state_->clock.now() + kResourceLife;
  const auto sas = [&](const char* service, const char* permissions) {
    return "?" + azure::account_sas(account, {service, "co", permissions, expiry});
  };
  std::vector<Resource> all;
  for (const auto& queue : state_->ready) {
    all.push_back(
        {"SecuredReadyForAggregationQueue", account.queue + "/" + queue->name() + sas("q", "a")});
  }
  for (int i = 1; i <= state_->options.queues; ++i) {
    all.push_back(
        {"TempStorage", account.blob + "/" + kContainer + std::to_string(i) + sas("b", "rwdlc")});
  }
  all.push_back({"FailedIngestionsQueue", account.queue + "/" + kFailedQueue + sas("q", "rp")});
  all.push_back(
      {"SuccessfulIngestionsQueue", account.queue + "/" + kSuccessfulQueue + sas("q", "rp")});
  all.push_back({"IngestionsStatusTable", account.table + "/" + kStatusTable + sas("t", "raud")});
  return all;
}

Result<std::string> DataManagement::enqueue(const QueuedWish& wish) {
  auto& own = *state_;
  const auto now = format_datetime(own.engine.host().clock->now());
  std::string id;
  if (wish.tracked) {
    const auto part = [&] { return own.engine.new_id().text().substr(0, 8); };
    id = part() + ";" + part() + ";" + own.engine.new_id().text();
    azure::Entity header{{id, kHeaderRow}, {}};
    header.values["Database"] = {Type::string_, wish.database};
    header.values["Table"] = {Type::string_, wish.table};
    header.values["StartedOn"] = {Type::datetime_, now};
    KC_CHECK_OK(own.operations.merge(header));
    // All of them before any is queued: a count never grows.
    for (const auto& blob : wish.blobs) {
      azure::Entity entity{{id, blob.id}, {}};
      entity.values["BlobUrl"] = {Type::string_, shown_path(blob.blob)};
      entity.values["Status"] = {Type::string_, "Pending"};
      entity.values["StartedAt"] = {Type::datetime_, now};
      KC_CHECK_OK(own.operations.merge(entity));
    }
  }
  for (auto message : wish.blobs) {
    message.database = wish.database;
    message.table = wish.table;
    message.retain_blob = !wish.remove_blobs;
    message.flush = wish.skip_batching;
    message.level = ReportLevel::none;
    message.created = now;
    message.token = identity_token();
    message.operation = id;
    message.properties = wish.properties;
    KC_CHECK_OK(own.ready[own.next_queue++ % own.ready.size()]->put(encode_message(message)));
  }
  wake();
  return id;
}

Result<QueuedOperation> DataManagement::operation(const std::string& id) {
  KC_TRY(const auto entities,
         state_->operations.query_all("PartitionKey eq " + azure::filter_literal(id),
                                      kOperationBlobsMax));
  QueuedOperation result;
  result.id = id;
  bool found = false;
  for (const auto& entity : entities) {
    if (entity.key.row == kHeaderRow) {
      found = true;
      result.database = value(entity, "Database");
      result.table = value(entity, "Table");
      result.started = value(entity, "StartedOn");
      result.canceled = value(entity, "Canceled") == "true";
      continue;
    }
    result.blobs.push_back({entity.key.row, value(entity, "BlobUrl"), value(entity, "Status"),
                            value(entity, "StartedAt"), value(entity, "CompletedAt"),
                            value(entity, "ErrorCode"), value(entity, "FailureStatus"),
                            value(entity, "Details")});
    result.updated = std::max(result.updated, result.blobs.back().completed);
  }
  if (!found) {
    auto error = ingestion_error("BadRequest_EntityNotFound",
                                 "there is no queued ingestion operation '" + id + "'");
    error.kind = ErrorKind::not_found;
    return fail(std::move(error));
  }
  if (result.updated.empty()) result.updated = result.started;
  return result;
}

Result<QueuedOperation> DataManagement::cancel(const std::string& id) {
  KC_TRY(const auto before, operation(id));
  azure::Entity header{{id, kHeaderRow}, {{"Canceled", {Type::boolean_, "true"}}}};
  KC_CHECK_OK(state_->operations.merge(header));
  for (const auto& blob : before.blobs) {
    if (blob.status != "Pending") continue;
    azure::Entity entity{{id, blob.id}, {}};
    entity.values["Status"] = {Type::string_, "Canceled"};
    entity.values["CompletedAt"] = {Type::datetime_,
                                    format_datetime(state_->engine.host().clock->now())};
    KC_CHECK_OK(state_->operations.merge(entity));
  }
  return operation(id);
}

std::int64_t QueuedOperation::count(std::string_view status) const {
  return std::count_if(blobs.begin(), blobs.end(),
                       [&](const QueuedBlob& blob) { return blob.status == status; });
}

std::string QueuedOperation::state() const {
  if (canceled) return "Canceled";
  if (count("Pending") > 0) return "InProgress";
  const auto failed = count("Failed");
  return failed > 0 && failed == static_cast<std::int64_t>(blobs.size()) ? "Failed" : "Completed";
}

}  // namespace kc::engine
