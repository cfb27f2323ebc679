// The suite that every implementation of the Lake door passes. An implementation joins by giving a
// LakeKind to INSTANTIATE_TEST_SUITE_P(<Name>, LakeSuite, …), as lakes_test.cc does. Thread
// promise: tests; one at a time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/lake/lake.h"

namespace kc {

// One empty lake of the kind under test, removed with everything in it by the destructor.
class LakeUnderTest {
 public:
  virtual ~LakeUnderTest() = default;
  virtual Lake& lake() = 0;
  // A storage service compares the expiry of a grant with its own clock.
  virtual Ticks now() const { return Ticks{638'000'000'000'000'000}; }
  // What a cluster does with a grant: writes a file into the folder it was given.
  virtual Result<void> cluster_writes(const Grant& grant, std::string_view folder,
                                      std::string_view name, std::string_view bytes, Ticks now) = 0;
  virtual Result<std::string> cluster_reads(const std::string& uri) = 0;
};

struct LakeKind {
  std::string name;
  std::function<std::unique_ptr<LakeUnderTest>()> make;
  int race_rounds = 1000;  // KC_LAKE_RACE_ROUNDS overrides it
  int files_listed = 101;  // 5001 are more than a page of a storage service
};

class LakeSuite : public testing::TestWithParam<LakeKind> {
 protected:
  Lake& lake() { return under_test_->lake(); }
  LakeUnderTest& under_test() { return *under_test_; }
  Ticks now() { return under_test_->now(); }
  Ticks expiry() { return now() + Timespan::seconds(3600); }
  static int race_rounds();

 private:
  std::unique_ptr<LakeUnderTest> under_test_ = GetParam().make();
};

}  // namespace kc
