// A small part of a streamed JSON text, put together as one value: what an answer says beside its
// rows. Only answer_reader.cc uses it. Thread promise: one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/kusto/json_stream.h"

namespace kc::kusto {

class JsonCollect {
 public:
  enum class Told { more, complete, too_large };

  // The next events are those of `into`, which outlives them. `bytes_left` is counted down.
  void begin(nlohmann::json& into, std::size_t& bytes_left);
  Told take(const JsonEvent& event);

 private:
  nlohmann::json& place();

  nlohmann::json* root_ = nullptr;
  std::size_t* bytes_left_ = nullptr;
  std::vector<nlohmann::json*> open_;  // the containers around the next value
  std::string key_;
};

}  // namespace kc::kusto
