#include "core/engine/commands/places.h"

#include "core/azure/encoding.h"

namespace kc::engine {

Result<Place> parse_place(const std::string& address) {
  constexpr std::string_view kScheme = "file://";
  Place place;
  if (address.starts_with(kScheme)) {
    place.prefix = kScheme;
    place.path = azure::percent_decode(
        address.substr(kScheme.size(), address.find_first_of(";?") - kScheme.size()));
  } else {
    place.path = address.substr(0, address.find(';'));
  }
  if (!place.path.starts_with('/')) {
    Error error{.kind = ErrorKind::invalid, .code = "engine.place", .message = {}};
    error.message =
        "Download_BadRequest: an address is that of a storage account (https, abfss) or of a local "
        "place, as 'file:///…' or an absolute path.";
    error.service_code = "Download_BadRequest";
    return fail(std::move(error));
  }
  while (place.path.size() > 1 && place.path.back() == '/') place.path.pop_back();
  return place;
}

std::string address_of(const Place& place, const std::string& path) {
  return place.prefix.empty() ? path : place.prefix + azure::percent_encode(path, "/");
}

}  // namespace kc::engine
