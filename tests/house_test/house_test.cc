#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/house_test/rooms.h"
#include "tests/house_test/rules.h"
#include "tests/house_test/tree.h"

namespace house_test {

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  out << finding.path;
  if (finding.line != 0) out << ":" << finding.line;
  return out << ": " << finding.message;
}

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::pair<std::string, std::string>>;

const Tree& repository() {
  static const Tree kTree = Tree::read(KC_TREE);
  return kTree;
}

class Repository : public testing::TestWithParam<Rule> {};

TEST_P(Repository, KeepsTheRule) {
  for (const Finding& finding : GetParam().check(repository())) ADD_FAILURE() << finding;
}

INSTANTIATE_TEST_SUITE_P(Every, Repository, testing::ValuesIn(all_rules()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Tree, SeesTheRepository) {
  EXPECT_GT(repository().files().size(), 50u);
  EXPECT_NE(repository().find("core/base/result.h"), nullptr);
  EXPECT_NE(repository().find("tests/run.sh"), nullptr);
  EXPECT_TRUE(repository().folders().contains("core/model"));
}

// A small tree on disk, gone when the test ends.
class Fixture : public testing::Test {
 protected:
  Tree tree(const Texts& texts) {
    fs::remove_all(root_);
    for (const auto& [path, text] : texts) {
      fs::create_directories((root_ / path).parent_path());
      std::ofstream(root_ / path, std::ios::binary) << text;
    }
    fs::create_directories(root_);
    return Tree::read(root_);
  }
  // "path:line" of each finding.
  std::vector<std::string> found(Findings (*check)(const Tree&), const Texts& texts) {
    std::vector<std::string> out;
    for (const Finding& finding : check(tree(texts)))
      out.push_back(finding.path + ":" + std::to_string(finding.line));
    return out;
  }
  void TearDown() override { fs::remove_all(root_); }

 private:
  fs::path root_ =
      fs::path(testing::TempDir()) /
      ("house_test_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Fixture, TreeLeavesOutWhatIsNotOurs) {
  const Tree read = tree({{"core/base/a.h", ""},
                          {"build/x/a.h", ""},
                          {".deps/b.h", ""},
                          {"tests/node_modules/c.js", ""}});
  ASSERT_EQ(read.files().size(), 1u);
  EXPECT_EQ(read.files()[0].path, "core/base/a.h");
}

TEST_F(Fixture, IncludesOfANeighbourNotInTheTable) {
  EXPECT_THAT(
      found(check_includes,
            {{"core/model/a.cc", "#include \"core/base/x.h\"\n#include \"core/store/x.h\"\n"},
             {"core/pipeline/a.cc", "#include \"core/store/x.h\"\n#include \"core/engine/x.h\"\n"},
             {"core/engine/a.cc", "#include \"core/model/x.h\"\n#include \"core/lake/x.h\"\n"}}),
      ElementsAre("core/engine/a.cc:1", "core/model/a.cc:2", "core/pipeline/a.cc:2"));
}

TEST_F(Fixture, IncludesOfTestsBenchAndServer) {
  EXPECT_THAT(
      found(check_includes,
            {{"api/a.cc", "#include \"server/app.h\"\n"},
             {"server/a.cc", "#include \"tests/fakes/x.h\"\n#include \"core/engine/x.h\"\n"},
             {"core/service/a.cc", "#include \"bench/x.h\"\n"},
             {"tests/unit/a.cc", "#include \"server/app.h\"\n#include \"tests/fakes/x.h\"\n"}}),
      ElementsAre("api/a.cc:1", "core/service/a.cc:1", "server/a.cc:1"));
}

TEST_F(Fixture, IncludesOfTheEngineByTheEndpointAlone) {
  EXPECT_THAT(
      found(check_includes, {{"api/kusto_endpoint.cc", "#include \"core/engine/engine.h\"\n"},
                             {"api/routes.cc", "#include \"core/engine/engine.h\"\n"}}),
      ElementsAre("api/routes.cc:1"));
}

TEST_F(Fixture, IncludesOfTheModelByTheEngineForSchemasAlone) {
  EXPECT_THAT(found(check_includes,
                    {{"core/engine/storage/a.cc",
                      "#include \"core/model/schema.h\"\n#include \"core/model/records.h\"\n"}}),
              ElementsAre("core/engine/storage/a.cc:2"));
}

TEST_F(Fixture, IncludesNotFromTheRootAndRoomsNotInTheTable) {
  EXPECT_THAT(found(check_includes,
                    {{"core/base/a.cc", "#include \"check.h\"\n#include \"kc_base_embedded.h\"\n"},
                     {"core/attic/a.cc", "#include \"core/base/check.h\"\n"}}),
              ElementsAre("core/attic/a.cc:1", "core/base/a.cc:1"));
}

TEST_F(Fixture, HeavyHeadersOutsideTheirPlaces) {
  EXPECT_THAT(found(check_heavy_headers, {{"api/http_server.cc", "#include <httplib.h>\n"},
                                          {"api/http_server_extra.cc", "#include <httplib.h>\n"},
                                          {"core/base/json.h", "#include <nlohmann/json.hpp>\n"},
                                          {"api/codec.cc", "#include \"core/base/json.h\"\n"},
                                          {"api/codec_read.cc", "#include <nlohmann/json.hpp>\n"},
                                          {"core/model/a.cc", "#include \"core/base/json.h\"\n"},
                                          {"core/azure/a.cc", "#include <curl/curl.h>\n"},
                                          {"core/net/a.cc", "#include <curl/curl.h>\n"},
                                          {"core/service/a.cc", "#include <sqlite3.h>\n"},
                                          {"core/base/log.cc", "#include <spdlog/logger.h>\n"},
                                          {"core/kusto/a.cc", "#include <duckdb.h>\n"},
                                          {"core/engine/storage/a.h", "#include <duckdb.h>\n"}}),
              ElementsAre("api/codec_read.cc:1", "api/http_server_extra.cc:1", "core/azure/a.cc:1",
                          "core/kusto/a.cc:1", "core/model/a.cc:1", "core/service/a.cc:1"));
}

TEST_F(Fixture, HeavyHeadersThatReachAnotherRoomThroughAHeader) {
  EXPECT_THAT(
      found(check_heavy_headers, {{"core/store/open.h", "#include <sqlite3.h>\n"},
                                  {"core/store/store.h", "#include \"core/store/open.h\"\n"},
                                  {"core/service/a.cc", "#include \"core/store/store.h\"\n"},
                                  {"core/net/own.h", "#include <curl/curl.h>\n"},
                                  {"core/net/a.cc", "#include \"core/net/own.h\"\n"},
                                  {"tests/unit/net/a.cc", "#include \"core/net/own.h\"\n"}}),
      ElementsAre("core/store/open.h:1"));
}

TEST_F(Fixture, SleepsInTests) {
  const std::string cpp =
      "std::this_thread::sleep"
      "_for(1s);\n";
  EXPECT_THAT(
      found(check_sleeps,
            {{"tests/unit/a.cc", "int x;\n" + cpp},
             {"tests/e2e/b.sh", "echo asleep\n  sleep 1\nx; sleep 0.1\n# no sleep needed\n"},
             {"bench/c.cc",
              "::usl"
              "eep(1);\n"},
             {"core/net/d.cc", cpp}}),
      ElementsAre("bench/c.cc:1", "tests/e2e/b.sh:2", "tests/e2e/b.sh:3", "tests/unit/a.cc:2"));
}

TEST_F(Fixture, HeadersWithoutPragmaCommentOrThreadPromise) {
  const std::string good = "// What it is. Thread promise: none.\n#pragma once\nint x;\n";
  EXPECT_THAT(
      found(check_header_openings,
            {{"core/base/good.h", good},
             {"core/base/good2.h", "#pragma once\n\n// A thing.\n// Thread\n// promise: x\n"},
             {"core/base/late.h", "#pragma once\nint x;\n// Thread promise: none.\n"},
             {"core/base/no_pragma.h", "// Thread promise: none.\nint x;\n"},
             {"core/base/silent.h", "// A thing.\n#pragma once\n"}}),
      ElementsAre("core/base/late.h:1", "core/base/no_pragma.h:1", "core/base/silent.h:1"));
}

TEST_F(Fixture, NamesThatSayNothing) {
  EXPECT_THAT(found(check_names, {{"core/ut"
                                   "il/a.cc",
                                   ""},
                                  {"api/string_ut"
                                   "ils.h",
                                   ""},
                                  {"api/job_man"
                                   "ager.cc",
                                   ""},
                                  {"core/base/com"
                                   "mon.h",
                                   ""},
                                  {"docs/mi"
                                   "sc.md",
                                   ""},
                                  {"core/model/commonwealth.h", ""}}),
              ElementsAre("api/job_man"
                          "ager.cc:0",
                          "api/string_ut"
                          "ils.h:0",
                          "core/base/com"
                          "mon.h:0",
                          "core/ut"
                          "il/a.cc:0",
                          "docs/mi"
                          "sc.md:0"));
}

TEST_F(Fixture, MarksOfUnfinishedWork) {
  EXPECT_THAT(found(check_unfinished, {{"api/a.cc",
                                        "// TO"
                                        "DO: later\nint x;\n"},
                                       {"docs/a.md",
                                        "fine\nFIX"
                                        "ME\n"},
                                       {"docs/b.md", "todos\n"}}),
              ElementsAre("api/a.cc:1", "docs/a.md:2"));
}

TEST_F(Fixture, MachinePathsAndRegistryHosts) {
  EXPECT_THAT(found(check_machine_paths, {{"api/a.cc",
                                           "open(\"/wo"
                                           "rk/main/x\");\nopen(\"/api/ro"
                                           "ot/x\");\n"},
                                          {"docs/a.md",
                                           "see https://registry.np"
                                           "mjs.org/x\n"},
                                          {"docs/b.md",
                                           "in /var/lib/kusto-copy/wo"
                                           "rk/\n"}}),
              ElementsAre("api/a.cc:1", "docs/a.md:1"));
}

TEST_F(Fixture, LongFilesWithoutAReason) {
  std::string lines;
  for (int i = 0; i < 600; ++i) lines += "int x;\n";
  EXPECT_THAT(
      found(check_length, {{"api/fits.cc", lines},
                           {"api/long.cc", lines + "\n"},
                           {"api/reason.cc", "// One file because the table is one.\n" + lines},
                           {"docs/long.md", lines + lines}}),
      ElementsAre("api/long.cc:0"));
}

TEST_F(Fixture, MigrationsEditedAddedUnlistedOrGone) {
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const std::string list = empty + "  migrations/0001_a.sql\n" + empty +
                           "  migrations/0002_b.sql\n" + empty + "  migrations/0003_c.sql\n";
  EXPECT_THAT(
      found(check_migrations, {{"tests/house_test/migrations.sha256", list},
                               {"migrations/0001_a.sql", ""},
                               {"migrations/0002_b.sql", "edited"},
                               {"migrations/0004_d.sql", ""},
                               {"migrations/schema.sql", "golden"}}),
      ElementsAre("migrations/0002_b.sql:0", "migrations/0004_d.sql:0", "migrations/0003_c.sql:0"));
}

TEST_F(Fixture, RoomsWithoutReadme) {
  EXPECT_THAT(found(check_room_readmes,
                    {{"core/base/a.cc", ""}, {"core/base/README.md", ""}, {"core/net/a.cc", ""}}),
              ElementsAre("core/net:0"));
}

TEST_F(Fixture, MapAgainstTheFolders) {
  const std::string map =
      "<!-- map -->\n| `core/base/` | x |\n| `core/gone/` | x |\n| `docs/` | x |\n<!-- end of map "
      "-->\n";
  const Findings findings = check_map(tree({{"README.md", map},
                                            {"core/base/a.cc", ""},
                                            {"core/net/a.cc", ""},
                                            {"docs/a.md", ""},
                                            {".ci/run", ""}}));
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].message, "folder core/net is not in this page");
  EXPECT_EQ(findings[1].message, "folder core/gone is in this page only");
  EXPECT_EQ(check_map(tree({{"README.md", "no table"}})).size(), 1u);
  EXPECT_EQ(check_map(tree({{"core/base/a.cc", ""}})).size(), 1u);
}

TEST_F(Fixture, DependencyPageAgainstTheScripts) {
  const std::string packages =
      "readonly build_packages=(\n  g++ cmake\n)\nreadonly test_packages=(\n  libgtest-dev\n)\n";
  const std::string fetch =
      "readonly duck_version=1.4.4\nreadonly duck_sha256=abc123\nreadonly root=$(cd x; pwd)\n";
  const std::string page =
      "<!-- packages -->\n| `g++` | x |\n| `libgtest-dev` | x |\n| `gone` | x |\n<!-- end of "
      "packages -->\n1.4.4\n";
  const Findings findings = check_dependency_page(tree({{"cmake/packages.sh", packages},
                                                        {"cmake/fetch.sh", fetch},
                                                        {"docs/dependencies.md", page}}));
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].message, "package cmake is not in this page");
  EXPECT_EQ(findings[1].message, "package gone is in this page only");
  EXPECT_EQ(findings[2].message, "the pin abc123 of cmake/fetch.sh is not in this page");
}

TEST_F(Fixture, TestGroupsAgainstTheScript) {
  const std::string page =
      "<!-- groups -->\n| `unit` | x |\n| `format` | x |\n| `tidy` | x |\n| `gone` | x |\n<!-- end "
      "of groups -->\n";
  const Findings findings = check_test_groups(
      tree({{"tests/run.sh", "readonly ctest_groups=(unit doors)\n"}, {"tests/README.md", page}}));
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].message, "group doors is not in this page");
  EXPECT_EQ(findings[1].message, "group threads is not in this page");
  EXPECT_EQ(findings[2].message, "group gone is in this page only");
}

TEST_F(Fixture, TestLabelsSetByHand) {
  EXPECT_THAT(found(check_test_labels,
                    {{"tests/unit/a/CMakeLists.txt",
                      "kc_test(a GROUP unit threads)\n"
                      "set_tests_properties(a PROPERTIES LABELS \"unit;threads\")\n"},
                     {"cmake/room.cmake", "set_tests_properties(x PROPERTIES LABELS x)\n"}}),
              ElementsAre("tests/unit/a/CMakeLists.txt:2"));
}

TEST_F(Fixture, DecisionsMisnamedTwiceOrMissing) {
  EXPECT_THAT(
      found(check_decisions, {{"docs/decisions/0001-a.md", ""},
                              {"docs/decisions/0001-b.md", ""},
                              {"docs/decisions/0003-c.md", ""},
                              {"docs/decisions/notes.md", ""}}),
      ElementsAre("docs/decisions/0001-b.md:0", "docs/decisions/notes.md:0", "docs/decisions:0"));
}

// Without this, a rule that finds nothing anywhere would pass above as long as its own fixture were
// forgotten.
TEST_F(Fixture, CleanTreeHasNoFindingsOfTheSourceRules) {
  const Tree clean = tree({{"core/base/a.h", "// A thing. Thread promise: none.\n#pragma once\n"},
                           {"core/base/README.md", "A room.\n"}});
  for (const Rule& rule : all_rules()) {
    if (rule.name == "map" || rule.name == "dependency_page" || rule.name == "test_groups")
      continue;
    EXPECT_THAT(rule.check(clean), IsEmpty()) << rule.name;
  }
}

// The table is data: what it names must be rooms, or a misspelt row would allow nothing and forbid
// nothing.
TEST(Rooms, TableNamesOnlyRooms) {
  for (const Room& room : rooms()) {
    for (const std::string_view neighbour : room.may_include) {
      EXPECT_EQ(room_of(std::string(neighbour) + "/x.h"), neighbour) << room.folder;
    }
  }
}

}  // namespace
}  // namespace house_test
