#include "api/progress.h"

#include "api/problem.h"
#include "core/service/copy_service.h"

namespace kc::api {

namespace {

// If-None-Match: a list of tags, or `*`. A weak tag matches too: the comparison for this header is
// the weak one.
bool names(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto end = list.find(',');
    auto each = list.substr(0, end);
    while (!each.empty() && each.front() == ' ') each.remove_prefix(1);
    while (!each.empty() && each.back() == ' ') each.remove_suffix(1);
    if (each.substr(0, 2) == "W/") each.remove_prefix(2);
    if (each == "*" || each == etag) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

HttpResponse get_progress(Exchange& exchange) {
  auto snapshot = exchange.service.progress(exchange.id);
  if (!snapshot) return problem(snapshot.error(), exchange.instance(), exchange.request_id);
  HttpResponse response;
  response.headers = {{"ETag", (*snapshot)->etag}, {"Cache-Control", "no-cache"}};
  if (const auto* known = exchange.request.header("if-none-match");
      known != nullptr && names(*known, (*snapshot)->etag)) {
    response.status = 304;
    return response;
  }
  // The bytes belong to the snapshot and live as long as this answer needs them.
  response.shared_body = {*snapshot, &(*snapshot)->body};
  return response;
}

}  // namespace kc::api
