// The whole service but the pipeline, over real HTTP on a free port: a fake pipeline that a test
// drives by hand, and a client that holds every answer against openapi.yaml. Thread promise: one
// owner; the fake pipeline is safe from any thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/http_server.h"
#include "api/problem.h"
#include "api/routes.h"
#include "core/base/guarded.h"
#include "core/service/copy_service.h"
#include "core/store/store.h"
#include "tests/contract/contract.h"
#include "tests/unit/api/raw_client.h"

namespace kc::contract {

// Keeps what it was asked; a test publishes through the service, as the runner would.
class FakePipeline final : public service::PipelinePort {
 public:
  Result<void> start(const service::JobStart& job) override {
    auto hook = asked_.with([&](Asked& asked) {
      asked.started.push_back(job);
      return asked.on_start;
    });
    return hook ? hook(job) : Result<void>();
  }
  Result<void> cancel(const std::string& job) override {
    asked_.with([&](Asked& asked) { asked.canceled.push_back(job); });
    return {};
  }
  void stop() override {
    asked_.with([](Asked& asked) { asked.stopped += 1; });
  }
  void on_start(std::function<Result<void>(const service::JobStart&)> hook) {
    asked_.with([&](Asked& asked) { asked.on_start = std::move(hook); });
  }
  std::vector<service::JobStart> started() const {
    return asked_.with([](const Asked& asked) { return asked.started; });
  }
  std::vector<std::string> canceled() const {
    return asked_.with([](const Asked& asked) { return asked.canceled; });
  }
  int stopped() const {
    return asked_.with([](const Asked& asked) { return asked.stopped; });
  }

 private:
  struct Asked {
    std::vector<service::JobStart> started;
    std::vector<std::string> canceled;
    int stopped = 0;
    std::function<Result<void>(const service::JobStart&)> on_start;
  };
  mutable Guarded<Asked> asked_;
};

// One for the whole run, so that the last test can ask what was never seen.
inline Contract& the_contract() {
  static Contract contract(KC_SOURCE_DIR "/openapi.yaml");
  return contract;
}

using Headers = std::vector<std::pair<std::string, std::string>>;

class ServerUnderTest {
 public:
  explicit ServerUnderTest(std::string database = ":memory:") {
    auto opened = store::Store::open({.path = std::move(database)});
    EXPECT_TRUE(opened.has_value());
    store = std::move(*opened);
    service = std::make_unique<service::CopyService>(*store, clock, Rng(7), api::write_progress);
    EXPECT_TRUE(service->start(pipeline).has_value());
    face = std::make_unique<api::Api>(*service, Rng(8),
                                      [] { return std::string("# of the process\n"); });
    auto listening = api::HttpServer::start(
        {.threads = 16, .refusal = api::refusal},
        [this](const api::HttpRequest& request) { return face->handle(request); });
    EXPECT_TRUE(listening.has_value());
    http = std::move(*listening);
  }
  ~ServerUnderTest() {
    http->stop();
    service->shutdown();
  }

  // Sends one request, and holds the answer against the contract.
  api::RawAnswer ask(const std::string& method, const std::string& target,
                     const std::string& body = {}, Headers headers = {}) {
    std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    for (const auto& [name, value] : headers) bytes += name + ": " + value + "\r\n";
    if (!body.empty()) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const bool head = method == "HEAD";
    auto answer = api::RawClient(http->port()).exchange(bytes + "\r\n" + body, !head);
    const auto path = target.substr(0, target.find('?'));
    const auto* operation = the_contract().find(head ? "GET" : method, path);
    if (operation != nullptr) {
      const auto wrong = the_contract().check(*operation, answer.status,
                                              answer.header("content-type"), answer.body, !head);
      EXPECT_THAT(wrong, testing::IsEmpty()) << method << " " << target << "\n" << answer.body;
    } else if (answer.status >= 400 && !head) {
      EXPECT_THAT(the_contract().check_schema("ProblemDocument", answer.body), testing::IsEmpty())
          << method << " " << target;
    }
    EXPECT_NE(answer.header("x-request-id"), "") << method << " " << target;
    EXPECT_EQ(answer.header("api-version"), "2026-10-01");
    return answer;
  }
  api::RawAnswer post_json(const std::string& target, const std::string& body,
                           Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return ask("POST", target, body, std::move(headers));
  }

  ManualClock clock{Ticks{638'000'000'000'000'000}};
  std::unique_ptr<store::Store> store;
  FakePipeline pipeline;
  std::unique_ptr<service::CopyService> service;
  std::unique_ptr<api::Api> face;
  std::unique_ptr<api::HttpServer> http;
};

}  // namespace kc::contract
