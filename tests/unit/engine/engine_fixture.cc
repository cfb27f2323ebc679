#include "tests/unit/engine/engine_fixture.h"

#include <unistd.h>

#include <thread>

#include "core/base/json.h"

namespace kc::engine {

namespace fs = std::filesystem;

void EngineTest::SetUp() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  folder_ = fs::path(testing::TempDir()) /
            (std::string("engine_") + info->name() + "_" + std::to_string(::getpid()));
  fs::remove_all(folder_);
  fs::create_directories(folder_ / "files");
  clock_ = std::make_shared<ManualClock>(*parse_datetime("2024-01-01"));
  open();
  ASSERT_TRUE(engine_->command("", ".create database Db volatile"));
}

void EngineTest::TearDown() {
  engine_.reset();
  fs::remove_all(folder_);
}

EngineOptions EngineTest::options() const {
  EngineOptions options;
  options.data_folder = folder_ / "data";
  options.threads = 2;
  options.clock = clock_;
  return options;
}

void EngineTest::open() {
  auto engine = Engine::open(options());
  ASSERT_TRUE(engine) << engine.error().message;
  engine_ = std::move(*engine);
}

void EngineTest::reopen() {
  engine_.reset();
  open();
}

std::string EngineTest::query(const std::string& text) {
  const auto answer = engine_->query("Db", text);
  EXPECT_TRUE(answer) << text << ": " << answer.error().message;
  return answer ? "[" + answer->tables[0].rows + "]" : "failed";
}

std::string EngineTest::command(const std::string& text) {
  const auto answer = engine_->command("Db", text);
  EXPECT_TRUE(answer) << text << ": " << answer.error().message;
  return answer ? "[" + answer->tables[0].rows + "]" : "failed";
}

std::string EngineTest::refusal(const std::string& text) {
  const auto answer = engine_->command("Db", text);
  return answer ? std::string() : answer.error().message;
}

std::string EngineTest::run_async(const std::string& text, const std::string& expected_state) {
  const auto id = nlohmann::json::parse(command(text))[0][0].get<std::string>();
  std::string state = "InProgress";
  while (state == "InProgress") {
    std::this_thread::yield();
    const auto rows =
        nlohmann::json::parse(command(".show operations (" + id + ") | project State, Status"));
    state = rows.at(0).at(0).get<std::string>();
    if (state != "InProgress") {
      EXPECT_EQ(state, expected_state) << rows[0][1];
    }
  }
  return id;
}

}  // namespace kc::engine
