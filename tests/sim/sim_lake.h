// SimLake: the memory lake as one simulated process sees it: calls fail before or after their
// effect, and a create may land long after its caller was told nothing. Every journal file that
// really comes into being is shown to a witness. Thread promise: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/rng.h"
#include "core/lake/forwarding_lake.h"
#include "core/lake/memory_lake.h"

namespace kc::sim {

struct LakeFaults {
  double fail_before = 0;  // unavailable, no effect
  double fail_after = 0;   // unavailable, the effect is there
  double fail_late = 0;    // unavailable, and a create lands later
};

class SimLake final : public ForwardingLake {
 public:
  using Witness = std::function<void(const std::string& name, const std::string& bytes)>;
  // Runs a piece of work at a later moment of the simulation.
  using Later = std::function<void(std::function<void()>)>;

  SimLake(MemoryLake& inner, LakeFaults faults, Rng rng, Witness witness, Later later)
      : ForwardingLake(inner),
        inner_(inner),
        faults_(faults),
        rng_(rng),
        witness_(std::move(witness)),
        later_(std::move(later)) {}

  void set_faults(LakeFaults faults) { faults_ = faults; }

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;
  std::string describe() const override { return "simulated"; }

 private:
  enum class Fate { fine, fail_before, fail_after, fail_late };
  Fate draw();

  MemoryLake& inner_;
  LakeFaults faults_;
  Rng rng_;
  Witness witness_;
  Later later_;
};

}  // namespace kc::sim
