#include "core/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace kc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Ticks kNow = *parse_datetime("2024-01-31T23:59:59.1234567Z");

struct LogTest : testing::Test {
  Log make(Log::Options options) {
    return Log::to(clock, options, [this](std::string_view line) { lines.emplace_back(line); });
  }
  ManualClock clock{kNow};
  std::vector<std::string> lines;
};

TEST_F(LogTest, WritesTextForPeople) {
  Log log = make({.level = Level::info});
  log.log(Level::warn, "block.retried",
          {{"job", "j1"}, {"block", 12}, {"why", "no answer"}, {"slow", true}, {"rate", 1.5}});
  EXPECT_THAT(lines, ElementsAre("2024-01-31T23:59:59.1234567Z warn block.retried job=j1 block=12 "
                                 "why=\"no answer\" slow=true "
                                 "rate=1.5"));
}

TEST_F(LogTest, WritesJsonForMachines) {
  Log log = make({.format = LogFormat::json});
  log.log(
      Level::info, "job.ended",
      {{"job", "a\"b\\c\n\x01"}, {"rows", std::uint64_t{18446744073709551615u}}, {"ok", false}});
  EXPECT_THAT(
      lines,
      ElementsAre(R"({"at":"2024-01-31T23:59:59.1234567Z","level":"info","event":"job.ended",)"
                  R"("job":"a\"b\\c\n\u0001","rows":18446744073709551615,"ok":false})"));
}

TEST_F(LogTest, DropsWhatIsBelowItsLevel) {
  Log log = make({.level = Level::warn});
  log.log(Level::info, "quiet");
  log.log(Level::error, "loud");
  EXPECT_EQ(lines.size(), 1u);
  EXPECT_FALSE(log.wants(Level::info));
  EXPECT_TRUE(log.wants(Level::warn));
}

TEST_F(LogTest, HidesSecretsInValuesAndUnderSecretNames) {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    Log log = make({.format = format});
    log.log(Level::info, "call",
            {{"url", "https://a/c?sig=Zq7"},
             {"password", "Zq7"},
             {"header", "Bearer Zq7"},
             {"app_key", 77}});
  }
  for (const auto& line : lines) {
    EXPECT_THAT(line, Not(HasSubstr("Zq7")));
    EXPECT_THAT(line, Not(HasSubstr("77")));
    EXPECT_THAT(line, HasSubstr("***"));
  }
}

TEST_F(LogTest, NothingInAValueCanForgeALineOrBreakTheEncoding) {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    Log log = make({.format = format});
    log.log(Level::info, "call",
            {{"body", "x\n2024 error forged\r\x1b[31m"},
             {"raw", "\xff\xc3\x28 \xc3\xa4 \xed\xa0\x80"}});
  }
  for (const auto& line : lines) {
    EXPECT_EQ(line.find_first_of("\n\r\x1b\xff"), std::string::npos);
    EXPECT_THAT(line, HasSubstr("\xc3\xa4"));  // good text stays as it is
    EXPECT_THAT(line, HasSubstr("\\ufffd"));
  }
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  Log log = make({});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 500; ++i) log.log(Level::info, "tick", {{"text", "abcdefgh"}});
      });
    }
  }
  ASSERT_EQ(lines.size(), 2000u);
  for (const auto& line : lines) EXPECT_EQ(line, lines.front());
}

TEST_F(LogTest, AppendsToAFileAndBeginsANewOneWhenFull) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("kc-log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto file = folder / "service.log";
  {
    auto log = Log::open(clock, {.file = file, .file_bytes_max = 4096});
    ASSERT_TRUE(log.has_value()) << log.error().message;
    for (int i = 0; i < 100; ++i)
      log->log(Level::info, "tick", {{"i", i}, {"text", "some words to fill the line"}});
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "service.1.log"));
  std::ifstream in(file);
  std::string line, last;
  while (std::getline(in, line)) last = line;
  EXPECT_THAT(last, HasSubstr("i=99"));
  std::filesystem::remove_all(folder);
}

TEST_F(LogTest, SaysWhichFileCannotBeOpened) {
  const auto log = Log::open(clock, {.file = "/proc/nowhere/x.log"});
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code, "log.file");
  EXPECT_THAT(log.error().message, HasSubstr("/proc/nowhere/x.log"));
}

}  // namespace
}  // namespace kc
