#include "tests/house_test/tree.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace house_test {
namespace {

constexpr std::array<std::string_view, 8> kNotOurs = {
    "build", ".git", ".deps", "node_modules", ".venv", "__pycache__", ".cache", "demo-data"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<Line> File::lines() const {
  std::vector<Line> out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out.push_back({out.size() + 1, rest.substr(0, end)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string File::opening_comment() const {
  std::string out;
  for (const Line& line : lines()) {
    const std::string_view bare = trimmed(line.text);
    if (out.empty() && (bare.empty() || bare == "#pragma once" || bare.starts_with("#!"))) continue;
    std::size_t mark = 0;
    if (bare.starts_with("//")) mark = 2;
    if (bare.starts_with("# ") || bare == "#") mark = 1;
    if (mark == 0) break;
    out.append(trimmed(bare.substr(mark))).push_back(' ');
  }
  return out;
}

Tree Tree::read(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  Tree tree;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    const std::string name = it->path().filename().string();
    // In a linked work tree, .git is a file.
    const bool ours = std::find(kNotOurs.begin(), kNotOurs.end(), name) == kNotOurs.end();
    if (!ours && it->is_directory()) it.disable_recursion_pending();
    if (!ours || it->is_directory()) continue;
    if (!it->is_regular_file() || it->is_symlink()) continue;
    std::ifstream in(it->path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (text.find('\0') != std::string::npos) continue;
    const fs::path relative = it->path().lexically_relative(root);
    for (fs::path folder = relative.parent_path(); !folder.empty(); folder = folder.parent_path()) {
      tree.folders_.insert(folder.generic_string());
    }
    tree.files_.push_back({relative.generic_string(), std::move(text)});
  }
  std::sort(tree.files_.begin(), tree.files_.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return tree;
}

const File* Tree::find(std::string_view path) const {
  const auto it = std::lower_bound(
      files_.begin(), files_.end(), path,
      [](const File& file, std::string_view wanted) { return file.path < wanted; });
  return it != files_.end() && it->path == path ? &*it : nullptr;
}

}  // namespace house_test
