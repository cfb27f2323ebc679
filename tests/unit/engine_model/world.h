// One engine and one model, driven by a seed: a random step for both, a crash in the middle of
// some, then every question that a client could ask of both. Used by the property tests. Thread
// promise: one owner.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/engine/engine.h"
#include "tests/unit/engine_model/model.h"

namespace kc::engine {

class World {
 public:
  World(std::uint64_t seed, Mutant mutant, std::filesystem::path folder);
  ~World();

  // Empty if the engine agreed with the model after each of the steps; else what differed, with the
  // seed, the step and what it did.
  std::string run(int steps);
  int crashes() const { return crashes_; }

 private:
  using Ids = std::vector<std::string>;

  void open();
  void step();
  void ingest();
  void replace_table();
  void move();
  void replace_extents();
  void drop();
  void drop_tag();
  void merge();
  void rename();
  void restart();
  void pass_time();

  void maybe_crash_later();
  void finish_crash(const Model& before);

  void check();
  void check_table(const std::string& table);
  void expect(const std::string& question, const std::string& engine, const std::string& model);
  Sums sums(const std::string& query);
  std::string command(const std::string& text);  // rows as a JSON array

  std::string table();
  std::string tag();
  Ids some_extents(const std::string& table, std::size_t most);
  std::int64_t below(std::int64_t bound);

  std::uint64_t seed_;
  Mutant mutant_;
  Rng rng_;
  std::filesystem::path folder_;
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Engine> engine_;
  Model model_;
  std::int64_t next_k_ = 0;
  std::string doing_, difference_;
  std::string crash_at_;  // the point whose passing is photographed; empty: none
  bool photographed_ = false;
  int step_ = 0, crashes_ = 0;
};

}  // namespace kc::engine
