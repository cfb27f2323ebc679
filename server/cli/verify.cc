#include "server/cli/verify.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/base/rng.h"
#include "core/net/curl_transport.h"
#include "server/cli/exit_code.h"
#include "server/cli/output.h"
#include "server/cli/program.h"
#include "server/cli/sign_in.h"
#include "server/config.h"
#include "server/connections.h"

namespace kc::server {
namespace {

kusto::CallOptions call(const std::string& step) {
  static constexpr Timespan kDeadline = Timespan::seconds(240);
  Rng rng = Rng::from_entropy();
  return {.request_id = "KustoCopy." + step + ";" + Uuid::random(rng).text(),
          .deadline = kDeadline};
}

template <class T>
Result<T> ask(kusto::Kusto& door, kusto::Read read, const std::string& step) {
  KC_TRY(auto answer, door.run(std::move(read), call(step)));
  return std::get<T>(std::move(answer));
}

Result<std::vector<kusto::TableEntry>> chosen(kusto::Kusto& source, const ComparisonWish& wish) {
  KC_TRY(auto all, ask<kusto::TableList>(source, kusto::ReadTables{{wish.source_db}}, "tables"));
  std::set<std::string> include(wish.include.begin(), wish.include.end());
  const std::set<std::string> exclude(wish.exclude.begin(), wish.exclude.end());
  const bool everything = include.empty();
  std::vector<kusto::TableEntry> tables;
  for (auto& table : all.tables) {
    const std::string name = table.name.value;
    if ((everything || include.erase(name) > 0) && !exclude.contains(name))
      tables.push_back(std::move(table));
  }
  if (!include.empty()) {
    return fail(ErrorKind::not_found, "preflight.table_not_found",
                "database '" + wish.source_db + "' has no table '" + *include.begin() + "'");
  }
  return tables;
}

std::string shown(const std::optional<kusto::Digest>& digest) {
  if (!digest) return "absent";
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(digest->hash_sum) * 0x9E3779B97F4A7C15ULL ^
                    static_cast<unsigned long long>(digest->hash_xor));
  return text.data();
}

}  // namespace

Result<std::vector<Comparison>> compare(kusto::Kusto& source, kusto::Kusto& destination,
                                        const ComparisonWish& wish) {
  KC_TRY(const auto tables, chosen(source, wish));
  KC_TRY(const auto there,
         ask<kusto::TableList>(destination, kusto::ReadTables{{wish.destination_db}}, "tables"));
  std::vector<Comparison> comparisons;
  for (const auto& table : tables) {
    Comparison one{.table = table.name.value, .source = {}, .destination = {}};
    const auto& columns = table.schema.columns;
    KC_TRY(one.source,
           ask<kusto::Digest>(source, kusto::ReadDigest{{wish.source_db}, table.name, columns},
                              "digest"));
    const bool present =
        std::any_of(there.tables.begin(), there.tables.end(),
                    [&](const kusto::TableEntry& each) { return each.name == table.name; });
    if (present) {
      KC_TRY(one.destination,
             ask<kusto::Digest>(destination,
                                kusto::ReadDigest{{wish.destination_db}, table.name, columns},
                                "digest"));
    }
    comparisons.push_back(std::move(one));
  }
  return comparisons;
}

bool all_equal(const std::vector<Comparison>& comparisons) {
  return std::all_of(comparisons.begin(), comparisons.end(),
                     [](const Comparison& one) { return one.equal(); });
}

void print(const std::vector<Comparison>& comparisons) {
  std::printf("%-24s %14s %14s  %-16s  %-16s\n", "table", "source rows", "dest. rows",
              "source digest", "dest. digest");
  for (const Comparison& one : comparisons) {
    std::printf("%-24s %14s %14s  %-16s  %-16s  %s\n", one.table.c_str(),
                with_separators(one.source.rows).c_str(),
                one.destination ? with_separators(one.destination->rows).c_str() : "-",
                shown(one.source).c_str(), shown(one.destination).c_str(),
                one.equal() ? "equal" : "DIFFERENT");
  }
  std::fflush(stdout);
}

int run_verify(const Settings& settings, Signals& signals) {
  for (const char* name : {"source", "destination", "db"}) {
    if (!settings.given(name)) {
      return report(Error{.kind = ErrorKind::invalid,
                          .code = "request.missing_field",
                          .message = std::string("--") + name + " is required",
                          .fix = "see kusto-copy verify --help"});
    }
  }
  const SystemClock clock;
  net::CurlTransport transport;
  const auto identities = identities_of(settings, transport, clock);
  if (!identities) return report(identities.error());
  auto source = connect(settings.text("source"), *identities);
  if (!source) return report(source.error());
  auto destination = connect(settings.text("destination"), *identities);
  if (!destination) return report(destination.error());
  if (const auto signed_in = sign_in_first({settings.text("source"), settings.text("destination")},
                                           *identities, signals);
      !signed_in || *signed_in != 0) {
    return signed_in ? 128 + *signed_in : report(signed_in.error());
  }
  const std::string db = settings.text("db");
  const auto comparisons = compare(
      **source, **destination,
      {.source_db = db,
       .destination_db = settings.given("destination-db") ? settings.text("destination-db") : db,
       .include = settings.list("tables-include"),
       .exclude = settings.list("tables-exclude")});
  if (!comparisons) return report(comparisons.error());
  print(*comparisons);
  return all_equal(*comparisons) ? kExitDone : kExitDifferent;
}

}  // namespace kc::server
