// A lake with faults: a decorator of any Lake whose calls fail before or after their effect, take
// effect late, or end the caller, as a plan or a seed says. Used by the journal's tests and the
// simulation. The same plan or seed and the same calls give the same run. Thread promise: one
// thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "core/lake/lake.h"

namespace kc {

enum class LakeFault {
  none,
  before,        // kind unavailable, no effect
  after,         // kind unavailable, with its effect
  late,          // kind unavailable; the effect comes later, see land_late
  full,          // code lake.full, no effect
  crash_before,  // throws LakeCrash, no effect
  crash_after,   // throws LakeCrash, with its effect
  crash_late,    // throws LakeCrash; the effect comes later
};

struct LakeCall {
  std::uint64_t number = 0;  // counted from 0
  std::string
      operation;  // list, get, create, put, remove, open_folder, read_uri, close_folder, lease
  std::string name;
  bool changes() const {
    return operation != "list" && operation != "get" && operation != "read_uri";
  }
};

// The caller's process has ended: whoever throws it away lets nothing of the caller live on.
struct LakeCrash {};

// Probabilities per call; the rest is `none`. `land`: that one late effect takes place before the
// call.
struct LakeOdds {
  double before = 0, after = 0, late = 0, full = 0, land = 0.3;
};

class FaultyLake final : public Lake {
 public:
  // Asked once before each call; may itself use other lakes, which is how a test lets somebody else
  // in between.
  using Plan = std::function<LakeFault(const LakeCall&)>;

  explicit FaultyLake(Lake& inner, Plan plan = {}) : inner_(inner) { set_plan(std::move(plan)); }
  FaultyLake(Lake& inner, Rng rng, LakeOdds odds);

  // A plan may replace itself.
  void set_plan(Plan plan) { plan_ = std::make_shared<Plan>(std::move(plan)); }
  std::uint64_t calls() const { return calls_; }
  std::size_t late() const { return late_.size(); }
  // Lets the oldest late effects take place, as if they had been under way all the time.
  void land_late(std::size_t count = 1);
  // Every late effect for ever lost.
  void drop_late() { late_.clear(); }

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;
  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override;
  Result<std::string> read_uri(std::string_view name) override;
  Result<bool> close_folder(std::string_view folder) override;
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override;
  std::string describe() const override { return inner_.describe(); }

 private:
  template <class Work>
  std::invoke_result_t<Work> call(const char* operation, std::string_view name, Work work);

  Lake& inner_;
  std::shared_ptr<Plan> plan_;
  std::uint64_t calls_ = 0;
  std::deque<std::function<void()>> late_;
};

}  // namespace kc
