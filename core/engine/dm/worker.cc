#include "core/engine/dm/worker.h"

#include <array>
#include <filesystem>

#include "core/engine/dm/state.h"
#include "core/engine/host.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kDeliveriesMax = 5;
constexpr std::string_view kKind = "DataIngestQueued";

// What `.ingest` is given; other properties of a message mean nothing here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kProperties = {
    {{"format", "format"},
     {"tags", "tags"},
     {"ingestifnotexists", "ingestIfNotExists"},
     {"ingestionmapping", "ingestionMapping"},
     {"ingestionmappingreference", "ingestionMappingReference"},
     {"validationpolicy", "validationPolicy"},
     {"ignorefirstrecord", "ignoreFirstRecord"},
     {"creationtime", "creationTime"},
     {"zippattern", "zipPattern"}}};

std::string with_of(const IngestMessage& message) {
  std::string with;
  for (const auto& [name, spelled] : kProperties) {
    const auto at = message.properties.find(std::string(name));
    if (at == message.properties.end() || at->second.empty()) continue;
    with += (with.empty() ? " with (" : ", ") + std::string(spelled) + "=" + kql_string(at->second);
  }
  return with.empty() ? with : with + ")";
}

}  // namespace

bool Worker::work_once() {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (std::size_t i = 0; i < parts_.ready.size(); ++i) any = poll(i) || any;
  const auto now = parts_.engine.host().clock->now();
  auto sealed = batching_.take_sealed(now);
  for (auto at = late_.begin(); at != late_.end();) {
    if (at->due <= now) {
      attempt(std::move(at->batch));
      at = late_.erase(at);
      any = true;
    } else {
      ++at;
    }
  }
  for (auto& batch : sealed) {
    any = true;
    ingest(std::move(batch));
  }
  hold_waiting();
  return any;
}

bool Worker::poll(std::size_t queue) {
  auto messages = parts_.ready[queue]->get(azure::kMessagesPerCallMax, parts_.hidden);
  if (!messages) {
    trouble(messages.error());
    return false;
  }
  for (auto& message : *messages) receive(queue, std::move(message));
  return !messages->empty();
}

void Worker::receive(std::size_t queue, azure::QueueMessage message) {
  auto decoded = decode_message(message.text);
  Delivery delivery{std::move(decoded.message), std::move(message), queue,
                    parts_.clock.now() + parts_.hidden};
  delivery.receipt.text.clear();
  auto problem = std::move(decoded.problem);
  if (!problem) problem = refuse(delivery.message);
  if (problem) return fail_one(delivery, *problem);
  if (delivery.receipt.dequeue_count > kDeliveriesMax) {
    auto exhausted = ingestion_error("General_RetryAttemptsExceeded",
                                     "the message was delivered too often without an outcome");
    exhausted.kind = ErrorKind::unavailable;
    return fail_one(delivery, exhausted);
  }
  const auto limits = limits_of(delivery.message);
  batching_.add(std::move(delivery), limits, parts_.engine.host().clock->now());
}

std::optional<Error> Worker::refuse(const IngestMessage& message) {
  if (!is_token(parts_.account, message.token, parts_.clock.now()))
    return ingestion_error("BadRequest_InvalidKustoIdentityToken",
                           "the authorization context is not of this service, or it is too old");
  const auto database = parts_.engine.command(
      "", ".show databases | where DatabaseName == " + kql_string(message.database));
  if (database && database->tables.front().row_count == 0)
    return ingestion_error("BadRequest_DatabaseNotExist",
                           "there is no database '" + message.database + "'");
  const auto table = parts_.engine.command(
      message.database, ".show tables | where TableName == " + kql_string(message.table));
  if (table && table->tables.front().row_count == 0)
    return ingestion_error("BadRequest_TableNotExist", "there is no table '" + message.table + "'");
  return std::nullopt;
}

// The table's own policy, else its database's, else the standard.
BatchLimits Worker::limits_of(const IngestMessage& message) {
  for (const auto& entity :
       {"table " + kql_name(message.table), "database " + kql_name(message.database)}) {
    const auto answer = parts_.engine.command(
        message.database, ".show " + entity + " policy ingestionbatching | project Policy");
    if (!answer) continue;
    const auto rows = decode(answer->tables.front());
    if (!rows || rows->rows.empty()) continue;
    const auto* policy = std::get_if<std::string>(&rows->rows.front().front());
    if (policy != nullptr && policy->find('{') != std::string::npos)
      return BatchLimits::parse(*policy);
  }
  return {};
}

// A receipt is good until the message is seen again: it is renewed at half of that time.
void Worker::hold(Delivery& delivery, bool always) {
  const auto now = parts_.clock.now();
  if (!always && delivery.held_until - now > Timespan{parts_.hidden.ticks / 2}) return;
  auto& queue = *parts_.ready[delivery.queue];
  if (const auto receipt = queue.keep_hidden(delivery.receipt, parts_.hidden)) {
    delivery.receipt.pop_receipt = *receipt;
    delivery.held_until = now + parts_.hidden;
  }
}

void Worker::hold_waiting() {
  for (auto* delivery : batching_.waiting()) hold(*delivery);
  for (auto& late : late_) {
    for (auto& delivery : late.batch.deliveries) hold(delivery);
  }
}

void Worker::ingest(Batch batch) {
  const auto fate = parts_.engine.host().fate(kKind);
  if (fate.delay.ticks > 0) {
    late_.push_back({parts_.engine.host().clock->now() + fate.delay, std::move(batch)});
    return;
  }
  attempt(std::move(batch));
}

void Worker::attempt(Batch batch) {
  auto& deliveries = batch.deliveries;
  std::erase_if(deliveries, [&](Delivery& delivery) {
    if (!is_canceled(delivery.message)) return false;
    const auto removed = parts_.ready[delivery.queue]->remove(delivery.receipt);
    (void)removed;
    return true;
  });
  if (deliveries.empty()) return;
  for (auto& delivery : deliveries) hold(delivery);
  const auto fate = parts_.engine.host().fate(kKind);
  Result<bool> done = fate.fail_before
                          ? fail(ErrorKind::unavailable, "engine.fault", "an injected failure")
                          : run(deliveries);
  if (done && fate.fail_after)
    done = fail(ErrorKind::unavailable, "engine.fault", "an injected failure");
  if (done) {
    parts_.engine.host().at("dm.ingested");
    const auto outcome = outcome_of(*done ? Outcome::Status::succeeded : Outcome::Status::skipped);
    for (auto& delivery : deliveries) finish(delivery, outcome, fate.lose_answer);
    return;
  }
  if (deliveries.size() > 1 && !is_passing(done.error())) {
    for (auto& delivery : deliveries) {
      Batch alone;
      alone.deliveries.push_back(std::move(delivery));
      attempt(std::move(alone));
    }
    return;
  }
  for (auto& delivery : deliveries) fail_one(delivery, done.error());
}

Result<bool> Worker::run(const std::vector<Delivery>& deliveries) {
  auto& host = parts_.engine.host();
  KC_TRY(const auto scratch, host.files->scratch("queued_" + host.new_id().text()));
  std::string sources;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    auto source = deliveries[i].message.blob;
    if (is_blob_address(source)) {
      const auto file = scratch.folder() / local_name(source, i);
      KC_CHECK_OK(parts_.blobs.download(source, file));
      source = file.string();
    }
    sources += (i > 0 ? ", " : "") + kql_string(source);
  }
  const auto& first = deliveries.front().message;
  RequestOptions options;
  options.client_request_id = "DM.IngestQueued;" + first.id;
  KC_TRY(const auto answer, parts_.engine.command(first.database,
                                                  ".ingest into table " + kql_name(first.table) +
                                                      " (" + sources + ")" + with_of(first),
                                                  options));
  // One row per extent; nil where there was none to be made.
  return answer.tables.front().rows.find(Uuid{}.text()) != 2;
}

bool Worker::is_canceled(const IngestMessage& message) {
  if (message.operation.empty()) return false;
  const auto entity = parts_.operations.get({message.operation, message.id});
  if (!entity) return false;
  const auto at = entity->values.find("Status");
  return at != entity->values.end() && at->second.text == "Canceled";
}

Outcome Worker::outcome_of(Outcome::Status status) {
  Outcome outcome;
  outcome.status = status;
  outcome.operation = parts_.engine.new_id();
  outcome.activity = parts_.engine.new_id();
  outcome.at = parts_.engine.host().clock->now();
  return outcome;
}

// Told first, removed last: whoever stops between leaves it to be delivered again.
void Worker::finish(Delivery& delivery, const Outcome& outcome, bool lose) {
  if (const auto told = parts_.outcomes.tell(delivery.message, outcome); !told)
    return trouble(told.error());
  parts_.engine.host().at("dm.told");
  const bool failed = outcome.status == Outcome::Status::failed;
  if (lose) return;
  if (!failed && !delivery.message.retain_blob && is_blob_address(delivery.message.blob)) {
    const auto removed = parts_.blobs.remove(delivery.message.blob);
    (void)removed;
  }
  const auto removed = parts_.ready[delivery.queue]->remove(delivery.receipt);
  if (!removed) trouble(removed.error());
}

void Worker::trouble(const Error& error) {
  if (parts_.trouble && error.kind != ErrorKind::cancelled) parts_.trouble(error);
}

void Worker::fail_one(Delivery& delivery, const Error& error) {
  const bool exhausted = is_passing(error) && delivery.receipt.dequeue_count >= kDeliveriesMax;
  if (is_passing(error) && !exhausted) {
    // Delivered again soon at first, and then after twice as long each time.
    trouble(error);
    const auto pause = parts_.hidden.ticks >> (kDeliveriesMax - delivery.receipt.dequeue_count);
    const auto hidden = parts_.ready[delivery.queue]->keep_hidden(delivery.receipt, {pause});
    (void)hidden;  // else it is hidden for as long as it was
    return;
  }
  auto outcome = outcome_of(Outcome::Status::failed);
  outcome.error = error;
  outcome.exhausted = exhausted;
  finish(delivery, outcome, false);
}

}  // namespace kc::engine
