// Data that is broken, too large, too deep, or called strangely: the documented outcome, and
// nothing of it visible where it fails.

#include <fstream>

#include "core/base/json.h"
#include "tests/fakes/gzip_by_zlib.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

class BadInput : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    command(".create table T (a:long, b:string, c:dynamic)");
    command(".ingest inline into table T <| 1,first,{}");
  }
  std::string file(const std::string& name, const std::string& bytes) {
    const auto path = (folder_ / "files" / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string ingest(const std::string& path, const std::string& format) {
    return refusal(".ingest into table T ('" + path + "') with (format='" + format + "')");
  }
  void expect_untouched() { EXPECT_EQ(query("T | count"), "[[1]]"); }
  static testing::AssertionResult has(const std::string& message, const std::string& word) {
    if (message.find(word) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "'" << message.substr(0, 300) << "' lacks " << word;
  }
};

TEST_F(BadInput, BrokenParquetIsAnInvalidBlob) {
  EXPECT_TRUE(
      has(ingest(file("x.parquet", "PAR1 not at all PAR1"), "parquet"), "BadRequest_InvalidBlob"));
  EXPECT_TRUE(has(ingest(file("empty.parquet", ""), "parquet"), "BadRequest_InvalidBlob"));
  const auto made = nlohmann::json::parse(
      command(".export to parquet ('" + (folder_ / "files").string() + "') <| T"));
  std::ifstream in(made[0][0].get<std::string>(), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (const auto part : {bytes.size() / 4, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_TRUE(has(ingest(file("cut.parquet", bytes.substr(0, part)), "parquet"),
                    "BadRequest_InvalidBlob"));
  }
  expect_untouched();
}

TEST_F(BadInput, TruncatedGzipIsAnInvalidBlob) {
  std::string rows;
  for (int i = 0; i < 20'000; ++i)
    rows += std::to_string(i * 7919) + ",text " + std::to_string(i) + ",\n";
  const auto whole = fakes::gzip_by_zlib(rows, 1);
  EXPECT_TRUE(has(ingest(file("cut.csv.gz", whole.substr(0, whole.size() / 2)), "csv"),
                  "BadRequest_InvalidBlob"));
  EXPECT_TRUE(has(ingest(file("tail.csv.gz", whole.substr(0, whole.size() - 4)), "csv"),
                  "BadRequest_InvalidBlob"));
  auto spoilt = whole;
  spoilt[whole.size() / 2] = static_cast<char>(spoilt[whole.size() / 2] ^ 0x55);
  EXPECT_TRUE(has(ingest(file("spoilt.csv.gz", spoilt), "csv"), "BadRequest_"));
  expect_untouched();
  command(".ingest into table T ('" + file("whole.csv.gz", whole) + "')");
  EXPECT_EQ(query("T | count"), "[[20001]]");
}

TEST_F(BadInput, OneBadFileOfSeveralLeavesNothing) {
  const auto good = file("good.csv", "2,second,{}\n"), bad = file("bad.csv", "3,third,{}\n4,\"x");
  EXPECT_TRUE(has(refusal(".ingest into table T ('" + good + "', '" + bad + "')"),
                  "Stream_ClosingQuoteMissing"));
  expect_untouched();
  EXPECT_EQ(query("T | where a == 2 | count"), "[[0]]");
}

TEST_F(BadInput, LongStringsAreCutUnlessTheirEncodingAllowsThem) {
  constexpr std::size_t kMebibyte = 1 << 20;
  // The last character has two bytes, of which one would be beyond the limit.
  const auto path =
      file("long.csv", "2," + std::string(kMebibyte - 1, 'x') + "\xC3\xBC\xC3\xBC,\n");
  command(".ingest into table T ('" + path + "')");
  EXPECT_EQ(query("T | where a == 2 | project strlen(b)"),
            "[[" + std::to_string(kMebibyte - 1) + "]]");
  command(".alter column T.b policy encoding type='BigObject'");
  command(".ingest into table T ('" +
          file("long3.csv", "3," + std::string(kMebibyte + 7, 'x') + ",\n") + "')");
  EXPECT_EQ(query("T | where a == 3 | project strlen(b)"),
            "[[" + std::to_string(kMebibyte + 7) + "]]");
  // Into a column without the policy, by Parquet.
  command(".create table U (a:long, b:string)");
  const auto made = nlohmann::json::parse(
      command(".export to parquet ('" + (folder_ / "files").string() + "') <| T | where a == 3"));
  command(".ingest into table U ('" + made[0][0].get<std::string>() + "') with (format='parquet')");
  EXPECT_EQ(query("U | project strlen(b)"), "[[" + std::to_string(kMebibyte) + "]]");
}

TEST_F(BadInput, LongDynamicsAreNull) {
  const std::string text = "[" + std::string(1 << 20, ' ') + "1]";
  command(".ingest into table T ('" + file("d.csv", "2,x,\"" + text + "\"\n") + "')");
  EXPECT_EQ(query("T | where a == 2 | project isnull(c)"), "[[true]]");
}

TEST_F(BadInput, RecordBeyondItsLimitFails) {
  const auto path = file("huge.csv", "2,\"" + std::string(65u << 20, 'x') + "\",\n");
  EXPECT_TRUE(has(ingest(path, "csv"), "Stream_InputStreamTooLarge"));
  expect_untouched();
}

TEST_F(BadInput, DeepJsonIsRefused) {
  const std::string open(100'000, '['), close(100'000, ']');
  EXPECT_TRUE(has(ingest(file("deep.json", "{\"a\":2,\"c\":" + open + close + "}\n"), "json"),
                  "BadRequest_InvalidBlob"));
  EXPECT_TRUE(has(ingest(file("deep2.json", "{\"a\":2,\"c\":" + open + close + "}\n"), "multijson"),
                  "BadRequest_InvalidBlob"));
  EXPECT_TRUE(has(ingest(file("open.json", "{\"a\":2,\"c\":" + open), "multijson"),
                  "BadRequest_InvalidBlob"));
  expect_untouched();
  command(".ingest into table T ('" + file("deep.csv", "2,x,\"" + open + close + "\"\n") + "')");
  EXPECT_EQ(query("T | where a == 2 | project gettype(c)"), "[[\"string\"]]");
}

TEST_F(BadInput, StrangeNamesAreNames) {
  const std::string names[] = {"a 'b' \\\"c\\\" ]['d",
                               "drop table T; --",
                               "\xF0\x9F\x98\x80",
                               "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
                               std::string(1024, 'n'),
                               "..",
                               "%2e%2e/x",
                               "$tab|le"};
  for (const auto& name : names) {
    SCOPED_TRACE(name.substr(0, 40));
    const auto table = "[\"" + name + "\"]";
    command(".create table " + table + " (" + table + ":long, other:string)");
    command(".ingest inline into table " + table + " <| 5,five");
    EXPECT_EQ(query(table + " | project " + table), "[[5]]");
    const auto files = nlohmann::json::parse(
        command(".export to parquet ('" + (folder_ / "files").string() + "') <| " + table));
    command(".ingest into table " + table + " ('" + files[0][0].get<std::string>() +
            "') with (format='parquet')");
    EXPECT_EQ(query(table + " | summarize sum(" + table + ")"), "[[10]]");
    command(".alter table " + table + " policy merge '{\"AllowMerge\":false}'");
    command(".drop table " + table);
  }
  expect_untouched();
}

TEST_F(BadInput, ExportsStayInTheirFolder) {
  EXPECT_NE(refusal(".export to csv ('" + (folder_ / "files").string() +
                    "') with (namePrefix='../out') <| T"),
            "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace kc::engine
