#include "core/kusto/answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>

#include "core/base/json.h"

namespace kc::kusto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = AnswerValue::Kind;

std::string show(const AnswerValue& value) {
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.integer != 0 ? "true" : "false";
    case Kind::integer:
      return std::to_string(value.integer);
    case Kind::large:
      return std::to_string(static_cast<std::uint64_t>(value.integer));
    case Kind::real:
      return nlohmann::json(value.real).dump();
    case Kind::text:
      return "'" + std::string(value.text) + "'";
    case Kind::nested:
      return std::string(value.text);
  }
  return {};
}

struct Rows : RowSink {
  Result<void> columns(const std::vector<AnswerColumn>& columns) override {
    for (const auto& one : columns) names.push_back(one.name);
    return {};
  }
  Result<void> row(std::span<const AnswerValue> values) override {
    std::string line;
    for (const auto& value : values) line += (line.empty() ? "" : " ") + show(value);
    rows.push_back(line);
    return {};
  }
  void clear() override { rows.clear(); }
  std::vector<std::string> names, rows;
};

struct Read {
  Rows rows;
  std::string error;  // empty: none
};

Read read(AnswerFormat format, std::string_view text,
          std::size_t piece = std::numeric_limits<std::size_t>::max()) {
  Read read;
  AnswerReader reader(format, {"T"}, read.rows);
  Result<void> fed;
  for (std::size_t at = 0; at < text.size() && fed; at += std::min(piece, text.size() - at))
    fed = reader.feed(text.substr(at, piece));
  if (fed) fed = reader.finish();
  if (!fed) read.error = fed.error().code + ": " + fed.error().message;
  return read;
}

const std::string kHeader =
    R"({"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"})";
const std::string kEnd = R"({"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false})";

std::string v2(const std::string& frames) {
  return "[" + kHeader + "," + frames + "," + kEnd + "]";
}
std::string table(const std::string& rows) {
  return R"({"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"n"}],"Rows":)" +
         rows + "}";
}

const std::string kEverything = v2(
    R"({"FrameType":"DataTable","TableKind":"QueryProperties","TableId":0,"Columns":[],"Rows":[[1,{"a":[2]}],{"any":"thing"}]},)"
    R"({"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","Columns":[{"ColumnName":"a"},{"ColumnName":"b"}]},)"
    R"({"FrameType":"TableFragment","TableId":1,"TableFragmentType":"DataAppend","Rows":[[1,"gone"]]},)"
    R"({"FrameType":"TableFragment","TableId":1,"TableFragmentType":"DataReplace","Rows":[[-9223372036854775808,"a\"\\\u00e9\ud83d\ude00\n"],[18446744073709551615,{"k\"":[1.50,null,true,"x\ty",{}],"m":[]}]]},)"
    R"({"FrameType":"DataTable","TableId":2,"TableKind":"QueryCompletionInformation","Columns":[{"ColumnName":"Level"}],"Rows":[[4]]},)"
    R"({"FrameType":"TableFragment","TableId":1,"TableFragmentType":"DataAppend","Rows":[[0.1,null],[1e3,false]]},)"
    R"({"FrameType":"TableCompletion","TableId":1,"RowCount":4})");

const std::vector<std::string> kEverythingRows = {
    "-9223372036854775808 'a\"\\é😀\n'",
    R"(18446744073709551615 {"k\"":[1.50,null,true,"x\u0009y",{}],"m":[]})", "0.1 null",
    "1000.0 false"};

TEST(AnswerReader, GivesRowsHoweverTheTextIsCut) {
  for (std::size_t piece = 1; piece < 70; ++piece) {
    const auto cut = read(AnswerFormat::v2, kEverything, piece);
    EXPECT_EQ(cut.error, "") << piece;
    EXPECT_THAT(cut.rows.names, ElementsAre("a", "b"));
    EXPECT_EQ(cut.rows.rows, kEverythingRows) << piece;
  }
  EXPECT_EQ(read(AnswerFormat::v2, "\xef\xbb\xbf" + kEverything, 2).rows.rows, kEverythingRows);
  EXPECT_NE(read(AnswerFormat::v2, "\xef\xbb" + kEverything, 1).error, "");
}

TEST(AnswerReader, EveryTruncationIsAnErrorHoweverItIsCut) {
  for (std::size_t bytes = 0; bytes < kEverything.size(); ++bytes) {
    const auto cut = read(AnswerFormat::v2, std::string_view(kEverything).substr(0, bytes), 7);
    EXPECT_THAT(cut.error, testing::StartsWith("kusto.malformed_answer")) << bytes;
  }
  EXPECT_NE(read(AnswerFormat::v2, kEverything + "x", 5).error, "");
  EXPECT_NE(read(AnswerFormat::v2, kEverything + "[]", 5).error, "");
  EXPECT_EQ(read(AnswerFormat::v2, kEverything + " \r\n", 1).error, "");
}

TEST(AnswerReader, MembersMayComeInAnyOrder) {
  const auto v2_late = read(
      AnswerFormat::v2,
      v2(R"({"Rows":[[1,"a",[2]],[null,18446744073709551615,0.5],[true,-1,{}]],"Columns":[{"ColumnName":"x"},{"ColumnName":"y"},{"ColumnName":"z"}],"TableKind":"PrimaryResult","FrameType":"DataTable"})"));
  EXPECT_EQ(v2_late.error, "");
  EXPECT_THAT(v2_late.rows.rows,
              ElementsAre("1 'a' [2]", "null 18446744073709551615 0.5", "true -1 {}"));
  const auto v1_late =
      read(AnswerFormat::v1, R"({"Tables":[{"Rows":[[1]],"Columns":[{"ColumnName":"x"}]}]})");
  EXPECT_EQ(v1_late.error, "");
  EXPECT_THAT(v1_late.rows.rows, ElementsAre("1"));
  // Late rows are judged as early ones are.
  for (const char* rows :
       {R"([[1,2]])", "[1]", R"([{"OneApiErrors":[{"error":{"@message":"x"}}]}])", "{}"}) {
    const std::string late =
        std::string(R"({"Rows":)") + rows +
        R"(,"Columns":[{"ColumnName":"x"}],"TableKind":"PrimaryResult","FrameType":"DataTable"})";
    EXPECT_NE(read(AnswerFormat::v2, v2(late)).error, "") << rows;
  }
}

TEST(AnswerReader, RowsThatComeTooEarlyAreKeptToALimit) {
  std::string rows = "[";
  while (rows.size() < kAnswerFrameBytesMax) rows += "[1],";
  const auto late =
      read(AnswerFormat::v2, v2(R"({"Rows":)" + rows + "[1]]," +
                                R"("FrameType":"DataTable","TableKind":"PrimaryResult"})"));
  EXPECT_THAT(late.error, HasSubstr("bytes beside its rows"));
  const std::string words(kAnswerFrameBytesMax + 1, 'w');
  EXPECT_THAT(read(AnswerFormat::v2, v2(R"({"TableName":")" + words + "\"}")).error,
              HasSubstr("bytes beside its rows"));
}

TEST(AnswerReader, WhatContradictsItselfIsRefused) {
  for (
      const std::string& frame :
      {std::string(R"({"FrameType":"DataTable","FrameType":"TableProgress"})"),
       std::string(
           R"({"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[],"Rows":[],"Rows":[]})"),
       std::string(
           R"({"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[],"Rows":[],"Columns":[]})")}) {
    EXPECT_THAT(read(AnswerFormat::v2, v2(frame)).error, HasSubstr("comes twice")) << frame;
  }
  EXPECT_THAT(read(AnswerFormat::v1, R"({"Tables":[],"Tables":[]})").error, HasSubstr("twice"));
}

TEST(AnswerReader, AnErrorIsSaidAgain) {
  Rows rows;
  AnswerReader reader(AnswerFormat::v2, {}, rows);
  ASSERT_TRUE(reader.feed("[" + kHeader + ","));
  const auto first = reader.feed(
      table(R"([[1],{"OneApiErrors":[{"error":{"code":"LimitsExceeded","@message":"m"}}]}])"));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, "kusto.limits_exceeded");
  EXPECT_EQ(reader.feed("," + kEnd + "]").error().code, "kusto.limits_exceeded");
  EXPECT_EQ(reader.finish().error().code, "kusto.limits_exceeded");
}

TEST(AnswerReader, ASinkThatRefusesEndsIt) {
  struct Refuses : Rows {
    Result<void> row(std::span<const AnswerValue>) override {
      return fail(ErrorKind::invalid, "test.enough", "enough");
    }
  } sink;
  AnswerReader reader(AnswerFormat::v2, {}, sink);
  EXPECT_EQ(reader.feed(v2(table("[[1]]"))).error().code, "test.enough");
}

TEST(AnswerReader, RealsAreExact) {
  EXPECT_TRUE(rc::check("any double reads back", [](std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(value));
    struct Last : Rows {
      Result<void> row(std::span<const AnswerValue> values) override {
        real = values[0].real;
        return {};
      }
      double real = 0;
    } sink;
    char text[64];
    const int size = std::snprintf(text, sizeof text, "%.17g", value);
    const std::string whole =
        v2(table("[[" + std::string(text, static_cast<std::size_t>(size)) + "]]"));
    AnswerReader reader(AnswerFormat::v2, {}, sink);
    // Cut somewhere inside the number too.
    const std::size_t cut = whole.find(text) + static_cast<std::size_t>(size) / 2;
    RC_ASSERT(reader.feed(whole.substr(0, cut)).has_value());
    RC_ASSERT(reader.feed(whole.substr(cut)).has_value());
    RC_ASSERT(std::bit_cast<std::uint64_t>(sink.real) == bits || (value == 0 && sink.real == 0));
  }));
  EXPECT_THAT(read(AnswerFormat::v2, v2(table("[[1e400]]"))).error, HasSubstr("no JSON"));
  EXPECT_THAT(read(AnswerFormat::v2, v2(table("[[1e-400]]"))).rows.rows, ElementsAre("0.0"));
}

// However long the answer is, what grows with its text stays small.
TEST(AnswerReader, HoldsNoTextOfALongAnswer) {
  struct Count : Rows {
    Result<void> row(std::span<const AnswerValue>) override {
      ++count;
      return {};
    }
    std::size_t count = 0;
  } sink;
  AnswerReader reader(AnswerFormat::v2, {}, sink);
  ASSERT_TRUE(reader.feed(
      "[" + kHeader +
      R"(,{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"n"},{"ColumnName":"s"}],"Rows":[[0,""])"));
  std::string block;
  std::size_t in_block = 0;
  for (; block.size() < (1 << 20); ++in_block)
    block += ",[" + std::to_string(in_block) + ",\"" + std::string(100, 'x') + "\"]";
  std::size_t held = 0;
  for (int i = 0; i < 64; ++i) {
    for (std::size_t at = 0; at < block.size(); at += 16'000) {
      ASSERT_TRUE(reader.feed(std::string_view(block).substr(at, 16'000)));
      held = std::max(held, reader.held_bytes());
    }
  }
  ASSERT_TRUE(reader.feed("]}," + kEnd + "]"));
  ASSERT_TRUE(reader.finish());
  EXPECT_EQ(sink.count, 1 + 64 * in_block);
  EXPECT_LT(held, 4096U);
}

TEST(AnswerReader, AnyDamageAnyCutNeverACrash) {
  EXPECT_TRUE(rc::check("damaged answers", [](const std::vector<std::pair<unsigned, char>>& damage,
                                              unsigned char piece) {
    std::string body = kEverything;
    for (const auto& [at, byte] : damage) body[at % body.size()] = byte;
    const auto whole = read(AnswerFormat::v2, body);
    const auto cut = read(AnswerFormat::v2, body, piece + 1U);
    RC_ASSERT(whole.error.empty() == cut.error.empty());
    if (whole.error.empty()) RC_ASSERT(whole.rows.rows == cut.rows.rows);
    read(AnswerFormat::v1, body, piece + 1U);
  }));
}

}  // namespace
}  // namespace kc::kusto
