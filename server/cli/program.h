// The command line: finds the command, runs it, answers with an exit code. Used by main and by
// tests. Thread promise: one call at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "server/settings.h"
#include "server/signals.h"

namespace kc::server {

// `arguments` without the program's name.
int run_program(const std::vector<std::string>& arguments, Signals& signals);

// The commands (one file each). Each returns its exit code.
int run_copy(const Settings& settings, Signals& signals);
int run_serve(const Settings& settings, Signals& signals);
int run_engine(const Settings& settings, Signals& signals);
int run_demo(const Settings& settings, Signals& signals);
int run_verify(const Settings& settings, Signals& signals);
int run_connections_test(const Settings& settings, Signals& signals);
int run_connections_show(const Settings& settings, Signals& signals);

// An error as people read it, on standard error; returns its exit code.
int report(const Error& error);

}  // namespace kc::server
