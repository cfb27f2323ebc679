// Writes what journal files add up to into the mirror's tables. It keeps each job's ledger, built
// by the same fold as the pipeline's own, so that the two agree by construction. Used by Store.
// Thread promise: one owner at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/model/ledger.h"
#include "core/store/sqlite.h"

namespace kc::store {

class Mirror {
 public:
  // As Store::apply, inside a transaction of its own.
  Result<void> apply(Connection& connection, const std::string& job, std::uint64_t seq,
                     const std::vector<Record>& records);
  Result<void> forget(Connection& connection, const std::string& job);
  // The process needs no more of this job: it has ended.
  void release(const std::string& job) { jobs_.erase(job); }

 private:
  struct Folded {
    Ledger ledger;
    std::uint64_t seq = 0;
  };
  struct Touched {
    std::set<BlockId> blocks;
    std::set<TableName> tables;
  };
  static Touched touched_by(const Ledger& before, const std::vector<Record>& records);
  std::map<std::string, Folded> jobs_;
};

}  // namespace kc::store
