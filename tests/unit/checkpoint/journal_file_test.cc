#include "core/checkpoint/journal_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <sstream>

#include "core/checkpoint/crc32c.h"
#include "core/checkpoint/record_codec.h"
#include "core/lake/memory_lake.h"
#include "tests/unit/checkpoint/journal_samples.h"

namespace kc {
namespace {

using testing::HasSubstr;

TEST(Crc32c, HasTheKnownValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

RC_GTEST_PROP(Crc32c, IsTheSameByTableAndByInstruction, (std::string text)) {
  RC_ASSERT(crc32c(text) == crc32c_by_table(text));
}

TEST(JournalNames, AreTwelveDigitsAndNothingElse) {
  EXPECT_EQ(journal_name(42), "checkpoint/000000000042.jsonl");
  EXPECT_EQ(snapshot_name(42), "checkpoint/snapshot-000000000042.jsonl");
  EXPECT_EQ(parse_journal_name(journal_name(42))->seq, 42u);
  EXPECT_TRUE(parse_journal_name(snapshot_name(kJournalSeqMax))->snapshot);
  for (const char* name :
       {"checkpoint/42.jsonl", "checkpoint/000000000000.jsonl", "checkpoint/0000000000042.jsonl",
        "000000000042.jsonl", "checkpoint/00000000004x.jsonl", "checkpoint/000000000042.json",
        "checkpoint/-00000000042.jsonl", ""}) {
    EXPECT_FALSE(parse_journal_name(name).has_value()) << name;
  }
}

std::string whole_file() {
  return encode_file({.seq = 42, .epoch = 7, .writer = writer_number(3)},
                     {record::Moved{.block = 7, .rows = 5}, record::PlanDone{.table = {"T"}}});
}

TEST(JournalFileTest, ComesBackFromItsBytes) {
  const auto file = decode_file(journal_name(42), whole_file());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->header.seq, 42u);
  EXPECT_EQ(file->header.epoch, 7u);
  EXPECT_EQ(file->header.writer, writer_number(3));
  EXPECT_EQ(file->records.size(), 2u);
}

std::string verdict(const std::string& bytes) {
  const auto file = decode_file(journal_name(42), bytes);
  if (file) return "accepted";
  EXPECT_THAT(file.error().message, HasSubstr(journal_name(42)));
  return file.error().code;
}

TEST(JournalFileTest, NoChangedByteIsAccepted) {
  const std::string good = whole_file();
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      if (bad == good) continue;
      ASSERT_EQ(verdict(bad), "checkpoint.corrupt") << "byte " << at << " = " << value;
    }
  }
}

TEST(JournalFileTest, NoCutOffExtendedOrSwappedFileIsAccepted) {
  const std::string good = whole_file();
  for (std::size_t length = 0; length < good.size(); ++length) {
    ASSERT_EQ(verdict(good.substr(0, length)), "checkpoint.corrupt") << length;
    ASSERT_EQ(verdict(good.substr(length + 1)), "checkpoint.corrupt") << length;
    ASSERT_EQ(verdict(good.substr(0, length) + good.substr(length + 1)), "checkpoint.corrupt")
        << length;
    ASSERT_EQ(verdict(std::string(length, '\0')), "checkpoint.corrupt") << length;
  }
  EXPECT_EQ(verdict(good + good), "checkpoint.corrupt");
  EXPECT_EQ(verdict(good + "\n"), "checkpoint.corrupt");
  EXPECT_EQ(decode_file(journal_name(43), good).error().code, "checkpoint.corrupt");
}

TEST(JournalFileTest, ARightChecksumDoesNotSaveWrongContents) {
  const std::string writer = writer_number(3).text();
  const std::string header =
      "{\"v\":1,\"seq\":42,\"epoch\":7,\"writer\":\"" + writer + "\",\"records\":1}\n";
  const std::string record = "{\"type\":\"plan_done\",\"table\":\"T\"}\n";
  ASSERT_EQ(verdict(sealed(header + record)), "accepted");
  for (const std::string& lines :
       {header, header + record + record, record, std::string(), std::string("\n"),
        header + "\n" + record, header + record + "\n",
        header + record.substr(0, record.size() - 1),
        "{\"v\":0,\"seq\":42,\"epoch\":7,\"writer\":\"" + writer + "\",\"records\":1}\n" + record,
        "{\"v\":01,\"seq\":42,\"epoch\":7,\"writer\":\"" + writer + "\",\"records\":1}\n" + record,
        "{\"v\":1,\"seq\":+42,\"epoch\":7,\"writer\":\"" + writer + "\",\"records\":1}\n" + record,
        "{\"v\":1,\"seq\":42,\"epoch\":99999999999999999999,\"writer\":\"" + writer +
            "\",\"records\":1}\n" + record,
        "{\"v\":1,\"seq\":42,\"epoch\":7,\"writer\":\"x\",\"records\":1}\n" + record,
        header + "{\"type\":\"plan_done\"}\n"}) {
    EXPECT_EQ(verdict(sealed(lines)), "checkpoint.corrupt") << lines;
  }
}

TEST(JournalFileTest, SaysWhichLineIsWrong) {
  const std::string header = "{\"v\":1,\"seq\":42,\"epoch\":7,\"writer\":\"" +
                             writer_number(3).text() + "\",\"records\":2}\n";
  const auto file = decode_file(
      journal_name(42),
      sealed(header + "{\"type\":\"plan_done\",\"table\":\"T\"}\n{\"type\":\"new\"}\n"));
  EXPECT_THAT(file.error().message, HasSubstr("'checkpoint/000000000042.jsonl', line 3"));
}

TEST(JournalFileTest, ANewerVersionIsToldApartFromATornFile) {
  const std::string newer = "{\"v\":2,\"something\":\"else\"}\nnot even JSON\n";
  const auto file = decode_file(journal_name(42), sealed(newer));
  EXPECT_EQ(file.error().code, "checkpoint.version");
  EXPECT_EQ(file.error().kind, ErrorKind::conflict);
  EXPECT_EQ(verdict(newer), "checkpoint.corrupt");
}

RC_GTEST_PROP(JournalFileTest, NoiseIsNeverAcceptedNorHarmful, ()) {
  std::string bytes = whole_file();
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        bytes[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        bytes.erase(at, 1);
        break;
      default:
        bytes.insert(at, 1, *rc::gen::arbitrary<char>());
    }
  }
  RC_PRE(bytes != whole_file());
  RC_ASSERT(!decode_file(journal_name(42), bytes).has_value());
}

// FORMAT.md shows real bytes; this makes them again.
TEST(FormatPage, ShowsTheBytesThatTheProgramWrites) {
  MemoryLake lake;
  const Uuid first = *Uuid::parse("11111111-1111-4111-8111-111111111111");
  const Uuid second = *Uuid::parse("22222222-2222-4222-8222-222222222222");
  const Ticks at = *parse_datetime("2024-01-31T12:00:00.0000000Z");
  auto journal = Journal::create(lake, first, {record::CancelRequested{.at = at}}).value();
  ASSERT_TRUE(journal
                  .commit({record::Planned{.block = 1,
                                           .table = {"T"},
                                           .range = {.low = std::nullopt, .high = at, .slice = {}},
                                           .rows = 4000},
                           record::PlanDone{.table = {"T"}}})
                  .has_value());
  Collected collected;
  ASSERT_TRUE(Journal::open(lake, second, at, collected.replay()).has_value());
  std::string shown;
  for (const auto& [name, bytes] : lake.contents())
    shown += "```\n# " + name + "\n" + bytes + "```\n";
  std::ifstream page(KC_FORMAT_PAGE);
  std::stringstream text;
  text << page.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(shown));
}

}  // namespace
}  // namespace kc
