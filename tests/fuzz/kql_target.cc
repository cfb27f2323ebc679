// The parser and the translator of KQL, over a database with one table and one function.
#include "tests/fuzz/kql_target.h"

#include "core/engine/syntax/parser.h"
#include "core/engine/translate/translate.h"

namespace kc::fuzz {
namespace {

using namespace kc::engine;

class OneTable final : public Binder {
 public:
  Result<Relation> table(std::string_view, std::string_view name, const ScanHints&) override {
    if (name != "T") return fail(ErrorKind::not_found, "fuzz.table", "no such table");
    Relation relation;
    relation.schema.columns = {{"a", ScalarType::long_},
                               {"s", ScalarType::string_},
                               {"t", ScalarType::datetime_},
                               {"d", ScalarType::dynamic_}};
    relation.sql = "t";
    return relation;
  }
  Result<std::vector<std::string>> table_names(std::string_view) override {
    return std::vector<std::string>{"T"};
  }
  std::int64_t now_ticks() override { return 638'000'000'000'000'000; }
  std::int64_t cursor_current() override { return 7; }
  std::string current_database() override { return "Db"; }
  Result<std::optional<StoredFunction>> function(std::string_view, std::string_view name) override {
    if (name != "F") return std::nullopt;
    return StoredFunction{"(x:long)", "{ T | where a > x | invoke F(x) }"};
  }
};

}  // namespace

void run_kql(std::string_view bytes) {
  const auto query = parse_query(bytes);
  if (query) {
    OneTable binder;
    (void)translate_all(*query, binder);
  }
  (void)parse_operators(bytes);
}

}  // namespace kc::fuzz
