// The contract of queued ingestion behind the Kusto door, for every implementation that has data
// management.
#include "tests/doors/kusto_suite.h"

namespace kc::doors {

using namespace kusto;

namespace {

const DatabaseName kDb{kSuiteDatabase};
constexpr const char* kSource = "Source";
constexpr const char* kTarget = "Target";
constexpr const char* kStaging = "kc-stg-Target-0123456789abcdef-g1";
constexpr const char* kTag = "drop-by:kc/7f0c1d52-93c1-4a51-a2f6-0c9cf1f0a111/1/2/i1";

// Ids outlive a test where the storage account does.
Uuid fresh_id() {
  static Rng rng(
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  return Uuid::random(rng);
}

}  // namespace

TEST_P(KustoQueuedSuite, IsOffered) {
  const auto offer = must<IngestionOffer>(Read{ReadIngestionOffer{}});
  EXPECT_TRUE(offer.queued) << offer.why_not;
}

TEST_P(KustoQueuedSuite, StagingIsReadyOnlyWithTheBatchingPolicyToo) {
  create_staging(kStaging, false);
  auto policies = must<StagingPolicies>(Read{ReadStagingPolicies{kDb, {kStaging}, true}});
  EXPECT_FALSE(policies.complete);
  EXPECT_EQ(policies.missing, "ingestionbatching");
  create_staging(kStaging, true);
  policies = must<StagingPolicies>(Read{ReadStagingPolicies{kDb, {kStaging}, true}});
  EXPECT_TRUE(policies.complete) << policies.missing;
}

TEST_P(KustoQueuedSuite, EachFormatIsQueuedOnceAndTold) {
  create(kSource);
  create(kTarget);
  subject_->ingest(kSource, {1, 2, 3});
  subject_->ingest(kSource, {4, 5});
  create_staging(kStaging, true);
  int nth = 0;
  for (const auto format : {ExportFormat::csv, ExportFormat::parquet}) {
    const std::string tag = kTag + std::to_string(++nth);
    const auto blobs = export_rows(rows(kSource), format, "q" + std::to_string(nth));
    ASSERT_FALSE(blobs.empty());
    const Uuid attempt = fresh_id();
    StartQueuedIngest what{.ingest = {kDb, {kStaging}, {}, format, suite_columns(), tag},
                           .attempt = attempt,
                           .raw_bytes = {}};
    for (const auto& blob : blobs) {
      what.ingest.blob_uris.push_back(subject_->read_uri(blob.path));
      what.raw_bytes.push_back(blob.rows * 20);
    }
    EXPECT_EQ(must<StartedOperation>(Write{what}).id, attempt);
    const Operation ended = wait_queued(attempt, std::ssize(blobs));
    ASSERT_EQ(ended.outcome, OperationOutcome::completed) << ended.state << ": " << ended.status;
    const auto there = extents({kStaging}, tag);
    std::int64_t staged = 0;
    for (const Extent& one : there) staged += one.rows;
    ASSERT_EQ(staged, 5);
    ASSERT_EQ(move(ids_of(there), kStaging, kTarget), OperationOutcome::completed);
    EXPECT_EQ(table_count(kTarget), 5 * nth);
    if (nth == 1) {
      EXPECT_EQ(digest(kTarget), digest(kSource));
    }
  }
}

TEST_P(KustoQueuedSuite, ABlobThatIsGoneFailsItsAttemptAlone) {
  create(kSource);
  subject_->ingest(kSource, {1});
  create_staging(kStaging, true);
  const auto blobs = export_rows(rows(kSource), ExportFormat::csv, "gone");
  ASSERT_EQ(blobs.size(), 1U);
  const std::string uri = subject_->read_uri(blobs[0].path);
  subject_->close_folder("gone");
  const Uuid attempt = fresh_id();
  must<StartedOperation>(Write{StartQueuedIngest{
      .ingest = {kDb, {kStaging}, {uri}, ExportFormat::csv, suite_columns(), kTag},
      .attempt = attempt,
      .raw_bytes = {}}});
  const Operation ended = wait_queued(attempt, 1);
  EXPECT_EQ(ended.outcome, OperationOutcome::failed);
  EXPECT_NE(ended.status, "");
  EXPECT_EQ(ended.status.find("sig="), std::string::npos);
  EXPECT_TRUE(extents({kStaging}, kTag).empty());
}

TEST_P(KustoQueuedSuite, WhatWasNotQueuedAsAWholeIsAbsent) {
  create(kSource);
  subject_->ingest(kSource, {1});
  create_staging(kStaging, true);
  const auto blobs = export_rows(rows(kSource), ExportFormat::csv, "some");
  const Uuid attempt = fresh_id();
  must<StartedOperation>(Write{StartQueuedIngest{.ingest = {kDb,
                                                            {kStaging},
                                                            {subject_->read_uri(blobs[0].path)},
                                                            ExportFormat::csv,
                                                            suite_columns(),
                                                            kTag},
                                                 .attempt = attempt,
                                                 .raw_bytes = {}}});
  const auto list = must<OperationList>(
      Read{ReadQueuedIngestions{{{fresh_id(), 1}, {attempt, 2}, {attempt, 1}}}});
  ASSERT_EQ(list.operations.size(), 1U);
  EXPECT_EQ(list.operations[0].id, attempt);
}

TEST_P(KustoQueuedSuite, AnIngestionOfNothingIsInvalid) {
  create_staging(kStaging, true);
  EXPECT_EQ(error_kind(Write{StartQueuedIngest{
                .ingest = {kDb, {kStaging}, {}, ExportFormat::csv, suite_columns(), kTag},
                .attempt = fresh_id(),
                .raw_bytes = {}}}),
            ErrorKind::invalid);
}

}  // namespace kc::doors
