#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "core/model/block.h"
#include "core/model/job.h"
#include "core/model/ledger.h"
#include "core/model/schema.h"

namespace kc {
namespace {

BlockState state_of(const std::string& word) {
  const auto state = parse_block_state(word);
  EXPECT_TRUE(state.has_value()) << word;
  return state.value_or(BlockState::planned);
}

// The document's own lines; the exceptions that it names in words are below them.
const std::vector<std::string> kEdgeLines{
    "planned -> exporting -> exported -> ingesting -> staged -> moving -> moved -> verified",
    "exporting -> planned",
    "ingesting -> exported",
    "staged -> exported",
    "moving -> exported",
    "moving -> moving",
    "moved -> mismatched",
    "exported -> moved",      // an export of no rows: there is nothing to ingest
    "planned -> superseded",  // a block that is split
    "exporting -> superseded",
    // quarantine, wherever no move is in doubt
    "planned -> failed",
    "exporting -> failed",
    "exported -> failed",
    "ingesting -> failed",
    "staged -> failed",
};

TEST(BlockStates, HaveTheEdgesOfTheProtocolAndNoOther) {
  std::set<std::pair<BlockState, BlockState>> legal;
  for (const std::string& line : kEdgeLines) {
    std::istringstream words(line);
    std::string word, arrow;
    words >> word;
    BlockState from = state_of(word);
    while (words >> arrow >> word) {
      legal.emplace(from, state_of(word));
      from = state_of(word);
    }
  }
  for (int from = 0; from < kBlockStates; ++from) {
    for (int to = 0; to < kBlockStates; ++to) {
      const auto a = static_cast<BlockState>(from), b = static_cast<BlockState>(to);
      EXPECT_EQ(can_move(a, b), legal.contains({a, b})) << to_string(a) << " -> " << to_string(b);
    }
  }
}

TEST(Words, GoThereAndBack) {
  for (int i = 0; i < kBlockStates; ++i) {
    const auto state = static_cast<BlockState>(i);
    EXPECT_EQ(parse_block_state(to_string(state)), state);
  }
  for (int i = 0; i < 9; ++i) {
    const auto state = static_cast<JobState>(i);
    EXPECT_EQ(parse_job_state(to_string(state)), state);
  }
  for (int i = 0; i < 5; ++i) {
    const auto state = static_cast<StagingState>(i);
    EXPECT_EQ(parse_staging_state(to_string(state)), state);
  }
  for (const auto choice : {FormatChoice::auto_, FormatChoice::csv, FormatChoice::parquet})
    EXPECT_EQ(parse_format_choice(to_string(choice)), choice);
  for (const auto format : {ExportFormat::csv, ExportFormat::parquet})
    EXPECT_EQ(parse_export_format(to_string(format)), format);
  for (const auto choice : {IngestChoice::auto_, IngestChoice::direct, IngestChoice::queued})
    EXPECT_EQ(parse_ingest_choice(to_string(choice)), choice);
  for (const auto choice : {OnError::continue_, OnError::stop})
    EXPECT_EQ(parse_on_error(to_string(choice)), choice);
  for (int i = 0; i < 10; ++i) {
    const auto type = static_cast<ScalarType>(i);
    EXPECT_EQ(parse_scalar_type(to_string(type)), type);
  }
  for (const char* word : {"", "Planned", "planned ", "auto_", "continue_", "nonsense"}) {
    EXPECT_FALSE(parse_block_state(word).has_value()) << word;
    EXPECT_FALSE(parse_job_state(word).has_value()) << word;
    EXPECT_FALSE(parse_format_choice(word).has_value()) << word;
    EXPECT_FALSE(parse_ingest_choice(word).has_value()) << word;
    EXPECT_FALSE(parse_on_error(word).has_value()) << word;
    EXPECT_FALSE(parse_staging_state(word).has_value()) << word;
    EXPECT_FALSE(parse_scalar_type(word).has_value()) << word;
  }
}

TEST(ScalarType, KnowsKustosAliases) {
  EXPECT_EQ(parse_scalar_type("boolean"), ScalarType::bool_);
  EXPECT_EQ(parse_scalar_type("int64"), ScalarType::long_);
  EXPECT_EQ(parse_scalar_type("double"), ScalarType::real_);
  EXPECT_EQ(parse_scalar_type("date"), ScalarType::datetime_);
  EXPECT_EQ(parse_scalar_type("time"), ScalarType::timespan_);
  EXPECT_EQ(parse_scalar_type("uuid"), ScalarType::guid_);
  EXPECT_EQ(parse_scalar_type("uniqueid"), ScalarType::guid_);
}

TEST(JobId, IsSixtyThreePlainCharactersAtMost) {
  for (const std::string& id :
       {std::string("a"), std::string("0"), std::string("a-b-"), std::string(63, 'z')})
    EXPECT_TRUE(is_valid_job_id(id)) << id;
  for (const std::string& id :
       {std::string(), std::string(64, 'z'), std::string("-a"), std::string("A"),
        std::string("a_b"), std::string("a/b"), std::string("a.b"), std::string("a\0b", 3),
        std::string("\xc3\xa4")})
    EXPECT_FALSE(is_valid_job_id(id)) << id;
}

TEST(StagingName, IsStableShortAndPlain) {
  const Uuid job = *Uuid::parse("12345678-9abc-4def-8123-456789abcdef");
  const Uuid other = *Uuid::parse("22345678-9abc-4def-8123-456789abcdef");
  std::set<std::string> names;
  for (const std::string& table :
       {std::string("Events"), std::string("events"), std::string("a'b"), std::string("a\"b"),
        std::string("a b"), std::string("a];.drop"), std::string("\xc3\xa4"),
        std::string(1024, 'x'), std::string(1024, 'x') + "y"}) {
    for (const Uuid& uid : {job, other}) {
      const std::string name = staging_name(uid, {table}, 12).value;
      EXPECT_EQ(name, staging_name(uid, {table}, 12).value);
      EXPECT_LE(name.size(), 80u);
      EXPECT_TRUE(name.starts_with("kc-stg-") && name.ends_with("-g12")) << name;
      EXPECT_EQ(name.find_first_not_of(
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
                std::string::npos)
          << name;
      EXPECT_TRUE(names.insert(name).second) << name;
    }
  }
  EXPECT_NE(staging_name(job, {"T"}, 1), staging_name(job, {"T"}, 2));
}

TEST(Names, OfTagsAndFoldersCarryTheirAttempt) {
  const Uuid job = *Uuid::parse("12345678-9abc-4def-8123-456789abcdef");
  EXPECT_EQ(block_tag(job, 1, 7, 3), "drop-by:kc/12345678-9abc-4def-8123-456789abcdef/1/7/i3");
  EXPECT_TRUE(block_tag(job, 1, 7, 3).starts_with(tag_prefix(job)));
  EXPECT_EQ(export_folder(2, 7, 1), "data/2/7/e1");
  EXPECT_FALSE(export_folder(2, 7, 10).starts_with(export_folder(2, 7, 1) + "/"));
}

}  // namespace
}  // namespace kc
