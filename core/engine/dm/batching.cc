#include "core/engine/dm/batching.h"

#include "core/base/json.h"

namespace kc::engine {

using nlohmann::json;

BatchLimits BatchLimits::parse(const std::string& policy) {
  BatchLimits limits;
  const auto body = json::parse(policy, nullptr, false);
  if (!body.is_object()) return limits;
  for (const auto& [name, value] : body.items()) {
    if (name == "MaximumBatchingTimeSpan" && value.is_string()) {
      if (const auto time = parse_duration(value.get<std::string>())) limits.time = *time;
    } else if (name == "MaximumNumberOfItems" && value.is_number_integer()) {
      limits.count = value.get<std::int64_t>();
    } else if (name == "MaximumRawDataSizeMB" && value.is_number_integer()) {
      limits.bytes = value.get<std::int64_t>() << 20;
    }
  }
  return limits;
}

std::string Batching::key_of(const IngestMessage& message) {
  return json{message.database, message.table, message.properties}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

bool Batching::goes_alone(const IngestMessage& message) {
  if (!message.raw_size) return true;
  if (message.properties.contains("ingestifnotexists")) return true;
  const auto tags = message.properties.find("tags");
  return tags != message.properties.end() && tags->second.find("ingest-by:") != std::string::npos;
}

void Batching::add(Delivery delivery, const BatchLimits& limits, Ticks now) {
  const auto bytes = delivery.message.raw_size.value_or(0);
  if (goes_alone(delivery.message)) {
    Batch batch{{}, bytes, now};
    batch.deliveries.push_back(std::move(delivery));
    sealed_.push_back(std::move(batch));
    return;
  }
  const auto key = key_of(delivery.message);
  const bool flush = delivery.message.flush;
  const auto [at, opened] = open_.try_emplace(key);
  auto& open = at->second;
  if (opened) {
    open.limits = limits;
    open.batch.due = now + limits.time;
  }
  open.batch.bytes += bytes;
  open.batch.deliveries.push_back(std::move(delivery));
  if (flush || static_cast<std::int64_t>(open.batch.deliveries.size()) >= open.limits.count ||
      open.batch.bytes >= open.limits.bytes) {
    sealed_.push_back(std::move(open.batch));
    open_.erase(at);
  }
}

std::vector<Batch> Batching::take_sealed(Ticks now) {
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second.batch.due <= now) {
      sealed_.push_back(std::move(at->second.batch));
      at = open_.erase(at);
    } else {
      ++at;
    }
  }
  return std::exchange(sealed_, {});
}

std::vector<Delivery*> Batching::waiting() {
  std::vector<Delivery*> all;
  for (auto& [key, open] : open_) {
    for (auto& delivery : open.batch.deliveries) all.push_back(&delivery);
  }
  return all;
}

}  // namespace kc::engine
