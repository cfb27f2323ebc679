// The part of a command's fate that does not belong to an operation: refusals and delays before it,
// and what becomes of its answer. Used by the engine and by the dispatch of commands. Thread
// promise: one request each.
#pragma once

#include <string_view>

#include "core/engine/commands/command.h"

namespace kc::engine {

// Runs the handler and plays the fate of its kind, once per request. Commands that run as
// operations play theirs in run_or_start.
Answer run_fated(Command& command, const CommandEntry& entry, std::string_view text);

// The delay; then the failures that have no effect. Kind unavailable, code engine.fault.
Result<void> suffer_before(Host& host, std::string_view kind, const Fate& fate);
// Failed though applied, lost, an error inside the answer, or half of it.
Result<DataSet> spoil_answer(DataSet answer, std::string_view kind, const Fate& fate);

}  // namespace kc::engine
