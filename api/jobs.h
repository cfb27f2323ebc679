// The handlers of /v1/jobs: create, list, show, cancel. Used by the table of routes. Thread
// promise: pure functions over a service that is safe from any thread.
#pragma once

#include "api/routes.h"

namespace kc::api {

inline constexpr std::int64_t kPageSizeDefault = 50;
inline constexpr std::int64_t kPageSizeMax = 1000;  // more is taken as this

HttpResponse create_job(Exchange& exchange);
HttpResponse list_jobs(Exchange& exchange);
HttpResponse get_job(Exchange& exchange);
HttpResponse cancel_job(Exchange& exchange);

}  // namespace kc::api
