// Replays every corpus, and a few thousand mutations of it by a fixed seed: what was found once
// stays found.
#include "tests/fuzz/fuzz.h"

#include <gtest/gtest.h>

namespace kc::fuzz {
namespace {

constexpr int kMutations = 3'000;

TEST(Fuzz, CorporaAndTheirMutationsDoNoHarm) {
  for (const Target& target : targets()) {
    const auto corpus = corpus_of(target, KC_CORPORA);
    ASSERT_FALSE(corpus.empty()) << target.name;
    for (const std::string& input : corpus) target.run(input);
    Rng rng(20'240'131);
    for (int i = 0; i < kMutations; ++i) target.run(mutated(target, corpus, rng));
  }
}

TEST(Fuzz, MutationsRepeatByTheirSeed) {
  const Target& target = targets().front();
  const auto corpus = corpus_of(target, KC_CORPORA);
  Rng a(5), b(5);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(mutated(target, corpus, a), mutated(target, corpus, b));
}

}  // namespace
}  // namespace kc::fuzz
