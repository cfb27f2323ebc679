// The cases in cases/*.kql. A case is a query, `----`, and what it gives: `# name:type, …`
// (optional) and the rows, or
// `! SEM0100 1:14` for an error's code and place. A blank line ends a case; `//` in front of one is
// its name.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/engine_language/harness.h"

namespace kc::engine {
namespace {

struct Case {
  std::string file;
  int line = 0;
  std::string query;
  std::string header;
  std::string error;
  std::vector<std::string> rows;
};

std::vector<Case> read_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(KC_CASES_FOLDER))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Case> cases;
  for (const auto& path : files) {
    std::ifstream in(path);
    Case next;
    bool expecting = false;
    int number = 0;
    for (std::string line; std::getline(in, line) || !next.query.empty();) {
      ++number;
      const bool blank = line.empty() || !in;
      if (blank) {
        if (expecting) cases.push_back(std::move(next));
        next = {};
        expecting = false;
        if (!in) break;
      } else if (line == "----") {
        expecting = true;
      } else if (!expecting) {
        if (next.query.empty()) next.line = number;
        next.file = path.filename();
        next.query += line + "\n";
      } else if (line.starts_with("# ")) {
        next.header = line.substr(2);
      } else if (line.starts_with("! ")) {
        next.error = line.substr(2);
      } else {
        next.rows.push_back(line == "(empty)" ? "" : line);
      }
    }
  }
  return cases;
}

TEST(Cases, GiveWhatTheyPromise) {
  Engine engine;
  const std::vector<Case> cases = read_cases();
  EXPECT_GE(cases.size(), 150u);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.file + ":" + std::to_string(one.line) + "\n" + one.query);
    const auto answer = engine.run(one.query);
    if (!one.error.empty()) {
      EXPECT_FALSE(answer.has_value());
      if (answer) continue;
      const std::size_t space = one.error.find(' ');
      EXPECT_EQ(answer.error().service_code, one.error.substr(0, space)) << answer.error().message;
      if (space != std::string::npos) {
        EXPECT_NE(
            answer.error().message.find("[line:position=" + one.error.substr(space + 1) + "]"),
            std::string::npos)
            << answer.error().message;
      }
      continue;
    }
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    if (!answer) continue;
    if (!one.header.empty()) {
      EXPECT_EQ(answer->header, one.header);
    }
    EXPECT_EQ(answer->rows, one.rows);
  }
}

}  // namespace
}  // namespace kc::engine
