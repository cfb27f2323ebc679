// Which process this is, in a form that another process of the same machine can look up later: so
// that what a killed process held can be taken at once. Used by the lease of a lake on blobs.
// Thread promise: pure but for /proc.
#pragma once

#include <string>
#include <string_view>

namespace kc {

// Of this process: one word. It names the machine's boot, the process's namespace, its id and its
// start, so that neither a restart nor a reused id is taken for it.
std::string process_mark();
// The same of another process of this machine; empty where there is none.
std::string process_mark(int pid);

enum class Seen { alive, gone, unknown };  // unknown: of another machine or container
Seen look_for(std::string_view mark);

}  // namespace kc
