// A machine for the credentials' tests: its variables, its clock, its waits and what it hears from
// outside are the test's. Used by the tests of this folder. Thread promise: one test.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/azure/credential.h"
#include "core/azure/encoding.h"
#include "tests/unit/azure/scripted_transport.h"

namespace kc::azure {

inline constexpr const char* kScope = "https://kusto.kusto.windows.net/.default";
inline constexpr Ticks kStart{kTicksAtUnixEpoch + 1'795'000'000LL * kTicksPerSecond};

struct IdentityMachine {
  ScriptedTransport transport;
  ManualClock clock{kStart};
  std::map<std::string, std::string> variables;
  std::vector<double> waits;  // seconds
  std::filesystem::path folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "kc-identity-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  Surroundings with{.transport = transport,
                    .clock = clock,
                    .variable = [this](const std::string& name) -> std::optional<std::string> {
                      const auto found = variables.find(name);
                      if (found == variables.end() || found->second.empty()) return std::nullopt;
                      return found->second;
                    },
                    .wait =
                        [this](Timespan span, const std::stop_token& stop) {
                          waits.push_back(span.to_seconds());
                          clock.advance(span);
                          return !stop.stop_requested();
                        },
                    .fresh_id =
                        [] {
                          return Uuid{{1, 2, 3, 4}};
                        },
                    .arc_agent = (folder / "no-agent").string(),
                    .arc_tokens = (folder / "tokens").string()};

  ~IdentityMachine() { std::filesystem::remove_all(folder); }

  std::string write(const std::string& name, const std::string& text) const {
    const auto path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  void answer_token(const std::string& secret = "token-1", int seconds = 3600) {
    transport.answer(200, R"({"token_type":"Bearer","expires_in":)" + std::to_string(seconds) +
                              R"(,"access_token":")" + secret + R"("})");
  }
  void answer_error(int status, const std::string& word, const std::string& text = {}) {
    transport.answer(status, R"({"error":")" + word + R"(","error_description":")" + text +
                                 R"(","correlation_id":"0000-c0"})");
  }
  Query form(std::size_t call) const { return parse_query(transport.calls.at(call).body); }
  std::string field(std::size_t call, const std::string& name) const {
    for (const auto& [one, value] : form(call)) {
      if (one == name) return value;
    }
    return {};
  }
  std::string header(std::size_t call, const std::string& name) const {
    for (const auto& one : transport.calls.at(call).headers) {
      if (one.name == name) return one.value;
    }
    return {};
  }
};

inline TokenRequest asking(const std::string& scope = kScope) { return {.scope = scope}; }

}  // namespace kc::azure
