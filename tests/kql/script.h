// A script of tests/kql as cases: what to send, the documentation page it comes from, what is to
// come back. Used by kql_test; language_service reads the same format. Thread promise: values.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kc::engine {

struct ExpectedTable {
  std::string columns;            // `a:long, b:string`; empty: not looked at
  std::vector<std::string> rows;  // a JSON array each
  bool unordered = false;
};

struct ScriptCase {
  int line = 0;
  std::string text;
  std::string page;
  std::string error;  // what follows `error `
  std::vector<ExpectedTable> tables;
};

struct Script {
  std::string name;
  std::vector<ScriptCase> cases;
  std::vector<std::string> faults;  // of the script itself, with their lines
};

Script read_script(const std::filesystem::path& path, std::string name);

}  // namespace kc::engine
