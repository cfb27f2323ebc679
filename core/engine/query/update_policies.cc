#include "core/engine/query/update_policies.h"

#include "core/base/json.h"
#include "core/engine/points.h"
#include "core/engine/query/run.h"
#include "core/engine/storage/ingestor.h"
#include "core/engine/syntax/parser.h"

namespace kc::engine {
namespace {

constexpr int kCascadeMax = 10;

// The source's name stands for the rows that come in, and for nothing else that the table holds.
class UpdateBinder final : public RequestBinder {
 public:
  UpdateBinder(Session& session, const CatalogueTable& source, const std::vector<Extent>& extents,
               const std::vector<std::vector<Column>>& shapes)
      : RequestBinder(session),
        files_(*session.host.files),
        source_(source),
        extents_(extents),
        shapes_(shapes) {}

  Result<Relation> table(std::string_view database, std::string_view name,
                         const ScanHints& hints) override {
    if (!database.empty() || name != source_.name)
      return RequestBinder::table(database, name, hints);
    Relation relation;
    relation.schema = source_.schema;
    relation.sql = extents_sql(source_.schema, extents_, shapes_, files_, hints);
    for (std::size_t i = 0; i < source_.schema.columns.size(); ++i)
      relation.sql_names.push_back("c" + std::to_string(i));
    return relation;
  }

 private:
  const ExtentFiles& files_;
  const CatalogueTable& source_;
  const std::vector<Extent>& extents_;
  const std::vector<std::vector<Column>>& shapes_;
};

Failure policy_error(const std::string& code, const std::string& target, const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.update_policy", .message = {}};
  error.message =
      "UpdatePolicy_" + code + ": the update policy of the table '" + target + "' failed: " + what;
  error.service_code = "UpdatePolicy_" + code;
  return fail(std::move(error));
}

}  // namespace

struct DerivedRows::Rule {
  CatalogueTable target;
  std::string database;
  std::string query;
  bool transactional = false;
  bool propagates = false;
};

Result<std::vector<DerivedRows::Rule>> DerivedRows::rules_of(const CatalogueTable& source) {
  std::vector<Rule> rules;
  const auto read = host_.catalogue->read([&](CatalogueView& view) -> Result<void> {
    std::string name;
    KC_TRY(const auto databases, view.databases());
    for (const auto& database : databases) {
      if (database.id == source.database) name = database.name;
    }
    KC_TRY(const auto tables, view.tables(source.database));
    for (const auto& table : tables) {
      KC_TRY(const auto policies, view.policies(table.id));
      const auto policy = policies.find("update");
      if (policy == policies.end()) continue;
      const auto json = nlohmann::json::parse(policy->second, nullptr, false);
      if (!json.is_array()) continue;
      for (const auto& one : json) {
        if (!one.value("IsEnabled", true) || one.value("Source", "") != source.name) continue;
        rules.push_back({table, name, one.value("Query", ""), one.value("IsTransactional", false),
                         one.value("PropagateIngestionProperties", false)});
      }
    }
    return {};
  });
  KC_CHECK_OK(read);
  return rules;
}

Result<DerivedRows::Made> DerivedRows::run(const Rule& rule, const CatalogueTable& source,
                                           const std::vector<Extent>& extents,
                                           const std::vector<std::vector<Column>>& shapes) {
  Session session{host_, rule.database, {}};
  UpdateBinder binder(session, source, extents, shapes);
  const auto query = parse_query(rule.query);
  if (!query) return policy_error("BadRequest", rule.target.name, query.error().message);
  const auto translated = translate(*query, binder);
  if (!translated) return policy_error("BadRequest", rule.target.name, translated.error().message);
  const auto& columns = rule.target.schema.columns;
  bool same = translated->columns.size() == columns.size();
  for (std::size_t i = 0; same && i < columns.size(); ++i)
    same = translated->columns[i].type == columns[i].type;
  if (!same)
    return policy_error("QuerySchemaDoesNotMatchTableSchema", rule.target.name,
                        "its query does not yield the table's columns");
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i)
    names += (i > 0 ? ", c" : "c") + std::to_string(i);
  Made made{rule.target, {}, std::make_unique<ExtentWriter>(host_)};
  auto written = made.writer->write(
      {.select = "SELECT " + names + " FROM (" + translated->sql + ") AS rows(" + names + ")",
       .points = {"ingest.written", "ingest.published"}});
  if (!written) return policy_error("IngestionError", rule.target.name, written.error().message);
  made.extents = std::move(*written);
  for (auto& extent : made.extents) {
    extent.table = rule.target.id;
    extent.created_min = extent.created_max = host_.now();
    if (rule.propagates && !extents.empty()) {
      extent.created_min = extents.front().created_min;
      extent.created_max = extents.front().created_max;
      extent.tags = extents.front().tags;
    }
  }
  return made;
}

// The policy's own rows, and what follows from them; nothing of it where a later one fails.
Result<void> DerivedRows::follow(const Rule& rule, const CatalogueTable& source,
                                 const std::vector<Extent>& extents,
                                 const std::vector<std::vector<Column>>& shapes) {
  KC_TRY(auto made, run(rule, source, extents, shapes));
  const auto before = made_.size();
  const auto table = made.table;
  const auto derived = made.extents;
  made_.push_back(std::move(made));
  if (derived.empty()) return {};
  const std::vector<std::vector<Column>> own(derived.size(), table.schema.columns);
  auto followed = derive(table, derived, own);
  if (!followed) made_.resize(before);
  return followed;
}

Result<void> DerivedRows::derive(const CatalogueTable& table, const std::vector<Extent>& extents,
                                 const std::vector<std::vector<Column>>& shapes) {
  if (extents.empty()) return {};
  KC_TRY(const auto rules, rules_of(table));
  for (const auto& rule : rules) {
    if (depth_ >= kCascadeMax)
      return policy_error("Cyclic_Update_Not_Allowed", rule.target.name,
                          "policies follow from one another without end");
    ++depth_;
    auto done = follow(rule, table, extents, shapes);
    --depth_;
    if (done) continue;
    if (rule.transactional) return done;
    record(rule, done.error());
  }
  return {};
}

void DerivedRows::record(const Rule& rule, const Error& error) {
  IngestionFailure entry;
  entry.at = host_.now();
  entry.database = rule.database;
  entry.table = rule.target.name;
  entry.details = error.message;
  entry.code = error.service_code;
  entry.kind = "UpdatePolicy";
  entry.from_update_policy = true;
  entry.properties = "{}";
  // A catalogue that cannot be written fails the ingestion itself.
  (void)host_.catalogue->change(
      [&](CatalogueView& view) { return view.add_ingestion_failure(entry); });
}

Result<bool> DerivedRows::any_for(const CatalogueTable& table) {
  KC_TRY(const auto rules, rules_of(table));
  return !rules.empty();
}

Result<void> DerivedRows::add(CatalogueView& view) {
  for (auto& made : made_) KC_CHECK_OK(stamp_extents(host_, view, made.table, made.extents));
  return {};
}

void DerivedRows::keep() {
  for (auto& made : made_) made.writer->keep();
}

}  // namespace kc::engine
