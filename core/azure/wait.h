// The pause between two tries, ended early by a stop. Used by whatever repeats a call in this room.
// Thread promise: safe from any thread.
#pragma once

#include <stop_token>

#include "core/base/ticks.h"

namespace kc::azure {

// True: the time passed; false: stopped meanwhile.
bool wait_or_stop(Timespan span, const std::stop_token& stop);

}  // namespace kc::azure
