// Who asks the clusters of a command: this environment's identity, or with `--sign-in device-code`
// the person at the terminal, who is shown a code and enters it in a browser. Used by the commands
// that speak to clusters themselves. Thread promise: one call at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/kusto/cluster_identity.h"
#include "server/settings.h"
#include "server/signals.h"

namespace kc::server {

// Errors: those of --trusted-hosts; kind invalid, code config.invalid_value, for another --sign-in.
Result<std::shared_ptr<kusto::Identities>> identities_of(const Settings& settings,
                                                         net::Transport& transport,
                                                         const Clock& clock);

// Has the person sign in before the work begins, as long as the code holds. Nothing to do without
// `--sign-in device-code`. The signal that came meanwhile, which ends it; 0: none.
Result<int> sign_in_first(const std::vector<std::string>& clusters,
                          const std::shared_ptr<kusto::Identities>& identities, Signals& signals);

}  // namespace kc::server
