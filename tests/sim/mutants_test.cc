// Each checker is proven able to fail: a core that is broken on purpose, run with that checker
// alone, is caught within a bounded number of seeds.
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace kc::sim {
namespace {

struct Case {
  const char* name;
  Mutant mutant;
  Check caught_by;
};

class Mutants : public testing::TestWithParam<Case> {};

constexpr std::uint64_t kSeedsMax = 3000;

TEST_P(Mutants, IsCaught) {
  for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    WorldOptions options = draw_options(seed);
    options.mutant = GetParam().mutant;
    options.checks = {GetParam().caught_by};
    const Verdict verdict = World(options).run();
    if (verdict.held) continue;
    EXPECT_EQ(verdict.broken, GetParam().caught_by);
    RecordProperty("seeds", static_cast<int>(seed));
    return;
  }
  FAIL() << "the mutant " << GetParam().name << " lived through " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    Checkers, Mutants,
    testing::Values(Case{"AcceptsAnyStage", Mutant::accepts_any_stage, Check::rows_exact},
                    Case{"ForgetsMoveInDoubt", Mutant::forgets_move_in_doubt, Check::rows_exact},
                    Case{"MovesBeforeCommit", Mutant::moves_before_commit, Check::rows_explained},
                    Case{"IgnoresFencing", Mutant::ignores_fencing, Check::fenced},
                    Case{"SkipsAnEdge", Mutant::skips_an_edge, Check::edges},
                    Case{"PercentFalls", Mutant::percent_falls, Check::edges},
                    Case{"ForgetsFolders", Mutant::forgets_folders, Check::nothing_left},
                    Case{"ForgetsStaging", Mutant::forgets_staging, Check::nothing_left},
                    Case{"ForgetsTags", Mutant::forgets_tags, Check::nothing_left},
                    Case{"LosesAGrant", Mutant::loses_a_grant, Check::ends},
                    Case{"ForgetsExports", Mutant::forgets_exports, Check::nothing_left},
                    Case{"TrustsTheCount", Mutant::trusts_the_count, Check::rows_exact}),
    [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace kc::sim
