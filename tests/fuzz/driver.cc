// Feeds a fuzz target without a fuzzing engine: mutations of a corpus, of its base64 as of what is
// inside it, for a number of seconds. driver <corpus folder> <seconds> <seed>; a finding ends the
// process by its sanitizer.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/azure/encoding.h"
#include "core/base/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

using kc::Rng;

std::string mutated(std::string text, const std::vector<std::string>& corpus, Rng& rng) {
  for (std::uint64_t i = 1 + rng.below(8); i > 0; --i) {
    const auto at = text.empty() ? 0 : rng.below(text.size());
    switch (rng.below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(rng.next());
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(rng.next()));
        break;
      case 2:
        text.erase(at, rng.below(8));
        break;
      case 3:
        text.insert(at, text.substr(at, rng.below(32)));
        break;
      case 4: {
        const auto& other = corpus[rng.below(corpus.size())];
        text.insert(at, other.substr(rng.below(other.size() + 1), rng.below(64)));
        break;
      }
      default: {
        constexpr const char* kWords[] = {"\"",
                                          "{",
                                          "}",
                                          "[",
                                          "null",
                                          "-1",
                                          "1e999",
                                          "\\u0000",
                                          "\\ud800",
                                          "true",
                                          "\xff\xfe",
                                          "==",
                                          "999999999999999999999"};
        text.insert(at, kWords[rng.below(std::size(kWords))]);
      }
    }
  }
  return text;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(words[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) return 2;
  Rng rng(std::strtoull(words[3], nullptr, 10));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(words[2]));
  long runs = 0;
  while (std::chrono::steady_clock::now() < end) {
    const auto& seed = corpus[rng.below(corpus.size())];
    const auto inside = kc::azure::unbase64(seed);
    const bool wrapped = inside && rng.chance(0.7);
    auto input = mutated(wrapped ? *inside : seed, corpus, rng);
    if (wrapped) input = kc::azure::base64(input);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++runs;
  }
  std::printf("%ld runs\n", runs);
  return 0;
}
