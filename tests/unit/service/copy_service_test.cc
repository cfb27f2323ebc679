#include "core/service/copy_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "core/store/store.h"
#include "tests/unit/store/records.h"

namespace kc::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Recorder final : public PipelinePort {
 public:
  Result<void> start(const JobStart& job) override {
    started.push_back(job);
    return {};
  }
  Result<void> cancel(const std::string& job) override {
    canceled.push_back(job);
    return {};
  }
  void stop() override { stopped += 1; }
  std::vector<JobStart> started;
  std::vector<std::string> canceled;
  int stopped = 0;
};

class CopyServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::move(*store::Store::open({}));
    begin();
  }
  // As after a restart of the process: the store stays, everything in memory is gone.
  void begin() {
    service_.reset();
    pipeline_ = Recorder();
    service_ = std::make_unique<CopyService>(*store_, clock_, Rng(1), [](const Progress& progress) {
      return progress.job + " " + std::string(to_string(progress.state)) + " " +
             progress.status_reason;
    });
    ASSERT_TRUE(service_->start(pipeline_).has_value());
  }
  Progress running(const std::string& job, std::uint64_t revision) const {
    Progress progress;
    progress.job = job;
    progress.revision = revision;
    progress.as_of = clock_.now();
    progress.state = JobState::running;
    progress.status_reason = "Copying";
    return progress;
  }

  ManualClock clock_{Ticks{638'000'000'000'000'000}};
  std::unique_ptr<store::Store> store_;
  Recorder pipeline_;
  std::unique_ptr<CopyService> service_;
};

TEST_F(CopyServiceTest, TakesUpWhatHasNotEnded) {
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt).has_value());
  ASSERT_TRUE(service_->submit(store::spec("b"), std::nullopt).has_value());
  ASSERT_TRUE(service_->submit(store::spec("c"), std::nullopt).has_value());
  service_->on_opened("a", Uuid{{4}});
  ASSERT_TRUE(store_->apply("a", 1, store::copied_journal("a")[0]).has_value());
  service_->on_end("b",
                   {.state = JobState::succeeded, .problem = std::nullopt, .at = clock_.now()});
  ASSERT_TRUE(service_->cancel("c").has_value());
  begin();
  ASSERT_THAT(pipeline_.started, SizeIs(2));
  EXPECT_EQ(pipeline_.started[0].spec.id, "a");
  EXPECT_EQ(pipeline_.started[0].uid, (Uuid{{4}}));
  EXPECT_TRUE(pipeline_.started[0].progress_known);  // a lake without it is then checkpoint.missing
  EXPECT_FALSE(pipeline_.started[1].progress_known);
  EXPECT_THAT(pipeline_.canceled, ElementsAre("c"));  // the wish outlived the process
}

TEST_F(CopyServiceTest, ServesProgressAsPublished) {
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt).has_value());
  const auto first = service_->progress("a").value();
  EXPECT_EQ(first->body, "a pending Accepted; waiting for a worker");
  service_->on_progress(running("a", 1));
  const auto second = service_->progress("a").value();
  EXPECT_EQ(second->body, "a running Copying");
  EXPECT_NE(first->etag, second->etag);
  EXPECT_EQ(first->body, "a pending Accepted; waiting for a worker");  // who holds it keeps it
  EXPECT_EQ(service_->get("a")->state, JobState::running);
  EXPECT_EQ(service_->progress("b").error().code, "job.not_found");
  service_->on_progress(running("stranger", 1));  // not ours: nothing happens
  EXPECT_FALSE(service_->progress("stranger").has_value());
}

TEST_F(CopyServiceTest, TheEtagTellsTwoDocumentsOfOneRevisionApart) {
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt).has_value());
  service_->on_progress(running("a", 1));
  const auto before = service_->progress("a").value()->etag;
  auto other = running("a", 1);
  other.status_reason = "Copying, after a restart that counts from one again";
  service_->on_progress(other);
  EXPECT_NE(service_->progress("a").value()->etag, before);
}

TEST_F(CopyServiceTest, KeepsTheLastWordOfAnEndedJob) {
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt).has_value());
  service_->on_end("a", {.state = JobState::failed,
                         .problem = Problem{.code = "checkpoint.missing",
                                            .detail = "the lake has lost the job",
                                            .fix = {},
                                            .retryable = false},
                         .at = clock_.now()});
  const auto last = service_->progress("a").value()->body;
  EXPECT_EQ(last, "a failed the lake has lost the job");
  service_->on_progress(running("a", 9));  // too late
  EXPECT_EQ(service_->progress("a").value()->body, last);
  begin();
  EXPECT_THAT(pipeline_.started, IsEmpty());
  EXPECT_EQ(service_->progress("a").value()->body, last);
  EXPECT_EQ(service_->get("a")->problem->code, "checkpoint.missing");
}

TEST_F(CopyServiceTest, StopsOnceAndTakesNothingAfterwards) {
  EXPECT_TRUE(service_->ready().has_value());
  service_->shutdown();
  service_->shutdown();
  EXPECT_EQ(pipeline_.stopped, 1);
  EXPECT_EQ(service_->ready().error().code, "server.not_ready");
  EXPECT_EQ(service_->submit(store::spec("a"), std::nullopt).error().code, "server.shutting_down");
  EXPECT_FALSE(store_->job("a").value().has_value());
}

TEST_F(CopyServiceTest, ServesWhileThePipelinePublishes) {
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt).has_value());
  std::thread publisher([&] {
    for (std::uint64_t i = 1; i <= 200; ++i) service_->on_progress(running("a", i));
  });
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      std::uint64_t newest = 0;
      for (int i = 0; i < 200; ++i) {
        const auto revision = service_->progress("a").value()->revision;
        EXPECT_GE(revision, newest);
        newest = revision;
      }
    });
  }
  publisher.join();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(service_->progress("a").value()->revision, 200U);
}

// The key that sealed a job's connection strings is gone: the job waits, the others go on.
TEST_F(CopyServiceTest, AJobWhoseSecretsCannotBeOpenedWaitsUntilItIsGivenAgain) {
  std::string folder = (std::filesystem::temp_directory_path() / "kc-service-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto restart = [&](const char* key) {
    service_.reset();
    store_.reset();
    store_ =
        std::move(*store::Store::open({.path = folder + "/kc.db", .key_file = folder + "/" + key}));
    begin();
  };
  restart("one");
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt));
  restart("other");
  ASSERT_TRUE(service_->submit(store::spec("b"), std::nullopt));
  ASSERT_THAT(pipeline_.started, SizeIs(1));
  EXPECT_EQ(pipeline_.started[0].spec.id, "b");
  const auto job = service_->get("a").value();
  EXPECT_EQ(job.state, JobState::blocked);
  ASSERT_TRUE(job.problem);
  EXPECT_EQ(job.problem->code, "secret.key_lost");
  EXPECT_EQ(job.status_reason, job.problem->detail);
  EXPECT_THAT(service_->progress("a").value()->body, testing::HasSubstr("a blocked"));
  // With its key it goes on by itself; without, once it is given again.
  restart("one");
  ASSERT_THAT(pipeline_.started, SizeIs(1));
  EXPECT_EQ(pipeline_.started[0].spec, store::spec("a"));
  restart("other");
  ASSERT_TRUE(service_->submit(store::spec("a"), std::nullopt));
  EXPECT_EQ(pipeline_.started.back().spec, store::spec("a"));
  EXPECT_EQ(service_->get("a").value().state, JobState::pending);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kc::service
