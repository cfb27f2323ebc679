// AllTypes: each of Kusto's types at its extremes, as CSV records.
#include "core/engine/samples/public_tables.h"

namespace kc::engine {
namespace {

struct Row {
  const char *boolean, *integer, *longer, *real, *decimal, *datetime, *timespan, *guid, *string,
      *dynamic;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

constexpr const char* kGuid = "74be27de-1e4e-49d9-b579-fe0b331d3642";

const std::vector<Row>& extremes() {
  static const std::vector<Row> kRows = {
      {"true", "2147483647", "9223372036854775807", "1.7976931348623157e308",
       "9999999999999999999999999999999999", "9999-12-31T23:59:59.9999999Z",
       "10675199.02:48:05.4775807", "ffffffff-ffff-ffff-ffff-ffffffffffff", "plain", "{\"a\":1}"},
      {"false", "-2147483648", "-9223372036854775808", "-1.7976931348623157e308",
       "-9999999999999999999999999999999999", "0001-01-01T00:00:00.0000000Z",
       "-10675199.02:48:05.4775808", "00000000-0000-0000-0000-000000000000", "", "[]"},
      {"", "", "", "", "", "", "", "", "", ""},
      {"true", "0", "0", "0.0", "0", "1970-01-01T00:00:00.0000000Z", "00:00:00", kGuid, " ", "{}"},
      {"false", "-1", "-1", "-0.0", "-1", "1969-12-31T23:59:59.9999999Z", "-00:00:00.0000001",
       kGuid, "a,b;c\td|e", "[1,\"x\",null,true]"},
      {"true", "1", "1", "NaN", "0.1", "2024-02-29T12:34:56.7890123Z", "00:00:00.0000001", kGuid,
       "he said \"yes\"", "{\"q\":\"a \\\"b\\\" c\"}"},
      {"true", "2", "9007199254740993", "Infinity", "0.0000000000000000000000000000000001",
       "2024-12-31T23:59:60.0000000Z", "1.00:00:00", kGuid, "line one\r\nline two", "\"text\""},
      {"false", "3", "-9007199254740993", "-Infinity", "123456789012345678.9012345678901234",
       "2000-01-01T00:00:00.0000001Z", "-1.02:03:04.0500000", kGuid,
       "\xC3\xBC\xC3\xB1\xC3\xAF\xE2\x82\xAC \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80",
       "{\"\xE6\x97\xA5\":\"\xF0\x9F\x98\x80\"}"},
      {"true", "4", "4", "5e-324", "-0.5", "1900-06-15T01:02:03.4567891Z", "23:59:59.9999999",
       kGuid, "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7", "3"},
      {"false", "5", "5", "2.2250738585072014e-308", "12345.6789", "2262-04-11T23:47:16.8547758Z",
       "365.00:00:00", kGuid, "null", "false"},
      {"", "6", "", "0.1", "", "1677-09-21T00:12:43.1452241Z", "", kGuid, "\\n is no line feed",
       "{\"n\":{\"m\":[{\"k\":2.5}]}}"},
      {"true", "", "7", "", "7", "", "00:00:07", "", "'single' and `back`", "12345678901234567"},
  };
  return kRows;
}

std::string record(int key, const Row& row) {
  const std::string_view dynamic = row.dynamic;
  return std::to_string(key) + "," + row.boolean + "," + row.integer + "," + row.longer + "," +
         row.real + "," + row.decimal + "," + row.datetime + "," + row.timespan + "," + row.guid +
         "," + quoted(row.string) + "," + (dynamic.empty() ? "" : quoted(dynamic)) + "\n";
}

}  // namespace

std::string all_types_columns() {
  return "(Key:int, Bool:bool, Int:int, Long:long, Real:real, Decimal:decimal, DateTime:datetime, "
         "TimeSpan:timespan, Guid:guid, String:string, Dynamic:dynamic)";
}

std::string all_types_csv() {
  std::string csv;
  int key = 0;
  for (const auto& row : extremes()) csv += record(key++, row);
  // Ordinary values between the extremes, one tick and one unit apart.
  for (; key < 48; ++key) {
    const auto n = std::to_string(key);
    const auto two = (key < 10 ? "0" : "") + n;
    const std::string datetime = "2024-03-" + std::to_string(10 + key % 20) + "T10:" + two +
                                 ":00.00000" + two + "Z",
                      span = std::to_string(key) + ".01:02:03.00000" + two;
    const std::string text = "row " + n + (key % 3 == 0 ? ", with \"quotes\"" : ""),
                      real = n + ".25", decimal = n + ".000000000000000000" + n;
    const std::string dynamic = "{\"key\":" + n + ",\"tags\":[\"a\",\"b" + n + "\"]}",
                      longer = n + "000000000000";
    csv += record(key, {key % 2 == 0 ? "true" : "false", n.c_str(), longer.c_str(), real.c_str(),
                        decimal.c_str(), datetime.c_str(), span.c_str(), kGuid, text.c_str(),
                        dynamic.c_str()});
  }
  return csv;
}

}  // namespace kc::engine
