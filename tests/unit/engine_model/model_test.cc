// Random histories of extents, with crashes, against a plain model. KC_MODEL_SEED and
// KC_MODEL_STEPS ask for another run; a failure prints its seed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/engine_model/world.h"

namespace kc::engine {
namespace {

constexpr int kSteps = 100;  // of each seed: a minute or so under the sanitizers
constexpr int kMutantSteps = 150;

std::uint64_t number_of(const char* variable, std::uint64_t standard) {
  const char* text = std::getenv(variable);
  return text == nullptr ? standard : std::strtoull(text, nullptr, 10);
}

std::filesystem::path folder_of(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) /
         ("engine_model_" + name + "_" + std::to_string(::getpid()));
}

class Histories : public testing::TestWithParam<int> {};

TEST_P(Histories, AgreeWithTheModel) {
  const auto seed = number_of("KC_MODEL_SEED", 1) * 1000 + static_cast<std::uint64_t>(GetParam());
  World world(seed, Mutant::none, folder_of("history_" + std::to_string(GetParam())));
  const auto steps = static_cast<int>(number_of("KC_MODEL_STEPS", kSteps));
  const auto difference = world.run(steps);
  EXPECT_EQ(difference, "");
  if (difference.empty()) {
    EXPECT_GT(world.crashes() * 40, steps);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, Histories, testing::Range(0, 5));

class Mutants : public testing::TestWithParam<Mutant> {};

// The comparison can fail: each error put into the model on purpose is found in a history that is
// sound without it.
TEST(MutantsTest, TheirHistoryIsSound) {
  EXPECT_EQ(World(7, Mutant::none, folder_of("sound")).run(kMutantSteps), "");
}
TEST_P(Mutants, AreFound) {
  const auto number = std::to_string(static_cast<int>(GetParam()));
  EXPECT_NE(World(7, GetParam(), folder_of("mutant_" + number)).run(kMutantSteps), "");
}
INSTANTIATE_TEST_SUITE_P(All, Mutants,
                         testing::Values(Mutant::keeps_old_times, Mutant::loses_tags_of_merges,
                                         Mutant::late_cursor, Mutant::crash_is_forgotten));

}  // namespace
}  // namespace kc::engine
