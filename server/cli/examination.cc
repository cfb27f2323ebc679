#include "server/cli/examination.h"

#include <algorithm>
#include <filesystem>

#include "core/base/ids.h"
#include "core/base/redact.h"
#include "core/base/rng.h"
#include "core/kusto/cluster_probe.h"
#include "core/kusto/rest_kusto.h"

namespace kc::server {
namespace {

constexpr std::int64_t kNamedRolesMax = 5;

// What helps against the usual failures, where their error does not say.
std::string fix_of(const std::string& step, const Error& error, bool signs_in) {
  if (!error.fix.empty()) return error.fix;
  if (error.code == "net.unreachable")
    return "check the host name, the network and https_proxy of the environment";
  if (error.code == "net.tls_untrusted")
    return "SSL_CERT_FILE names the authority of a proxy that opens TLS";
  if (step == "database" && error.code == "kusto.database_not_found")
    return "give the database's name with --db, or in the connection string";
  if (error.kind == ErrorKind::denied && !signs_in && step == "version")
    return "add `Fed=True` to the connection string, and who asks";
  return {};
}

// Runs steps one after the other, each with what is left of the time.
class Steps {
 public:
  Steps(Examination& all, const ExaminationOptions& options, bool signs_in = false)
      : all_(all), options_(options), signs_in_(signs_in), begin_(options.clock.elapsed()) {}

  Timespan left() const {
    const auto used = Timespan::from(options_.clock.elapsed() - begin_);
    return std::max(options_.deadline - used, Timespan::milliseconds(1));
  }

  // `work` gives the sentence to show. True: it went well.
  bool run(const std::string& name, const std::function<Result<std::string>()>& work) {
    return record(name, work, Step::State::failed);
  }
  // The same where a failure is no obstacle.
  bool note(const std::string& name, const std::function<Result<std::string>()>& work) {
    return record(name, work, Step::State::noted);
  }

 private:
  bool record(const std::string& name, const std::function<Result<std::string>()>& work,
              Step::State otherwise) {
    const auto start = options_.clock.elapsed();
    Step step{.name = name, .state = Step::State::ok, .detail = {}, .problem = {}, .took = {}};
    auto done = options_.stop.stop_requested()
                    ? Result<std::string>(fail(ErrorKind::cancelled, "net.cancelled", "stopped"))
                    : work();
    step.took = Timespan::from(options_.clock.elapsed() - start);
    if (done) {
      step.detail = redact(*done);
    } else {
      step.state = otherwise;
      step.detail = redact(done.error().message);
      if (otherwise == Step::State::failed) {
        step.problem = std::move(done).error();
        step.problem->fix = fix_of(name, *step.problem, signs_in_);
      }
    }
    all_.steps.push_back(step);
    if (options_.told) options_.told(all_, step);
    return step.state == Step::State::ok;
  }

  Examination& all_;
  const ExaminationOptions& options_;
  const bool signs_in_;
  const std::chrono::nanoseconds begin_;
};

std::string sign_in_words(const kusto::SignIn& sign_in) {
  using Kind = kusto::SignIn::Kind;
  switch (sign_in.kind) {
    case Kind::none:
      return "none: no token is sent (AAD Federated Security is not True)";
    case Kind::default_chain:
      return "the identity of this environment (default chain)";
    case Kind::application_key:
      return "an application by its key";
    case Kind::application_certificate:
      return "an application by its certificate";
    case Kind::token:
      return "a token that was given";
  }
  return {};
}

void understand(Examination& all, const kusto::ConnectionString& where,
                const std::string& database) {
  const auto say = [&](const char* name, const std::string& value) {
    if (!value.empty()) all.understood.emplace_back(name, value);
  };
  const auto& sign_in = where.sign_in;
  say("cluster", where.url);
  say("database", database);
  say("signIn", sign_in_words(sign_in));
  say("tenant", sign_in.tenant);
  say("applicationClientId", sign_in.client_id);
  say("secret",
      sign_in.reference.empty() ? sign_in.secret.empty() ? "" : "***" : sign_in.reference);
  if (sign_in.send_chain) say("sendX5c", "true");
}

std::string expiry_words(const azure::AccessToken& token) {
  if (token.expires == kTicksMax) return "a token that names no end of its own";
  return "good until " + format_datetime(token.expires);
}

Result<std::string> version_of(kusto::ClusterProbe& probe, Timespan left) {
  KC_TRY(const auto version, probe.version(left));
  if (version.service == "DataManagement") {
    return fail(Error{.kind = ErrorKind::invalid,
                      .code = "connection.ingestion_endpoint",
                      .message = "this is the ingestion endpoint of a cluster, not its query URI",
                      .fix = "leave out `ingest-` at the beginning of the host name"});
  }
  return version.product.empty() ? version.service : version.service + " " + version.product;
}

Result<std::string> capacity_of(kusto::Kusto& cluster, const kusto::CallOptions& call) {
  KC_TRY(const auto answer, cluster.run(kusto::Read{kusto::ReadCapacity{}}, call));
  std::string words;
  for (const auto& one : std::get<kusto::CapacityList>(answer).resources) {
    if (one.resource != "DataExport" && one.resource != "Ingestions" && one.resource != "Queries")
      continue;
    words += (words.empty() ? "" : ", ") + one.resource + " " + std::to_string(one.total) + " (" +
             std::to_string(one.consumed) + " in use)";
  }
  return words;
}

Result<std::string> tables_of(kusto::Kusto& cluster, const std::string& database,
                              const kusto::CallOptions& call) {
  auto answer = cluster.run(kusto::Read{kusto::ReadTables{{database}}}, call);
  if (!answer) return fail(std::move(answer).error().in("database '" + database + "'"));
  const auto count = std::get<kusto::TableList>(*answer).tables.size();
  return "'" + database + "' with " + std::to_string(count) + (count == 1 ? " table" : " tables");
}

// What a copy needs at that side (docs/connections.md), as far as the roles that are shown say.
Result<std::string> roles_of(kusto::ClusterProbe& probe, const std::string& side,
                             const std::string& database, Timespan left) {
  KC_TRY(const auto roles, probe.roles(left));
  bool enough = false;
  std::string words;
  std::int64_t named = 0;
  for (const auto& role : roles) {
    const bool here = role.scope == "Cluster" || role.name == database;
    if (!here) continue;
    if (++named <= kNamedRolesMax) words += (words.empty() ? "" : ", ") + role.role;
    const bool admin = role.role.ends_with("Admin");
    const bool reads = role.role.ends_with("Viewer") || role.role.ends_with("User");
    enough =
        enough || admin || (side == "source" && reads && !role.role.starts_with("Unrestricted"));
  }
  if (words.empty()) words = "none that is shown";
  if (enough) return words;
  return fail(ErrorKind::denied, "connection.role_missing",
              words + "; a copy needs " +
                  (side == "source" ? "'Database Viewer' here" : "'Database Admin' here") +
                  " (a role by a group may not be shown)");
}

void ask_cluster(Examination& all, const kusto::ConnectionString& where,
                 const std::string& database, const std::shared_ptr<kusto::Identities>& identities,
                 const ExaminationOptions& options) {
  const bool signs_in = where.sign_in.kind != kusto::SignIn::Kind::none;
  Steps steps(all, options, signs_in);
  kusto::ClusterProbe probe(where, identities, options.stop);
  if (signs_in && !steps.run("trustedHost", [&]() -> Result<std::string> {
        KC_CHECK_OK(identities->trusted.check_cluster(where.url));
        return std::string("a token may be sent there");
      }))
    return;
  const bool answers = steps.run("reachable", [&]() -> Result<std::string> {
    KC_TRY(const auto says, probe.metadata(steps.left()));
    return where.url.starts_with("http://")
               ? "answers, without TLS (this machine)"
               : "answers, and its certificate is good; signs in at " + says.login_endpoint;
  });
  if (!answers) return;
  if (signs_in && !steps.run("token", [&]() -> Result<std::string> {
        KC_TRY(const auto token, probe.token(steps.left()));
        return expiry_words(token);
      }))
    return;
  if (!steps.run("version", [&] { return version_of(probe, steps.left()); })) return;
  kusto::RestKustoOptions rest;
  rest.identities = identities;
  auto cluster = kusto::connect(where, identities->surroundings.transport, options.clock, rest);
  if (!cluster) return;
  const std::stop_callback end(options.stop, [&] { (*cluster)->close(); });
  Rng rng = Rng::from_entropy();
  const auto call = [&] {
    return kusto::CallOptions{.request_id = "KustoCopy.connectionsTest;" + Uuid::random(rng).text(),
                              .deadline = steps.left()};
  };
  if (!database.empty()) {
    steps.run("database", [&] { return tables_of(**cluster, database, call()); });
    steps.note("roles", [&] { return roles_of(probe, all.side, database, steps.left()); });
  }
  steps.run("capacity", [&] { return capacity_of(**cluster, call()); });
  if (all.side != "destination") return;
  steps.note("queuedIngestion", [&]() -> Result<std::string> {
    const auto url = kusto::ingestion_url(where.url);
    if (!url) return std::string("no ingestion endpoint belongs to such an address");
    KC_CHECK_OK(probe.ingestion(*url, steps.left()));
    return "offered at " + *url;
  });
}

std::string access_words(const BlobPlace& place) {
  using Kind = azure::Credential::Kind;
  if (!place.reference.empty()) return place.reference_keyword + " from " + place.reference;
  switch (place.root.credential.kind) {
    case Kind::shared_key:
      return "account key ***";
    case Kind::sas:
      return "SAS ***";
    case Kind::token:
      return "token ***";
    case Kind::none:
      break;
  }
  return "the identity of this environment (default chain)";
}

std::string entry_words(const BlobPlace& place) {
  using Entry = BlobPlace::Entry;
  if (place.entry == Entry::impersonate) return "nothing: they come as the caller of their command";
  if (place.entry == Entry::managed_identity)
    return "nothing: they come as their managed identity (" + place.identity + ")";
  if (place.root.credential.kind == azure::Credential::Kind::sas) return "the SAS as it was given";
  return "signatures of the least rights, with an end";
}

void ask_lake(Examination& all, const LakeAddress& address, const LakeDoors& doors,
              const ExaminationOptions& options) {
  Steps steps(all, options);
  Rng rng = Rng::from_entropy();
  const std::string folder = "connections-test-" + Uuid::random(rng).text().substr(0, 8);
  const std::string bytes = "written by kusto-copy connections test; may be deleted\n";
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(address.folder, ignored);
  std::unique_ptr<Lake> lake;
  if (!steps.run("open", [&]() -> Result<std::string> {
        KC_TRY(lake, open_lake(address, folder, doors));
        return lake->describe();
      }))
    return;
  const bool made = steps.run("create", [&]() -> Result<std::string> {
    KC_TRY(const auto created, lake->create_if_absent("probe/file", bytes));
    if (created == Created::created) return std::string();
    return fail(ErrorKind::conflict, "lake.probe", "a file that was not there was found");
  });
  if (made) {
    steps.run("read", [&]() -> Result<std::string> {
      KC_TRY(const auto read, lake->get("probe/file"));
      if (read == bytes) return std::string();
      return fail(ErrorKind::corrupt, "lake.probe", "other bytes came back than were written");
    });
    steps.run("list", [&]() -> Result<std::string> {
      KC_TRY(const auto files, lake->list("probe/"));
      if (files.size() == 1) return std::string();
      return fail(ErrorKind::corrupt, "lake.probe", "the file is not listed");
    });
    steps.run("grant", [&]() -> Result<std::string> {
      KC_TRY(const auto grant,
             lake->open_folder("probe", options.clock.now() + Timespan::seconds(60)));
      KC_CHECK_OK(lake->read_uri("probe/file"));
      return "clusters are given " + grant.uri;
    });
  }
  // Also after a failure: an answer that was lost may have left the file.
  steps.run("delete", [&]() -> Result<std::string> {
    KC_CHECK_OK(lake->close_folder("probe"));
    return std::string();
  });
  if (address.folder.empty()) return;
  std::filesystem::remove_all(address.folder + "/" + folder, ignored);
  if (!was_there) std::filesystem::remove(address.folder, ignored);
}

}  // namespace

std::string_view to_string(Step::State state) {
  switch (state) {
    case Step::State::ok:
      return "ok";
    case Step::State::failed:
      return "failed";
    case Step::State::noted:
      break;
  }
  return "noted";
}

const Error* Examination::problem() const {
  const auto at =
      std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.problem; });
  return at == steps.end() ? nullptr : &*at->problem;
}

Examination examine_cluster(const std::string& side, const std::string& text,
                            const std::string& database,
                            const std::shared_ptr<kusto::Identities>& identities,
                            const ExaminationOptions& options) {
  Examination all{.side = side, .understood = {}, .steps = {}};
  std::optional<kusto::ConnectionString> where;
  const bool fine = Steps(all, options).run("connectionString", [&]() -> Result<std::string> {
    KC_TRY(where, kusto::ConnectionString::parse(text));
    understand(all, *where, database.empty() ? where->database : database);
    return std::string();
  });
  if (fine && options.try_it)
    ask_cluster(all, *where, database.empty() ? where->database : database, identities, options);
  return all;
}

Examination examine_lake(const std::string& text, const LakeDoors& doors,
                         const ExaminationOptions& options) {
  Examination all{.side = "lake", .understood = {}, .steps = {}};
  LakeAddress address;
  const bool fine = Steps(all, options).run("connectionString", [&]() -> Result<std::string> {
    KC_TRY(address, parse_lake(text));
    all.understood.emplace_back(address.blobs ? "container" : "folder", address.describe());
    if (address.blobs) {
      all.understood.emplace_back("access", access_words(*address.blobs));
      all.understood.emplace_back("clustersGet", entry_words(*address.blobs));
    } else {
      all.understood.emplace_back("clustersGet", "the path: they run on this machine");
    }
    return std::string();
  });
  if (fine && options.try_it) ask_lake(all, address, doors, options);
  return all;
}

}  // namespace kc::server
