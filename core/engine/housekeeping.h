// What a cluster does by itself as time passes: late cursors are stamped; extents, tags and tables
// past their retention go; operations older than two weeks are forgotten; and, where that is asked
// for, extents merge. It happens when somebody looks (each request does) or moves the clock, so
// that nobody can see what is overdue and a test sees what it caused; policies are looked at once a
// minute of the engine's clock. Thread promise: safe from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"

namespace kc::engine {

struct Host;
class CatalogueView;
struct CatalogueTable;
struct Extent;

class Housekeeping {
 public:
  explicit Housekeeping(Host& host) : host_(host) {}

  // Does what is due. Its failures are met again the next time.
  void look();
  // From now on each look asks the catalogue for cursors that are due.
  void cursors_are_late() { late_cursors_ = true; }
  // The policies are looked at by the next look, whenever the last one was.
  void hurry() { hurried_ = true; }
  std::int64_t merges() const { return merges_; }  // done in the background

 private:
  Result<void> stamp_cursors(std::int64_t now);
  Result<void> apply_policies(std::int64_t now);
  Result<void> apply_to_table(CatalogueView& view, const CatalogueTable& table, std::int64_t now,
                              std::vector<std::string>& doomed);
  void merge_some(std::int64_t now);
  std::vector<Extent> merge_candidates(const CatalogueTable& table, std::int64_t now);

  Host& host_;
  std::mutex mutex_;  // one keeps house at a time; others go on
  std::atomic<bool> late_cursors_{true};
  std::atomic<bool> hurried_{true};
  std::int64_t looked_at_policies_ = 0, merged_at_ = 0;
  std::atomic<std::int64_t> merges_{0};
};

}  // namespace kc::engine
