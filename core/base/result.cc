#include "core/base/result.h"

#include "core/base/check.h"

namespace kc {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::throttled:
      return "throttled";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::cancelled:
      return "cancelled";
  }
  KC_UNREACHABLE();
}

Error Error::in(std::string_view context) && {
  message = std::string(context) + ": " + message;
  return std::move(*this);
}

Error Error::in(std::string_view context) const& { return Error(*this).in(context); }

}  // namespace kc
