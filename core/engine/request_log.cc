#include "core/engine/request_log.h"

#include <algorithm>

#include "core/base/redact.h"

namespace kc::engine {

RequestLog::Request RequestLog::begin(RequestRecord record) {
  record.text = redact(record.text);
  if (record.text.size() > kTextMax) record.text.resize(kTextMax);
  record.updated = record.started;
  return state_.with([&](State& state) {
    state.running.push_back({std::move(record), new_cancellation()});
    return Request(this, std::prev(state.running.end()));
  });
}

void RequestLog::end(Place place, std::int64_t now, std::string failure) {
  state_.with([&](State& state) {
    auto record = std::move(place->record);
    state.running.erase(place);
    record.updated = std::max(now, record.started);
    record.state = failure.empty() ? "Completed" : "Failed";
    record.failure = std::move(failure);
    state.texts += record.text.size();
    state.ended.push_back(std::move(record));
    while (state.ended.size() > kKept || state.texts > kKeptTextMax) {
      state.texts -= state.ended.front().text.size();
      state.ended.pop_front();
    }
  });
}

bool RequestLog::cancel(std::string_view client_request_id,
                        const std::optional<std::string>& principal) {
  return state_.with([&](State& state) {
    bool found = false;
    for (auto& running : state.running) {
      const auto& record = running.record;
      if (record.kind != "Query" || record.client_request_id != client_request_id ||
          (principal && record.principal != *principal)) {
        continue;
      }
      *running.cancellation = true;
      found = true;
    }
    return found;
  });
}

std::vector<RequestRecord> RequestLog::running() const {
  return state_.with([](const State& state) {
    std::vector<RequestRecord> records;
    for (const auto& running : state.running) records.push_back(running.record);
    return records;
  });
}

std::vector<RequestRecord> RequestLog::ended() const {
  return state_.with([](const State& state) {
    return std::vector<RequestRecord>(state.ended.begin(), state.ended.end());
  });
}

}  // namespace kc::engine
