#include "core/checkpoint/record_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "core/base/json.h"
#include "tests/unit/checkpoint/journal_samples.h"

namespace kc {
namespace {

// The order of members is part of the format.
using Json = nlohmann::ordered_json;

std::string verdict(const std::string& line) {
  const auto record = decode_record(line);
  return record ? "accepted" : record.error().code;
}

TEST(RecordCodec, SamplesCoverEveryType) {
  std::set<std::size_t> types;
  for (const Record& record : sample_records()) types.insert(record.index());
  EXPECT_EQ(types.size(), std::variant_size_v<Record>);
}

TEST(RecordCodec, EveryTypeComesBackFromItsLine) {
  for (const Record& record : sample_records()) {
    const std::string line = encode_record(record);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(line.starts_with("{\"type\":\"" + std::string(type_word(record)) + "\"")) << line;
    const auto back = decode_record(line);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(back->index(), record.index());
    EXPECT_EQ(encode_record(*back), line);
  }
}

TEST(RecordCodec, ValuesAreThoseThatWereWritten) {
  for (const Record& record : sample_records()) {
    const Record back = decode_record(encode_record(record)).value();
    if (const auto* block = std::get_if<record::SnapshotBlock>(&record)) {
      EXPECT_EQ(std::get<record::SnapshotBlock>(back).block, block->block);
    }
    if (const auto* created = std::get_if<record::JobCreated>(&record)) {
      EXPECT_EQ(std::get<record::JobCreated>(back).spec, created->spec);
      EXPECT_EQ(std::get<record::JobCreated>(back).at, created->at);
    }
    if (const auto* started = std::get_if<record::TableStarted>(&record)) {
      EXPECT_EQ(std::get<record::TableStarted>(back).schema, started->schema);
      EXPECT_EQ(std::get<record::TableStarted>(back).format, ExportFormat::parquet);
    }
    if (const auto* job = std::get_if<record::SnapshotJob>(&record)) {
      EXPECT_EQ(std::get<record::SnapshotJob>(back).percent_floor, job->percent_floor);
      EXPECT_EQ(std::get<record::SnapshotJob>(back).state, job->state);
    }
  }
}

// Of every type, at every depth: a member missing, one too many, or of another type.
void spoil(const Json& whole, Json& part, int& spoiled) {
  const auto expect_corrupt = [&](const char* how) {
    ++spoiled;
    EXPECT_EQ(verdict(whole.dump()), "checkpoint.corrupt") << how << ": " << whole.dump();
  };
  if (part.is_object()) {
    const Json saved = part;
    part["surplus"] = 1;
    expect_corrupt("surplus");
    part = saved;
    for (const auto& [name, value] : saved.items()) {
      part.erase(name);
      expect_corrupt("missing");
      part = saved;
    }
  }
  if (part.is_structured()) {
    for (auto& inner : part) spoil(whole, inner, spoiled);
  }
  if (&part == &whole) return;
  const Json saved = part;
  for (const Json& other :
       {Json(3.5), Json("x\x7f"), Json(true), Json::array({1.5}), Json{{"q", 1}}, Json(nullptr)}) {
    const bool fits = (other.is_string() && saved.is_string()) || (other.is_null()) ||
                      (saved.is_null()) || (other.is_boolean() && saved.is_boolean()) ||
                      (other.is_number() && saved.is_number_float());
    if (fits) continue;
    part = other;
    expect_corrupt("type");
  }
  part = saved;
}

TEST(RecordCodec, RefusesWhatIsMissingSurplusOrOfAnotherType) {
  int spoiled = 0;
  for (const Record& record : sample_records()) {
    Json json = Json::parse(encode_record(record));
    spoil(json, json, spoiled);
  }
  EXPECT_GT(spoiled, 1000);
}

TEST(RecordCodec, RefusesWhatItWouldNotHaveWritten) {
  const std::string good = R"({"type":"moved","block":7,"rows":5})";
  ASSERT_EQ(verdict(good), "accepted");
  for (const char* line : {"",
                           "null",
                           "[]",
                           "{}",
                           "{\"type\":7}",
                           R"({"type":"nothing","block":7})",
                           R"({"block":7,"rows":5})",
                           R"({"type":"moved","rows":5,"block":7})",
                           R"({"type":"moved","block":7,"rows":5} )",
                           R"({"type":"moved", "block":7,"rows":5})",
                           R"({"type":"moved","block":7,"block":7,"rows":5})",
                           R"({"type":"moved","block":7,"rows":5.0})",
                           R"({"type":"moved","block":7,"rows":5e0})",
                           R"({"type":"moved","block":7,"rows":9223372036854775808})",
                           R"({"type":"moved","block":7,"rows":"5"})",
                           R"({"type":"moved","block":7,"rows":null})",
                           R"({"type":"moved","block":7,"rows":5}{})",
                           R"({"type":"folder_closed","block":7,"attempt":2147483648})",
                           R"({"type":"cancel_requested","at":"2024-01-31T23:59:59Z"})",
                           R"({"type":"table_done","table":{"bytes":"6162"}})",
                           R"({"type":"table_done","table":"\u0061"})"}) {
    EXPECT_EQ(verdict(line), "checkpoint.corrupt") << line;
  }
}

RC_GTEST_PROP(RecordCodec, AnyBytesInANameComeBack, ()) {
  const auto name = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const auto back = decode_record(encode_record(record::TableDone{.table = {name}}));
  RC_ASSERT(back.has_value());
  RC_ASSERT(std::get<record::TableDone>(*back).table.value == name);
}

RC_GTEST_PROP(RecordCodec, AnyNumbersComeBack, (std::int64_t rows, int attempt, double part)) {
  const auto back = decode_record(encode_record(
      record::Staged{.block = rows, .attempt = attempt, .extents = {}, .rows = -rows / 2}));
  RC_ASSERT(back.has_value());
  RC_ASSERT(std::get<record::Staged>(*back).block == rows);
  RC_ASSERT(std::get<record::Staged>(*back).attempt == attempt);
  record::SnapshotJob written;
  written.percent_floor = part;
  const auto job = decode_record(encode_record(written));
  RC_ASSERT(job.has_value());
  RC_ASSERT(std::get<record::SnapshotJob>(*job).percent_floor == part);
}

RC_GTEST_PROP(RecordCodec, AnyTextIsRefusedWithoutHarm, (std::string text)) {
  RC_ASSERT(!decode_record(text).has_value());
}

}  // namespace
}  // namespace kc
