// The handlers that need no job: is the process alive, can it take wishes, what has it counted,
// what is its contract. Used by the table of routes. Thread promise: pure functions over a service
// that is safe from any thread.
#pragma once

#include "api/routes.h"

namespace kc::api {

HttpResponse get_liveness(Exchange& exchange);
HttpResponse get_readiness(Exchange& exchange);
HttpResponse get_metrics(Exchange& exchange);
HttpResponse get_openapi(Exchange& exchange);

}  // namespace kc::api
