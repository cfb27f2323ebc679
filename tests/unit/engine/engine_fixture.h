// An engine in a folder of its own, for the engine's unit tests. Thread promise: one test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/engine/engine.h"

namespace kc::engine {

class EngineTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  EngineOptions options() const;
  void open();
  void reopen();
  // Rows as the JSON text of an array; a failure of the test where the engine refuses.
  std::string query(const std::string& text);
  std::string command(const std::string& text);
  std::string refusal(const std::string& command);  // the error's message, or empty
  // Starts an operation and waits for its end; returns the id.
  std::string run_async(const std::string& command,
                        const std::string& expected_state = "Completed");

  std::filesystem::path folder_;
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace kc::engine
