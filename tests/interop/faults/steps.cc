#include "tests/interop/faults/steps.h"

#include <fstream>

#include "core/azure/entra.h"
#include "core/base/check.h"

namespace kc::faults {
namespace {

using namespace kusto;  // every command here is one of the door's

const DatabaseName kDb{"Faults"};
const std::string kSource = "Source";
const std::string kText = "what a blob holds";

std::vector<Column> columns() { return {{"Value", ScalarType::long_}}; }

template <class T>
T need(Result<T> result) {
  KC_ASSERT(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

template <class T>
Result<void> done(const Result<T>& result) {
  if (result) return {};
  return fail(result.error());
}

Failure wrong(const char* what) { return fail(ErrorKind::corrupt, "lab.wrong", what); }

}  // namespace

Steps::Steps(FaultLab& lab)
    : lab_(lab),
      blobs_(lab.transport(), lab.clock(), lab.address(""), lab.line()),
      straight_(lab.transport(), lab.clock(), lab.address("", false), lab.line()),
      identities_(lab.new_identities()),
      kusto_(lab.kusto(kDb.value, identities_)) {
  lab.must("NetDefaultDB", ".create database " + kDb.value);
  lab.must(kDb.value, ".create table " + kSource + " (Value: long)");
  lab.must(kDb.value, ".ingest inline into table " + kSource + " <|\n1\n2\n3");
  cursor_ = std::get<Cursor>(need(kusto_->run(Read{ReadCursor{kDb}}, {.request_id = "cursor"})));
  std::ofstream(lab.folder() / "rows.csv") << "1\n2\n";
  const auto started = kusto_->run(Write{StartIngest{kDb,
                                                     {kSource},
                                                     {(lab.folder() / "rows.csv").string()},
                                                     ExportFormat::csv,
                                                     columns(),
                                                     "drop-by:kc/lab"}},
                                   {.request_id = "ingest"});
  operation_ = std::get<StartedOperation>(need(started)).id;
}

fakes::FaultRule Steps::rule(Step step, fakes::Fault fault, bool once) {
  fakes::FaultRule rule{.fault = fault};
  if (once) rule.which = {1};
  switch (family_of(step)) {
    case Family::cluster:
      rule.proxy = &lab_.cluster();
      break;
    case Family::blob:
    case Family::lake:
      rule.proxy = &lab_.blobs();
      break;
    case Family::queue:
      rule.proxy = &lab_.queues();
      break;
    case Family::issuer:
      rule.proxy = &lab_.issuer();
      break;
  }
  return rule;
}

Attempt Steps::prepare(Step step) {
  ++number_;
  switch (family_of(step)) {
    case Family::cluster:
      return on_cluster(step);
    case Family::blob:
      return on_blobs(step);
    case Family::queue:
      return on_queue(step);
    case Family::lake:
      return on_lake(step);
    case Family::issuer:
      return on_issuer(step);
  }
  return {};
}

Attempt Steps::on_cluster(Step step) {
  const auto send = [this](Command command) {
    return done(
        kusto_->run(command, {.request_id = "KustoCopy.faults;" + std::to_string(number_)}));
  };
  const auto operations = [this](const std::string& kind) {
    return lab_.count(kDb.value,
                      ".show operations | where Operation contains '" + kind + "' | count");
  };
  switch (step) {
    case Step::query:
      return {[send] { return send(Read{ReadTableCount{kDb, {kSource}}}); }};
    case Step::operations:
      return {[send, this] { return send(Read{ReadOperations{{operation_}}}); }};
    case Step::command: {
      const auto table = "made" + std::to_string(number_);
      return {[send, table] {
                return send(Write{CreateStaging{kDb, {table}, columns()}});
              },
              [this, table] {
                return lab_.count(kDb.value,
                                  ".show tables | where TableName == '" + table + "' | count");
              }};
    }
    case Step::export_: {
      const auto folder = lab_.folder() / ("export" + std::to_string(number_));
      std::filesystem::create_directories(folder);
      const auto before = operations("Export");
      const StartExport what{kDb,
                             {.table = {kSource}, .before_or_at = cursor_},
                             columns(),
                             ExportFormat::csv,
                             folder.string()};
      return {[send, what] { return send(Write{what}); },
              [operations, before] { return operations("Export") - before; }};
    }
    default: {
      const auto before = operations("Ingest");
      const StartIngest what{kDb,
                             {kSource},
                             {(lab_.folder() / "rows.csv").string()},
                             ExportFormat::csv,
                             columns(),
                             "drop-by:kc/" + std::to_string(number_)};
      return {[send, what] { return send(Write{what}); },
              [operations, before] { return operations("Ingest") - before; }};
    }
  }
}

std::int64_t Steps::exists(const std::string& blob) {
  const auto found = straight_.properties(blob);
  KC_ASSERT(found || found.error().kind == ErrorKind::not_found);
  return found ? 1 : 0;
}

Attempt Steps::on_blobs(Step step) {
  const auto folder = "blobs/" + std::to_string(number_), name = folder + "/one";
  if (step != Step::blob_put) need(straight_.put(name, kText));
  switch (step) {
    case Step::blob_put:
      return {[this, name] { return done(blobs_.put(name, kText)); },
              [this, name] { return exists(name); }};
    case Step::blob_get:
      return {[this, name]() -> Result<void> {
        KC_TRY(const auto read, blobs_.read(name));
        if (read != kText) return wrong("the blob holds something else");
        return {};
      }};
    case Step::blob_list:
      return {[this, folder]() -> Result<void> {
        KC_TRY(const auto page, blobs_.list(folder + "/"));
        if (page.blobs.size() != 1) return wrong("the listing is not whole");
        return {};
      }};
    default:
      return {[this, name] { return blobs_.remove(name); },
              [this, name] { return 1 - exists(name); }};
  }
}

Attempt Steps::on_queue(Step step) {
  const auto name = "queue-" + std::to_string(number_);
  const std::shared_ptr<azure::Queue> mine = lab_.queue(name, true);
  const std::shared_ptr<azure::Queue> straight = lab_.queue(name, false);
  need(straight->create());
  if (step == Step::queue_put)
    return {[mine] { return mine->put("message"); },
            [straight] { return need(straight->length()); }};
  KC_ASSERT(straight->put("message").has_value());
  if (step == Step::queue_get) {
    return {[mine]() -> Result<void> {
      KC_TRY(const auto got, mine->get(1, Timespan::seconds(1)));
      // After a lost answer it stays hidden for a while.
      if (got.size() > 1) return wrong("more messages than were put");
      return {};
    }};
  }
  const auto message = need(straight->get(1, Timespan::seconds(600))).at(0);
  if (step == Step::queue_hold)
    return {[mine, message] { return done(mine->keep_hidden(message, Timespan::seconds(600))); }};
  return {[mine, message] { return mine->remove(message); },
          [straight] { return 1 - need(straight->length()); }};
}

Attempt Steps::on_lake(Step step) {
  const auto root = "lakes/" + std::to_string(number_), blob = root + "/f/one";
  const std::shared_ptr<Lake> lake = lab_.lake(root);
  if (step != Step::lake_put && step != Step::lake_create) need(straight_.put(blob, kText));
  switch (step) {
    case Step::lake_put:
      return {[lake] { return lake->put("f/one", kText); }, [this, blob] { return exists(blob); }};
    case Step::lake_create:
      return {[lake]() -> Result<void> {
                KC_TRY(const auto created, lake->create_if_absent("f/one", kText));
                if (created != Created::created) return wrong("somebody else's");
                return {};
              },
              [this, blob] { return exists(blob); }};
    case Step::lake_get:
      return {[lake]() -> Result<void> {
        KC_TRY(const auto read, lake->get("f/one"));
        if (read != kText) return wrong("the file holds something else");
        return {};
      }};
    case Step::lake_list:
      return {[lake]() -> Result<void> {
        KC_TRY(const auto files, lake->list("f/"));
        if (files.size() != 1) return wrong("the listing is not whole");
        return {};
      }};
    default:
      return {[lake] { return lake->remove("f/one"); }, [this, blob] { return 1 - exists(blob); }};
  }
}

Attempt Steps::on_issuer(Step step) {
  const auto fresh = lab_.new_identities();
  if (step == Step::sign_in) {
    const std::shared_ptr<kusto::Kusto> client = lab_.kusto(kDb.value, fresh);
    return {[client] {
      return done(client->run(Read{ReadTableCount{kDb, {kSource}}}, {.request_id = "sign in"}));
    }};
  }
  azure::Application who;
  who.authority = lab_.issuer().url();
  who.tenant = "tenant-1";
  who.client_id = "app";
  const std::shared_ptr<azure::TokenCredential> credential =
      need(azure::client_secret(fresh->surroundings, who, "k3y"));
  return {[credential, fresh] {
    return done(credential->token({.scope = "https://kusto.kusto.windows.net/.default"}));
  }};
}

}  // namespace kc::faults
