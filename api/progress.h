// The handler of a job's progress: bytes that were made when the pipeline published them, served
// with their ETag. Used by the table of routes. Thread promise: a pure function over a service that
// is safe from any thread.
#pragma once

#include "api/routes.h"

namespace kc::api {

HttpResponse get_progress(Exchange& exchange);

}  // namespace kc::api
