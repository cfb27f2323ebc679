#include "api/kusto_endpoint_admin.h"

#include "core/base/json.h"
#include "core/engine/engine.h"

namespace kc::api {
namespace {

using nlohmann::json;

HttpResponse refused(const std::string& what) {
  return {.status = 400, .body = json{{"error", what}}.dump()};
}

HttpResponse set_faults(engine::Engine& engine, const std::string& body) {
  auto faults = engine::EngineFaults::parse(body);
  if (!faults) return refused(faults.error().message);
  engine.set_faults(std::move(*faults));
  return {.body = engine.state()};
}

Result<Timespan> span_of(const json& value, const std::string& name) {
  if (!value.is_string())
    return fail(ErrorKind::invalid, "admin.invalid", name + " is no timespan");
  auto text = value.get<std::string>();
  const bool back = text.starts_with('-');
  KC_TRY(auto span, parse_duration(back ? text.substr(1) : text));
  if (back) span.ticks = -span.ticks;
  return span;
}

HttpResponse move_clock(engine::Engine& engine, const std::string& body) {
  const auto object = json::parse(body, nullptr, false);
  if (!object.is_object() || object.size() != 1)
    return refused("the body is no JSON object with one of 'advance', 'step'");
  const auto name = object.begin().key();
  if (name != "advance" && name != "step")
    return refused("the clock has no '" + name + "', only 'advance' and 'step'");
  const auto by = span_of(object.begin().value(), name);
  if (!by) return refused(by.error().message);
  // Beyond the calendar there is no time.
  const auto now = engine.now().value;
  if (by->ticks > kTicksMax.value - now || by->ticks < -now)
    return refused("'" + name + "' leaves the calendar");
  if (name == "step") {
    engine.step_clock(*by);
  } else if (by->ticks < 0) {
    return refused("time does not pass backwards; 'step' moves the UTC side");
  } else {
    engine.advance_clock(*by);
  }
  return {.body = engine.state()};
}

}  // namespace

std::optional<HttpResponse> admin_answer(engine::Engine& engine, const HttpRequest& http) {
  const bool state = http.path == "/admin/state";
  const bool faults = http.path == "/admin/faults", clock = http.path == "/admin/clock";
  if (!state && !faults && !clock) return std::nullopt;
  if (http.method != (state ? "GET" : "POST")) {
    return HttpResponse{.status = 405,
                        .content_type = "text/plain",
                        .body = "Method not allowed",
                        .headers = {{"Allow", state ? "GET" : "POST"}}};
  }
  if (state) return HttpResponse{.body = engine.state()};
  return faults ? set_faults(engine, http.body) : move_clock(engine, http.body);
}

}  // namespace kc::api
