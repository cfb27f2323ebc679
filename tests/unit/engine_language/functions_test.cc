#include "core/engine/translate/functions.h"

#include <gtest/gtest.h>

#include "tests/unit/engine_language/harness.h"

namespace kc::engine {
namespace {

std::string one(Engine& engine, const std::string& expression) {
  const auto answer = engine.sql("SELECT CAST(" + expression + " AS VARCHAR)");
  return answer ? answer->rows.at(0) : answer.error().message;
}

TEST(Functions, HashAsKustoDoes) {
  Engine engine;
  EXPECT_EQ(one(engine, "kc_xxh64('World')"), "1846988464401551951");
  EXPECT_EQ(one(engine, "kc_xxh64('Hello')"), "753694413698530628");
  EXPECT_EQ(one(engine, "kc_xxh64_ticks(635556672000000000)"), "1380966698541616202");
  EXPECT_EQ(xxh64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(xxh64("The quick brown fox jumps over the lazy dog"),
            0x0B242D361FDA71BCu);  // more than one stripe
}

TEST(Functions, WriteAndReadKustosTexts) {
  Engine engine;
  const std::vector<std::pair<std::string, std::string>> vectors{
      {"kc_datetime_text(0)", "0001-01-01T00:00:00.0000000Z"},
      {"kc_datetime_text(638000000000000001)", "2022-09-28T22:13:20.0000001Z"},
      {"kc_timespan_text(-5)", "-00:00:00.0000005"},
      {"kc_timespan_text(864000000000)", "1.00:00:00"},
      {"kc_real_text(0.1)", "0.1"},
      {"kc_real_text(5)", "5.0"},
      {"kc_real_text(900000)", "900000.0"},
      {"kc_real_text('1e300')", "1E+300"},
      {"kc_real_text('-1.5e-7')", "-1.5E-07"},
      {"kc_real_text('123456789012345.6')", "123456789012345.6"},
      {"kc_real_text('5e-324')", "5E-324"},
      {"kc_real_text('nan')", "NaN"},
      {"kc_real_text('-inf')", "-Infinity"},
      {"kc_guid_text('74BE27DE-1e4e-49d9-b579-fe0b331d3642'::UUID)",
       "74be27de-1e4e-49d9-b579-fe0b331d3642"},
      {"kc_parse_guid('74be27de-1e4e-49d9-b579-fe0b331d3642')",
       "74be27de-1e4e-49d9-b579-fe0b331d3642"},
      {"kc_parse_guid('no')", "null"},
      {"kc_parse_datetime('2022-09-28T22:13:20.0000001Z')", "638000000000000001"},
      {"kc_parse_datetime('yesterday')", "null"},
      {"kc_parse_timespan('1.00:00:00')", "864000000000"},
      {"kc_parse_timespan('x')", "null"},
      {"kc_parse_decimal(' 001.500 ')", "1.5"},
      {"kc_parse_decimal('-0.0')", "0"},
      {"kc_parse_decimal('1.5e3')", "1500"},
      {"kc_parse_decimal('1.5e-3')", "0.0015"},
      {"kc_parse_decimal('12345678901234567890123456789012345')", "null"},
      {"kc_parse_decimal('1,5')", "null"},
      {"kc_parse_long('0x1F')", "31"},
      {"kc_parse_long('12.9')", "12"},
      {"kc_parse_long('-9223372036854775808')", "-9223372036854775808"},
      {"kc_parse_long('')", "null"},
      {"kc_parse_real('1e3')", "1000.0"},
      {"kc_parse_bool('TRUE')", "true"},
      {"kc_parse_bool('2')", "true"},
      {"kc_parse_bool('maybe')", "null"},
      {"kc_decimal_compare('-10', '9.5')", "-1"},
      {"kc_decimal_compare('10', '9.5')", "1"},
      {"kc_decimal_compare('-1.5', '-1.25')", "-1"},
      {"kc_decimal_compare('0.1', '0.1')", "0"},
      {"kc_dynamic_text('\"a\\\"b\\u00e4\\/\"')", "a\"b\u00e4/"},
      {"kc_dynamic_text('{\"a\":1}')", "{\"a\":1}"},
      {"kc_json_string('a\"b' || chr(10))", "\"a\\\"b\\n\""},
      {"kc_parse_json(' { \"a\" : [ 1, null ] } ')", "{\"a\":[1,null]}"},
      {"kc_parse_json('not json')", "\"not json\""},
      {"kc_parse_json('null')", "null"},
      {"kc_parse_json('')", "null"},
      {"kc_has('the-quick fox', 'quick')", "true"},
      {"kc_has('thequick fox', 'quick')", "false"},
      {"kc_has('thequick quick', 'quick')", "true"},
      {"kc_tags_json('a' || chr(13) || chr(10) || 'b\"')", "[\"a\",\"b\\\"\"]"},
      {"kc_tags_json('')", "[]"},
      {"kc_xxh64(NULL)", "null"},
  };
  for (const auto& [expression, expected] : vectors)
    EXPECT_EQ(one(engine, expression), expected) << expression;
}

TEST(Functions, KeepNullsApartInLongVectorsOnSeveralThreads) {
  Engine engine;
  const auto answer = engine.sql(
      "SELECT count(*), count(h), count(h) FILTER (WHERE i % 3 = 0) FROM (SELECT i, kc_xxh64(CASE "
      "WHEN i % 3 = 0 THEN NULL ELSE "
      "kc_datetime_text(i) END) AS h FROM range(300000) AS r(i))");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->rows.at(0), "300000|200000|0");
}

}  // namespace
}  // namespace kc::engine
