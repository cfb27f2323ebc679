#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz.h"

namespace kc::fuzz {
namespace {

constexpr std::size_t kInputMax = 16 << 10;

void edit(std::string& input, const Target& target, const std::vector<std::string>& corpus,
          Rng& rng) {
  const auto at = static_cast<std::size_t>(rng.below(input.size() + 1));
  const auto length =
      static_cast<std::size_t>(rng.below(std::min<std::size_t>(input.size() - at, 32) + 1));
  switch (rng.below(8)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(rng.below(256));
      break;
    case 1:
      input.insert(at, 1, static_cast<char>(rng.below(128)));
      break;
    case 2:
      input.erase(at, length);
      break;
    case 3:
      input.insert(at, input.substr(at, length));
      break;
    case 4: {  // the same piece many times: depth and length
      const std::string piece = input.substr(at, std::min<std::size_t>(length, 4));
      for (std::uint64_t i = rng.below(300); i > 0 && !piece.empty(); --i) input.insert(at, piece);
      break;
    }
    case 5:
    case 6:
      if (!target.words.empty())
        input.insert(at, " " + std::string(target.words[rng.below(target.words.size())]) + " ");
      break;
    default: {
      const std::string& other = corpus[rng.below(corpus.size())];
      input = input.substr(0, at) + other.substr(rng.below(other.size() + 1));
    }
  }
}

}  // namespace

std::vector<std::string> corpus_of(const Target& target, const std::filesystem::path& corpora) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(corpora / target.name))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

std::string mutated(const Target& target, const std::vector<std::string>& corpus, Rng& rng) {
  std::string input = corpus[rng.below(corpus.size())];
  for (std::uint64_t edits = 1 + rng.below(6); edits > 0; --edits) edit(input, target, corpus, rng);
  if (input.size() > kInputMax) input.resize(kInputMax);
  return input;
}

}  // namespace kc::fuzz
