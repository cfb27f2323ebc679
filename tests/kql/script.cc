#include "tests/kql/script.h"

#include <fstream>

namespace kc::engine {
namespace {

constexpr std::string_view kPage = "# page: ";

bool known_page(std::string_view page) {
  return page.starts_with("kusto/") || page.starts_with("azure/") ||
         page.starts_with("github.com/");
}

class Reader {
 public:
  explicit Reader(Script& script) : script_(script) {}

  void take(const std::string& line) {
    ++number_;
    if (line == "====") {
      end();
    } else if (line == "----" && !expecting_) {
      expecting_ = true;
      current_.tables.emplace_back();
    } else if (expecting_) {
      expect(line);
    } else if (current_.text.empty() && (line.empty() || line.starts_with('#'))) {
      if (line.starts_with(kPage)) page_ = line.substr(kPage.size());
    } else {
      if (current_.text.empty()) current_.line = number_;
      current_.text += (current_.text.empty() ? "" : "\n") + line;
    }
  }

  void end() {
    if (!current_.text.empty()) {
      current_.page = page_;
      if (!known_page(page_)) fault("the case names no documentation page");
      if (!expecting_) fault("the case expects nothing: `----` is missing");
      script_.cases.push_back(current_);
    }
    current_ = {};
    expecting_ = false;
  }

 private:
  void expect(const std::string& line) {
    ExpectedTable& table = current_.tables.back();
    if (line.empty()) return;
    if (line == "--") {
      current_.tables.emplace_back();
    } else if (line == "unordered") {
      table.unordered = true;
    } else if (line.starts_with("error ")) {
      current_.error = line.substr(6);
    } else if (line.starts_with("columns ")) {
      table.columns = line.substr(8);
    } else if (line.starts_with('[')) {
      table.rows.push_back(line);
    } else {
      fault("an expectation that is none: " + line);
    }
  }

  void fault(const std::string& what) {
    script_.faults.push_back(script_.name + ".kql:" + std::to_string(number_) + ": " + what);
  }

  Script& script_;
  ScriptCase current_;
  std::string page_;
  bool expecting_ = false;
  int number_ = 0;
};

}  // namespace

Script read_script(const std::filesystem::path& path, std::string name) {
  Script script{.name = std::move(name), .cases = {}, .faults = {}};
  std::ifstream file(path);
  Reader reader(script);
  for (std::string line; std::getline(file, line);) reader.take(line);
  reader.end();
  return script;
}

}  // namespace kc::engine
