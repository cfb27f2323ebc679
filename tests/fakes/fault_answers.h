// The answers of services that are not well, as each kind of service words them. Used by
// FaultyProxy only. Thread promise: pure functions.
#pragma once

#include <string>

#include "tests/fakes/faulty_proxy.h"

namespace kc::fakes {

// Of a fault that is an answer by itself; `request` is what was asked.
std::string answer_of(Fault fault, Face face, const RawRequest& request);

// `GET`, and the path with its query, of a request.
std::string method_of(const RawRequest& request);
std::string target_of(const RawRequest& request);

}  // namespace kc::fakes
