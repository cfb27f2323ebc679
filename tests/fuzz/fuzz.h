// A decoder under fuzzing: bytes in, nothing out but the absence of a crash. Targets are listed in
// targets.cc; fuzz_driver runs one for a time, fuzz_test replays the corpora. Thread promise: a
// target is called by one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"

namespace kc::fuzz {

struct Target {
  std::string_view name;  // also the corpus' folder
  void (*run)(std::string_view bytes);
  std::vector<std::string_view> words;  // pieces that a mutation may put in
};
const std::vector<Target>& targets();

// The corpus of a target in the order of its files' names.
std::vector<std::string> corpus_of(const Target& target, const std::filesystem::path& corpora);

// One input out of the corpus: a few edits, words, cuts and joints. The same generator state gives
// the same input.
std::string mutated(const Target& target, const std::vector<std::string>& corpus, Rng& rng);

}  // namespace kc::fuzz
