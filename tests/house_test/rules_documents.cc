#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "tests/house_test/rooms.h"
#include "tests/house_test/rules.h"

namespace house_test {
namespace {

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out.push_back(kDigits[digest[i] >> 4U]);
    out.push_back(kDigits[digest[i] & 15U]);
  }
  return out;
}

// Every first capture group of `pattern` in `text`.
std::set<std::string> captures(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    out.insert((*it)[1]);
  return out;
}

// The text between two markers; empty if either is absent.
std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find(to, begin + from.size());
  if (end == std::string::npos) return {};
  return text.substr(begin + from.size(), end - begin - from.size());
}

// One finding for each name that only one of the two places has.
void compare(Findings& out, const std::string& rule, const std::string& page,
             const std::set<std::string>& in_tree, const std::set<std::string>& in_page,
             const std::string& what) {
  for (const std::string& name : in_tree) {
    if (!in_page.contains(name))
      out.push_back({rule, page, 0, what + " " + name + " is not in this page"});
  }
  for (const std::string& name : in_page) {
    if (!in_tree.contains(name))
      out.push_back({rule, page, 0, what + " " + name + " is in this page only"});
  }
}

// Folders that hold code and so owe a README: the rooms, and what stands beside them.
std::set<std::string> folders_with_code(const Tree& tree) {
  std::set<std::string> out;
  for (const File& file : tree.files()) {
    const std::string_view room = room_of(file.path);
    if (!room.empty()) out.emplace(room);
  }
  return out;
}

}  // namespace

Findings check_migrations(const Tree& tree) {
  const std::string page = "tests/house_test/migrations.sha256";
  Findings out;
  std::map<std::string, std::string> landed;
  const File* list = tree.find(page);
  const std::regex entry("([0-9a-f]{64})  (\\S+)");
  if (list != nullptr) {
    for (std::sregex_iterator it(list->text.begin(), list->text.end(), entry), end; it != end; ++it)
      landed[(*it)[2]] = (*it)[1];
  }
  for (const File& file : tree.files()) {
    if (!std::regex_match(file.path, std::regex("migrations/[0-9]{4}_[^/]+\\.sql"))) continue;
    const auto it = landed.find(file.path);
    if (it == landed.end()) {
      out.push_back({"migrations", file.path, 0,
                     "not in " + page + "; add: " + sha256(file.text) + "  " + file.path});
      continue;
    }
    if (it->second != sha256(file.text)) {
      out.push_back(
          {"migrations", file.path, 0,
           "a landed migration was edited: databases that applied it will never see the edit"});
    }
    landed.erase(it);
  }
  for (const auto& [name, hash] : landed)
    out.push_back({"migrations", name, 0, "a landed migration is gone"});
  return out;
}

Findings check_room_readmes(const Tree& tree) {
  Findings out;
  for (const std::string& folder : folders_with_code(tree)) {
    if (tree.find(folder + "/README.md") == nullptr)
      out.push_back({"room_readmes", folder, 0, "a room without a README.md"});
  }
  return out;
}

Findings check_map(const Tree& tree) {
  const std::string page = "README.md";
  const File* readme = tree.find(page);
  if (readme == nullptr) return {{"map", page, 0, "missing"}};
  const std::string table = between(readme->text, "<!-- map -->", "<!-- end of map -->");
  if (table.empty())
    return {{"map", page, 0, "no table between the marks <!-- map --> and <!-- end of map -->"}};
  std::set<std::string> in_tree = folders_with_code(tree);
  for (const std::string& folder : tree.folders()) {
    if (folder.find('/') == std::string::npos && folder.front() != '.' && folder != "core")
      in_tree.insert(folder);
  }
  Findings out;
  compare(out, "map", page, in_tree, captures(table, "\\| `([^`]+?)/?` \\|"), "folder");
  return out;
}

Findings check_dependency_page(const Tree& tree) {
  const std::string page = "docs/dependencies.md";
  const File* document = tree.find(page);
  const File* packages = tree.find("cmake/packages.sh");
  const File* fetch = tree.find("cmake/fetch.sh");
  if (document == nullptr || packages == nullptr || fetch == nullptr) {
    return {{"dependency_page", page, 0,
             "this page, cmake/packages.sh and cmake/fetch.sh belong together; one is missing"}};
  }
  Findings out;
  std::set<std::string> in_tree;
  for (const std::string list : {"build_packages=(", "test_packages=(", "interop_packages=("}) {
    for (const std::string& name : captures(between(packages->text, list, "\n)"), "(\\S+)"))
      in_tree.insert(name);
  }
  compare(out, "dependency_page", page, in_tree,
          captures(between(document->text, "<!-- packages -->", "<!-- end of packages -->"),
                   "\\| `([^`]+)` \\|"),
          "package");
  // Versions and hashes: every quoted pin of the script, word for word in the page.
  for (const std::string& pin : captures(fetch->text, "readonly [a-z0-9_]+=(\\S*[0-9]\\S*)")) {
    if (pin.find('$') != std::string::npos) continue;
    if (document->text.find(pin) == std::string::npos) {
      out.push_back({"dependency_page", page, 0,
                     "the pin " + pin + " of cmake/fetch.sh is not in this page"});
    }
  }
  return out;
}

Findings check_test_groups(const Tree& tree) {
  const std::string page = "tests/README.md";
  const File* document = tree.find(page);
  const File* run = tree.find("tests/run.sh");
  if (document == nullptr || run == nullptr)
    return {{"test_groups", page, 0, "this page and tests/run.sh belong together; one is missing"}};
  std::set<std::string> in_tree = captures(between(run->text, "ctest_groups=(", ")"), "(\\S+)");
  for (const std::string special : {"format", "tidy", "threads"}) in_tree.insert(special);
  Findings out;
  compare(out, "test_groups", page, in_tree,
          captures(between(document->text, "<!-- groups -->", "<!-- end of groups -->"),
                   "\\| `([^`]+)` \\|"),
          "group");
  return out;
}

// A label set on a test by hand has no target tests_<label>: the group would run a test that nobody
// built.
Findings check_test_labels(const Tree& tree) {
  Findings out;
  for (const File& file : tree.files()) {
    if (!file.ends_with("CMakeLists.txt")) continue;
    for (const Line& line : file.lines()) {
      if (line.text.find("LABELS") == std::string_view::npos) continue;
      out.push_back({"test_labels", file.path, line.number,
                     "labels come from GROUP of kc_test or kc_script_test"});
    }
  }
  return out;
}

Findings check_decisions(const Tree& tree) {
  Findings out;
  std::set<int> numbers;
  for (const File& file : tree.files()) {
    if (!file.path.starts_with("docs/decisions/") || file.ends_with("README.md")) continue;
    std::smatch match;
    if (!std::regex_match(file.path, match,
                          std::regex("docs/decisions/([0-9]{4})-[a-z0-9-]+\\.md"))) {
      out.push_back({"decisions", file.path, 0, "a decision is named NNNN-what.md"});
    } else if (!numbers.insert(std::stoi(match[1])).second) {
      out.push_back({"decisions", file.path, 0, "this number is taken"});
    }
  }
  int expected = 1;
  for (const int number : numbers) {
    if (number != expected)
      out.push_back(
          {"decisions", "docs/decisions", 0, "number " + std::to_string(expected) + " is missing"});
    expected = number + 1;
  }
  return out;
}

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> kRules = {
      {"includes", check_includes},
      {"heavy_headers", check_heavy_headers},
      {"sleeps", check_sleeps},
      {"header_openings", check_header_openings},
      {"names", check_names},
      {"unfinished", check_unfinished},
      {"machine_paths", check_machine_paths},
      {"length", check_length},
      {"migrations", check_migrations},
      {"room_readmes", check_room_readmes},
      {"map", check_map},
      {"dependency_page", check_dependency_page},
      {"test_groups", check_test_groups},
      {"test_labels", check_test_labels},
      {"decisions", check_decisions},
  };
  return kRules;
}

}  // namespace house_test
