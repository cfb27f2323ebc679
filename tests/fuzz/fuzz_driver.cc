// Runs one target on mutated inputs for a time: fuzz_driver <target> <corpora> <seconds> [seed].
// A round is a thousand inputs of a generator of its own; its number is on the screen, so that
// fuzz_driver <target> <corpora> 0 <seed> <round> finds a crash again and shows its input.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/fuzz.h"

namespace kc::fuzz {
namespace {

constexpr int kInputsOfRound = 1000;

void run_round(const Target& target, const std::vector<std::string>& corpus, std::uint64_t seed,
               std::uint64_t round, bool show) {
  Rng rng(seed * 1'000'003 + round);
  for (int i = 0; i < kInputsOfRound; ++i) {
    const std::string input = mutated(target, corpus, rng);
    if (show) {
      std::fwrite(input.data(), 1, input.size(), stdout);
      std::printf("\n----\n");
      std::fflush(stdout);
    }
    target.run(input);
  }
}

int run(int count, char** words) {
  if (count < 4) {
    std::fprintf(stderr, "usage: fuzz_driver <target> <corpora> <seconds> [seed [round]]\n");
    return 2;
  }
  for (const Target& target : targets()) {
    if (target.name != words[1]) continue;
    const auto corpus = corpus_of(target, words[2]);
    const std::uint64_t seed = count > 4 ? std::strtoull(words[4], nullptr, 10) : 1;
    if (count > 5) {
      run_round(target, corpus, seed, std::strtoull(words[5], nullptr, 10), true);
      return 0;
    }
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds(std::atoi(words[3]));
    std::uint64_t round = 0;
    for (; Clock::now() < end; ++round) {
      std::fprintf(stderr, "\r%s: seed %llu, round %llu", words[1],
                   static_cast<unsigned long long>(seed), static_cast<unsigned long long>(round));
      run_round(target, corpus, seed, round, false);
    }
    std::fprintf(stderr, "\n%llu inputs without a finding\n",
                 static_cast<unsigned long long>(round) * kInputsOfRound);
    return 0;
  }
  std::fprintf(stderr, "no target is called %s\n", words[1]);
  return 2;
}

}  // namespace
}  // namespace kc::fuzz

int main(int count, char** words) { return kc::fuzz::run(count, words); }
