// What one simulated process is made of; used by the files of World only. Thread promise: one
// thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/sim/world.h"

namespace kc::sim {

inline constexpr const char* kDb = "Samples";

// Limits small enough that every one of them is met in a short run.
pipeline::JobLimits limits_of(const WorldOptions& options);
cluster::ClusterLimits cluster_limits();
// "move", "read-extents", …: the words that scripts name commands by.
std::string word_of(const kusto::Command& command);

struct World::Process : std::enable_shared_from_this<World::Process> {
  int number = 0;
  bool alive = true;
  bool knows_fenced = false;  // the journal told it that another writer has the job
  Uuid writer;
  std::unique_ptr<SimLake> lake;
  std::optional<Journal> journal;
  std::unique_ptr<pipeline::JobCore> core;
  cluster::ClusterCore clusters[2]{cluster::ClusterCore(cluster_limits()),
                                   cluster::ClusterCore(cluster_limits())};
  std::map<CallId, Call> calls;   // asked for, not yet dispatched
  std::optional<double> percent;  // as published last
  int slots_granted = 0;
};

}  // namespace kc::sim
