// Storage addresses of exports and ingestions: local folders and files, as `file:///…` or as an
// absolute path. A folder is never made here: where it is gone, so is the grant to write into it.
// Thread promise: pure functions.
#pragma once

#include <string>

#include "core/base/result.h"

namespace kc::engine {

struct Place {
  std::string path;    // absolute
  std::string prefix;  // `file://` or nothing: what makes an address of a path again
};

// Credentials after `;` or `?` are taken off. Kind invalid, Download_BadRequest, for another
// scheme.
Result<Place> parse_place(const std::string& address);
std::string address_of(const Place& place, const std::string& path);

}  // namespace kc::engine
