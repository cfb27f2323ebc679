// The embedded engine's admin face, beside the Kusto protocol on the same port and only where it
// was asked for: a test or a demonstration moves the clock, sets faults and looks at what runs.
//   POST /admin/faults  the faults as EngineFaults::parse takes them; `{}` ends them
//   POST /admin/clock   {"advance": "7.00:00:00"} time passes; {"step": "-01:00:00"} the UTC side
//   GET  /admin/state   clock, capacity, operations
// Used by kusto_endpoint. Thread promise: safe from any thread.
#pragma once

#include <optional>

#include "api/http_server.h"

namespace kc::engine {
class Engine;
}

namespace kc::api {

// None where the path is not of the admin face. Bad input is answered with 400 and has no effect.
std::optional<HttpResponse> admin_answer(engine::Engine& engine, const HttpRequest& http);

}  // namespace kc::api
