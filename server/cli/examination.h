// What `connections test` finds out about one place, a cluster or a lake: what was understood of
// its connection string, then step after step what works, each failure with its reason and, where
// it is known, its fix. Used by connections.cc. Thread promise: pure functions over what they are
// given; a stop ends the step under way.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/kusto/cluster_identity.h"
#include "core/lake/lake_address.h"

namespace kc::server {

struct Step {
  enum class State { ok, failed, noted };  // noted: worth saying, and no obstacle
  std::string name;                        // stable: `reachable`, `token`, …
  State state = State::ok;
  std::string detail;            // one sentence; empty where there is nothing to say
  std::optional<Error> problem;  // of a failed one
  Timespan took;
};
std::string_view to_string(Step::State state);

struct Examination {
  std::string side;                                             // source, destination, lake
  std::vector<std::pair<std::string, std::string>> understood;  // without secrets
  std::vector<Step> steps;
  // The first that failed.
  const Error* problem() const;
};

struct ExaminationOptions {
  const Clock& clock;
  Timespan deadline = Timespan::seconds(30);  // of all steps of one place
  std::stop_token stop = {};
  bool try_it = true;  // false: only what can be said without asking anybody
  std::function<void(const Examination&, const Step&)> told = {};  // after each step
};

// `database`: of --db; the connection's own otherwise.
Examination examine_cluster(const std::string& side, const std::string& text,
                            const std::string& database,
                            const std::shared_ptr<kusto::Identities>& identities,
                            const ExaminationOptions& options);
// Makes, reads, lists and removes a file in a folder of its own, and leaves nothing there.
Examination examine_lake(const std::string& text, const LakeDoors& doors,
                         const ExaminationOptions& options);

}  // namespace kc::server
