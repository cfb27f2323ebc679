// An engine behind its HTTP face in a folder of its own, for the tests of the wire. Thread promise:
// one test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "api/kusto_endpoint.h"
#include "core/base/json.h"
#include "core/engine/engine.h"
#include "core/net/curl_transport.h"

namespace kc::api {

struct Answer {
  int status = 0;
  std::string body, request_id, activity;
};

class Endpoint : public testing::Test {
 protected:
  void SetUp() override { open({}); }
  void TearDown() override {
    endpoint_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open(const KustoEndpointOptions& options) {
    endpoint_.reset();
    engine_.reset();
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("endpoint_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    engine::EngineOptions engine_options;
    engine_options.data_folder = folder_;
    auto engine = engine::Engine::open(engine_options);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    ASSERT_TRUE(engine_->command("", ".create database Db volatile"));
    auto endpoint = KustoEndpoint::start(*engine_, options);
    ASSERT_TRUE(endpoint) << endpoint.error().message;
    endpoint_ = std::move(*endpoint);
  }

  Answer send(const std::string& path, const std::string& body,
              const std::vector<net::Header>& headers = {}) {
    net::HttpCall call;
    call.method = body.empty() ? net::Method::get : net::Method::post;
    call.url = endpoint_->url() + path;
    call.headers = {{"Content-Type", "application/json"}, {"x-ms-client-request-id", "Test.run;1"}};
    call.headers.insert(call.headers.end(), headers.begin(), headers.end());
    call.body = body;
    const auto got = transport_.exchange(call);
    if (!got) {
      ADD_FAILURE() << got.error().message;
      return {};
    }
    const auto text = [&](std::string_view name) {
      const auto* value = got->header(name);
      return value == nullptr ? std::string() : *value;
    };
    return {got->status, got->body, text("x-ms-client-request-id"), text("x-ms-activity-id")};
  }
  static std::string request(const std::string& text, const nlohmann::json& options = {},
                             const nlohmann::json& parameters = {}) {
    nlohmann::json body = {{"db", "Db"}, {"csl", text}};
    if (!options.is_null() || !parameters.is_null())
      body["properties"] = nlohmann::json{{"Options", options}, {"Parameters", parameters}}.dump();
    return body.dump();
  }
  nlohmann::json frames(const std::string& text, const nlohmann::json& options = {},
                        const nlohmann::json& parameters = {}) {
    const auto got = send("/v2/rest/query", request(text, options, parameters));
    EXPECT_EQ(got.status, 200) << got.body;
    return nlohmann::json::parse(got.body, nullptr, false);
  }
  // The rows of the only primary table.
  nlohmann::json rows(const std::string& text, const nlohmann::json& options = {},
                      const nlohmann::json& parameters = {}) {
    for (const auto& frame : frames(text, options, parameters)) {
      if (frame.value("TableKind", "") == "PrimaryResult") return frame["Rows"];
    }
    return {};
  }
  nlohmann::json refusal(const std::string& path, const std::string& body, int status = 400) {
    const auto got = send(path, body);
    EXPECT_EQ(got.status, status) << got.body;
    return nlohmann::json::parse(got.body, nullptr, false)["error"];
  }
  void run(const std::string& command) {
    const auto got = engine_->command("Db", command);
    EXPECT_TRUE(got) << (got ? "" : got.error().message);
  }

  net::CurlTransport transport_;
  std::filesystem::path folder_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<KustoEndpoint> endpoint_;
};

}  // namespace kc::api
