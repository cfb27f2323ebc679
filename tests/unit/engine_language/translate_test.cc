#include "core/engine/translate/translate.h"

#include <gtest/gtest.h>

#include "core/engine/syntax/parser.h"
#include "tests/unit/engine_language/harness.h"

namespace kc::engine {
namespace {

TEST(Translate, ProvesTheBoundsOfCursorAndIngestionTime) {
  Engine engine;
  const auto answer = engine.run(
      "T | where cursor_after('638000000000000010') and cursor_before_or_at('638000000000000030')\n"
      "| where ingestion_time() >= datetime(2022-09-28T22:13:20Z) | where ingestion_time() < "
      "datetime(2022-09-28T22:15:20Z) | count");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->rows, std::vector<std::string>{"1"});
  EXPECT_EQ(engine.last_hints.cursor_after, 638000000000000010);
  EXPECT_EQ(engine.last_hints.cursor_before_or_at, 638000000000000030);
  EXPECT_EQ(engine.last_hints.ingested_from, 638000000000000000);
  EXPECT_EQ(engine.last_hints.ingested_before, 638000001200000000);
  EXPECT_TRUE(engine.last_hints.needs_cursor && engine.last_hints.needs_ingestion_time);
  EXPECT_FALSE(engine.last_hints.needs_extent);
}

TEST(Translate, ProvesNothingFromADisjunctionOrALaterFilter) {
  Engine engine;
  ASSERT_TRUE(engine.run("T | where cursor_after('5') or a > 1 | take 1 | where cursor_after('7')")
                  .has_value());
  EXPECT_FALSE(engine.last_hints.cursor_after.has_value());
}

TEST(Translate, SaysWhenACursorFunctionIsUsed) {
  Engine engine;
  const auto query = parse_query("print cursor_current()");
  ASSERT_TRUE(query.has_value());
  EXPECT_TRUE(translate_all(*query, engine)->uses_cursor);
  EXPECT_FALSE(translate_all(*parse_query("print 1; print 2"), engine)->uses_cursor);
  EXPECT_EQ(translate_all(*parse_query("print 1; print 2"), engine)->results.size(), 2u);
  EXPECT_FALSE(translate(*parse_query("print 1; print 2"), engine).has_value());
}

TEST(Translate, KeepsAThousandColumns) {
  Engine engine;
  TableSchema schema;
  std::string columns, text;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "column " + std::to_string(i);
    schema.columns.push_back({name, ScalarType::long_});
    columns +=
        (i == 0 ? "" : ", ") + std::string("r.i + ") + std::to_string(i) + " AS \"" + name + "\"";
  }
  engine.add_table("Wide", schema, "(SELECT " + columns + " FROM range(3) AS r(i))");
  std::string delimited;
  for (int block = 0; block < 1000; block += 32) {
    delimited += ", strcat_delim('\\u001f'";
    for (int i = block; i < std::min(block + 32, 1000); ++i)
      delimited += ", tostring(['column " + std::to_string(i) + "'])";
    delimited += ")";
  }
  const auto answer =
      engine.run("['Wide'] | extend Hash = hash_xxhash64(strcat_delim('\\u001f'" + delimited +
                 ")) | summarize Rows = count(), HashSum = sum(binary_and(Hash, 4294967295)), "
                 "HashXor = binary_all_xor(Hash)");
  ASSERT_TRUE(answer.has_value()) << answer.error().message.substr(0, 400);
  EXPECT_TRUE(answer->rows.at(0).starts_with("3|")) << answer->rows.at(0);
  EXPECT_EQ(engine
                .run("Wide | extend x = 1 | where ['column 999'] == 1000 | project-away ['column "
                     "1'] | getschema | count")
                ->rows.at(0),
            "1000");
}

TEST(Translate, AppliesOperatorsToRowsItIsGiven) {
  Engine engine;
  const std::string text = "| where RowCount > 1 | project ExtentId, RowCount";
  const auto pipeline = parse_operators(text);
  ASSERT_TRUE(pipeline.has_value());
  const Relation rows{.schema = shape({{"ExtentId", ScalarType::guid_},
                                       {"RowCount", ScalarType::long_},
                                       {"Tags", ScalarType::string_}}),
                      .sql =
                          "(VALUES ('11111111-1111-1111-1111-111111111111'::UUID, 1::BIGINT, ''), "
                          "('22222222-2222-2222-2222-222222222222'::UUID, 2::BIGINT, "
                          "'x')) AS v(\"ExtentId\", \"RowCount\", \"Tags\")"};
  const auto translated = translate_over(rows, *pipeline, text, engine);
  ASSERT_TRUE(translated.has_value());
  const auto answer = engine.read(*translated);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->rows, std::vector<std::string>{"22222222-2222-2222-2222-222222222222|2"});
}

TEST(Translate, EndsInAnErrorWhereLetsMultiply) {
  Engine engine;
  std::string scalars = "let x0 = 1; ", tables = "let t0 = T; ";
  for (int i = 1; i < 40; ++i) {
    const std::string last = std::to_string(i - 1), next = std::to_string(i);
    scalars +=
        "let x" + next + " = x" + last + " + x" + last + " * hash(tostring(x" + last + ")); ";
    tables += "let t" + next + " = union t" + last + ", t" + last + "; ";
  }
  EXPECT_EQ(engine.run(scalars + "print x39").error().service_code, "SEM0120");
  EXPECT_EQ(engine.run(tables + "t39 | count").error().service_code, "SEM0120");
}

TEST(Translate, TakesTheDeepestTreeThatTheParserLetsThrough) {
  Engine engine;
  std::string sum = "print x = 1", negated = "print x = ", calls = "print x = ";
  for (int i = 0; i < 150; ++i) sum += " + toint('1')";
  for (int i = 0; i < 60; ++i) {
    negated += "-(";
    calls += "abs(";
  }
  EXPECT_EQ(engine.run(sum)->rows.at(0), "151");
  EXPECT_EQ(engine.run(negated + "1" + std::string(60, ')'))->rows.at(0), "1");
  EXPECT_EQ(engine.run(calls + "1" + std::string(60, ')'))->rows.at(0), "1");
}

TEST(Translate, QuotesHostileNamesAndValues) {
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_string("a'b"), "'a''b'");
  Engine engine;
  const auto answer = engine.run(
      "print ['x\" FROM every; DROP TABLE every; --'] = \"'; DROP TABLE every; --\", n = "
      "strlen('a\\0b')");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->header, "x\" FROM every; DROP TABLE every; --:string, n:long");
  EXPECT_EQ(answer->rows.at(0), "'; DROP TABLE every; --|3");
  EXPECT_EQ(engine.run("T | count")->rows.at(0), "4");
}

}  // namespace
}  // namespace kc::engine
