#include "core/kusto/json_collect.h"

#include <utility>

namespace kc::kusto {

using nlohmann::json;
using Kind = JsonEvent::Kind;

namespace {

constexpr std::size_t kValueBytes = 32;  // what a value costs besides its text

// A value that is complete in one event.
json scalar_of(const JsonEvent& event) {
  switch (event.kind) {
    case Kind::text:
      return std::string(event.text);
    case Kind::integer:
      return event.integer;
    case Kind::large:
      return static_cast<std::uint64_t>(event.integer);
    case Kind::real:
      return event.real;
    case Kind::boolean:
      return event.integer != 0;
    default:
      return nullptr;
  }
}

}  // namespace

void JsonCollect::begin(json& into, std::size_t& bytes_left) {
  root_ = &into;
  bytes_left_ = &bytes_left;
  open_.clear();
}

// Elements of an open container do not move its other containers' addresses: only the last element
// of each is open.
json& JsonCollect::place() {
  if (open_.empty()) return *root_;
  json& outer = *open_.back();
  if (outer.is_object()) return outer[std::exchange(key_, {})];
  outer.push_back(nullptr);
  return outer.back();
}

JsonCollect::Told JsonCollect::take(const JsonEvent& event) {
  const std::size_t cost = kValueBytes + event.text.size();
  if (cost > *bytes_left_) return Told::too_large;
  *bytes_left_ -= cost;
  switch (event.kind) {
    case Kind::key:
      key_ = event.text;
      return Told::more;
    case Kind::begin_object:
    case Kind::begin_array: {
      json& made = place();
      made = event.kind == Kind::begin_object ? json::object() : json::array();
      open_.push_back(&made);
      return Told::more;
    }
    case Kind::end_object:
    case Kind::end_array:
      open_.pop_back();
      break;
    default:
      place() = scalar_of(event);
  }
  return open_.empty() ? Told::complete : Told::more;
}

}  // namespace kc::kusto
