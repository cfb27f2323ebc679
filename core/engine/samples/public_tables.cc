#include "core/engine/samples/public_tables.h"

#include <algorithm>
#include <cmath>

namespace kc::engine {
namespace {

// A number in [0, bound) that depends on the seed, the row and the column's salt only.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}
  std::string below(int salt, std::int64_t bound) const {
    return "CAST(hash(i, " + std::to_string(salt) + ", " + std::to_string(seed_ % 1'000'000'007) +
           ") % " + std::to_string(bound) + " AS BIGINT)";
  }
  std::string pick(int salt, const std::string& list) const {
    return "list_extract(" + list + ", 1 + " + below(salt, count(list)) + ")";
  }
  std::string unit(int salt) const { return "(" + below(salt, 1'000'000) + " / 1000000.0)"; }

 private:
  static std::int64_t count(const std::string& list) {
    return 1 + std::count(list.begin(), list.end(), ',');
  }
  std::uint64_t seed_;
};

constexpr const char* kStates =
    "['ALABAMA','ALASKA','ARIZONA','ARKANSAS','CALIFORNIA','COLORADO','CONNECTICUT','DELAWARE','"
    "FLORIDA','GEORGIA','HAWAII','IDAHO',"
    "'ILLINOIS','INDIANA','IOWA','KANSAS','KENTUCKY','LOUISIANA','MAINE','MARYLAND','MASSACHUSETTS'"
    ",'MICHIGAN','MINNESOTA','MISSISSIPPI',"
    "'MISSOURI','MONTANA','NEBRASKA','NEVADA','NEW HAMPSHIRE','NEW JERSEY','NEW MEXICO','NEW "
    "YORK','NORTH CAROLINA','NORTH DAKOTA','OHIO',"
    "'OKLAHOMA','OREGON','PENNSYLVANIA','RHODE ISLAND','SOUTH CAROLINA','SOUTH "
    "DAKOTA','TENNESSEE','TEXAS','UTAH','VERMONT','VIRGINIA',"
    "'WASHINGTON','WEST VIRGINIA','WISCONSIN','WYOMING','DISTRICT OF COLUMBIA','PUERTO RICO']";
constexpr const char* kEvents =
    "['Thunderstorm Wind','Hail','Flash Flood','Drought','Winter Weather','Winter Storm','Heavy "
    "Snow','High Wind','Flood','Tornado',"
    "'Heavy Rain','Strong Wind','Dense Fog','Lightning','Excessive Heat','Ice "
    "Storm','Blizzard','Wildfire','Waterspout','High Surf']";
constexpr const char* kSources =
    "['Trained Spotter','Law Enforcement','Public','Emergency Manager','COOP "
    "Observer','Newspaper','Amateur Radio','NWS Storm Survey']";
constexpr const char* kPlaces =
    "['SPRINGFIELD','FRANKLIN','GREENVILLE','BRISTOL','CLINTON','FAIRVIEW','SALEM','MADISON','"
    "GEORGETOWN','ARLINGTON']";

std::string ticks(const std::string& seconds) { return "(" + seconds + ") * 10000000"; }
constexpr const char* kYear2007 = "633032928000000000";  // 2007-01-01

SampleTable storm_events(std::int64_t rows, const Dice& dice) {
  const auto start =
      "(" + std::string(kYear2007) + " + " +
      ticks("i * 31536000 // " + std::to_string(std::max<std::int64_t>(rows, 1)) + " // 60 * 60") +
      ")";
  const auto length = dice.below(2, 72) + " * 600";
  const auto state = dice.pick(4, kStates), event = dice.pick(5, kEvents);
  const auto rarely = [&](int salt, int share, int bound) {
    return "CAST(CASE WHEN " + dice.below(salt, share) + " = 0 THEN 1 + " +
           dice.below(salt + 100, bound) + " ELSE 0 END AS INTEGER)";
  };
  const auto damage = "CAST(CASE WHEN " + dice.below(10, 4) + " = 0 THEN (1 + " +
                      dice.below(110, 500) + ") * 1000 ELSE 0 END AS INTEGER)";
  const auto latitude = "round(25 + 24 * " + dice.unit(12) + ", 4)",
             longitude = "round(-124 + 57 * " + dice.unit(13) + ", 4)";
  const auto narrative = "concat('A ', lower(" + event + "), ' was reported near ', " +
                         dice.pick(14, kPlaces) + ", '. ', CASE WHEN " + dice.below(15, 3) +
                         " = 0 THEN 'Several trees and power lines were blown down, \"some\" "
                         "across roads.' ELSE '' END)";
  return {"StormEvents",
          "(StartTime:datetime, EndTime:datetime, EpisodeId:int, EventId:int, State:string, "
          "EventType:string, InjuriesDirect:int, "
          "InjuriesIndirect:int, DeathsDirect:int, DeathsIndirect:int, DamageProperty:int, "
          "DamageCrops:int, Source:string, "
          "BeginLocation:string, EndLocation:string, BeginLat:real, BeginLon:real, EndLat:real, "
          "EndLon:real, EpisodeNarrative:string, "
          "EventNarrative:string, StormSummary:dynamic)",
          rows,
          {start,
           start + " + " + ticks(length),
           "CAST(1000 + i // 7 AS INTEGER)",
           "CAST(9000 + i AS INTEGER)",
           state,
           event,
           rarely(6, 60, 12),
           rarely(7, 300, 4),
           rarely(8, 150, 3),
           rarely(9, 500, 2),
           damage,
           rarely(11, 90, 90000),
           dice.pick(3, kSources),
           dice.pick(14, kPlaces),
           dice.pick(16, kPlaces),
           latitude,
           longitude,
           latitude + " + 0.01",
           longitude + " - 0.02",
           "concat('Episode ', i // 7, ' of the season.')",
           narrative,
           "concat('{\"TotalDamages\":', " + damage + ", ',\"StartTime\":\"', kc_datetime_text(" +
               start + "), '\",\"Details\":{\"Description\":', kc_json_string(" + event +
               "), ',\"Location\":', kc_json_string(" + state + "), '}}')"},
          4};
}

SampleTable series(std::int64_t rows, const Dice& dice) {
  const auto at = "(636080256000000000 + i * 604800 * 10000000 // " +
                  std::to_string(std::max<std::int64_t>(rows, 1)) + " + " +
                  dice.below(20, 10'000'000) + ")";
  return {
      "demo_make_series1",
      "(TimeStamp:datetime, BrowserVer:string, OsVer:string, Country:string)",
      rows,
      {at,
       dice.pick(21,
                 "['Chrome 51.0','Chrome 52.0','Chrome 53.0','Edge 13.0','Edge 14.0','Firefox "
                 "47.0','Firefox 48.0','IE 11.0','Safari 9.1']"),
       dice.pick(
           22,
           "['Windows 10','Windows 7','Windows 8.1','Mac OS X','Linux','Android 6.0','iOS 9.3']"),
       dice.pick(
           23,
           "['United States','United "
           "Kingdom','India','Germany','France','Japan','Brazil','Canada','Israel','Italy','']")},
      3};
}

SampleTable sessions(std::int64_t rows, const Dice& dice) {
  const auto kind =
      dice.pick(31, "['Breakout','Workshop','Keynote','Lightning Talk','Expert-led Tour']");
  const auto start =
      "(637708032000000000 + " + ticks("(i % 5) * 86400 + " + dice.below(32, 20) + " * 1800") + ")";
  return {"ConferenceSessions",
          "(conference:string, sessionid:string, session_title:string, session_type:string, "
          "owner:string, participants:string, URL:string, "
          "level:int, session_location:string, starttime:datetime, duration:int, "
          "time_and_duration:string, kusto_affinity:string)",
          rows,
          {dice.pick(30, "['Ignite 2018','Build 2019','Build 2020','Ignite 2021']"),
           "concat('BRK', 1000 + i)",
           "concat('Session ', i, ': ', " +
               dice.pick(33,
                         "['Fast analytics','Telemetry at scale','From logs to insight','Time "
                         "series in depth','Monitoring the cloud']") +
               ")",
           kind, dice.pick(34, "['Ana Silva','Chen Wei','Priya Nair','John O''Neil','Zoë Müller']"),
           "concat(" + dice.pick(35, "['Ana Silva','Chen Wei','Priya Nair']") + ", '; ', " +
               dice.pick(36, "['John O''Neil','Zoë Müller','Bo Li']") + ")",
           "concat('https://example.com/sessions/', 1000 + i)",
           "CASE WHEN " + dice.below(37, 8) + " = 0 THEN NULL ELSE CAST(100 * (1 + " +
               dice.below(38, 4) + ") AS INTEGER) END",
           dice.pick(39, "['Hall 1','Hall 2','Theater 4','Online','']"), start,
           "CASE WHEN " + dice.below(40, 10) + " = 0 THEN NULL ELSE CAST(15 * (1 + " +
               dice.below(41, 5) + ") AS INTEGER) END",
           "concat(kc_datetime_text(" + start + "), ' / ', 15 * (1 + " + dice.below(41, 5) +
               "), ' min')",
           dice.pick(42, "['Focused','Showcase','Mention','']")},
          2};
}

SampleTable states(std::int64_t rows, const Dice& dice) {
  const auto name = "list_extract(" + std::string(kStates) + ", 1 + i % 52)";
  const auto x = "round(-124 + 57 * " + dice.unit(51) + ", 3)",
             y = "round(25 + 24 * " + dice.unit(52) + ", 3)";
  const auto point = [&](const std::string& dx, const std::string& dy) {
    return "'[', " + x + dx + ", ',', " + y + dy + ", ']'";
  };
  return {"US_States",
          "(type:string, features:dynamic)",
          rows,
          {"'Feature'",
           "concat('{\"properties\":{\"NAME\":\"', " + name +
               ", '\",\"id\":', i, '},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[', " +
               point("", "") + ", ',', " + point(" + 1", "") + ", ',', " + point(" + 1", " + 1") +
               ", ',', " + point("", "") + ", ']]}}')"},
          2};
}

SampleTable logs(std::int64_t rows, const Dice& dice) {
  return {
      "Logs",
      "(Timestamp:datetime, Level:string, Service:string, Node:string, TraceId:string, "
      "Message:string, DurationMs:real, Count:long, Size:int, Failed:bool)",
      rows,
      {"(638396640000000000 + i * 500000 + " + dice.below(60, 40'000) + " * 10)",
       dice.pick(61, "['Info','Info','Info','Debug','Warning','Error']"),
       dice.pick(62, "['gateway','orders','payments','catalog','search','users','mail']"),
       "concat('node-', lpad(CAST(" + dice.below(63, 64) + " AS VARCHAR), 3, '0'))",
       "format('{:016x}{:016x}', hash(i, 64), hash(i, 65))",
       "concat('request ', i, ' for tenant ', " + dice.below(66, 5000) + ", ' took path /api/v', " +
           dice.below(67, 3) + ", '/items/', " + dice.below(68, 1'000'000) + ")",
       "round(exp(" + dice.unit(69) + " * 8), 3)", dice.below(70, 1'000'000'000),
       "CAST(" + dice.below(71, 65536) + " AS INTEGER)", dice.below(72, 20) + " = 0"},
      std::max(1, static_cast<int>(std::min<std::int64_t>(10, rows / 500'000)))};
}

}  // namespace

std::vector<SampleTable> sample_tables(const SampleOptions& options) {
  const Dice dice(options.seed);
  const auto scaled = [&](std::int64_t rows) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(rows) * options.factor));
  };
  std::vector<SampleTable> tables;
  if (options.public_tables) {
    tables.push_back(storm_events(scaled(59'066), dice));
    tables.push_back(sessions(scaled(1'000), dice));
    tables.push_back(states(scaled(52), dice));
    tables.push_back(series(scaled(100'000 - 59'066 - 1'000 - 52), dice));
  }
  if (options.log_rows > 0) tables.push_back(logs(options.log_rows, dice));
  return tables;
}

}  // namespace kc::engine
