#include "core/kusto/rest_kusto.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stop_token>
#include <utility>

#include "core/base/json.h"
#include "core/kusto/answers.h"
#include "core/kusto/classify.h"
#include "core/kusto/queued_ingestion.h"
#include "core/kusto/text.h"

namespace kc::kusto {
namespace {

using nlohmann::ordered_json;

// For commands that belong to the cluster, where the connection names no database either.
constexpr const char* kDefaultDatabase = "NetDefaultDB";
constexpr Timespan kServerTimeoutMax = Timespan::seconds(3600);
// The cluster ends first, so that most time-outs have a definite answer.
constexpr Timespan kAnswerReserveMax = Timespan::seconds(15);

// Header values are ASCII; anything else is replaced, as the official clients do.
std::string header_value(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return clean;
}

std::string server_timeout(Timespan left) {
  const Timespan reserve = std::min(kAnswerReserveMax, Timespan{left.ticks / 10});
  const Timespan limit = std::clamp(left - reserve, Timespan::seconds(1), kServerTimeoutMax);
  return format_timespan(Timespan::seconds(limit.ticks / kTicksPerSecond));
}

// The tables that the command names, so that their absence can be told from a missing column.
struct TablesOf {
  std::vector<std::string> operator()(const ReadPlanGroups& c) const {
    return {c.rows.table.value};
  }
  std::vector<std::string> operator()(const ReadPlanSlices& c) const {
    return {c.rows.table.value};
  }
  std::vector<std::string> operator()(const ReadCount& c) const { return {c.rows.table.value}; }
  std::vector<std::string> operator()(const StartExport& c) const { return {c.rows.table.value}; }
  std::vector<std::string> operator()(const StartMove& c) const {
    return {c.from.value, c.to.value};
  }
  std::vector<std::string> operator()(const ReadExtents& c) const {
    std::vector<std::string> names;
    for (const TableName& name : c.tables) names.push_back(name.value);
    return names;
  }
  template <class Other>
  std::vector<std::string> operator()(const Other& c) const {
    if constexpr (requires { c.table.value; }) {
      return {c.table.value};
    } else {
      return {};
    }
  }
};

struct Sending {
  const Statement& statement;
  std::string request_id;
  Timespan left;
  bool read = false;  // no consequences: whole results, and a second execution does no harm
  bool exports = false;
  bool starts = false;  // an operation, which goes on after the answer
  std::vector<std::string> tables;
};

class RestKusto final : public Kusto {
 public:
  RestKusto(ConnectionString where, net::Transport& transport, const Clock& clock,
            RestKustoOptions options)
      : where_(std::move(where)),
        transport_(transport),
        clock_(clock),
        options_(std::move(options)) {
    if (where_.sign_in.kind != SignIn::Kind::none) identity_.emplace(where_, options_.identities);
  }

  Result<Answer> run(const Command& command, const CallOptions& options) override;
  void close() override;
  std::string describe() const override { return net::origin_of(where_.url); }

 private:
  Result<Answer> run_all(const Command& command, const CallOptions& options);
  Result<Answer> read_extents_one_by_one(const ReadExtents& what, const CallOptions& options);
  // Nothing: the command is the cluster's.
  std::optional<Result<Answer>> run_queued(const Command& command, const CallOptions& options);
  Result<ResultTable> ask(const std::string& text, Timespan left);
  QueuedIngestion& queued();
  QueuedIngestion::Wait storage_wait() const;
  Result<ResultTable> send(const Sending& what);
  Result<net::HttpAnswer> exchange(net::HttpCall call);
  Result<std::string> authorize(net::HttpCall& call, Timespan left);
  Result<std::string> body(const Sending& what) const;

  const ConnectionString where_;
  net::Transport& transport_;
  const Clock& clock_;
  const RestKustoOptions options_;
  std::optional<ClusterIdentity> identity_;  // where the connection signs in
  std::stop_source closed_;
  // The cluster's data management, made when it is needed first.
  struct Management {
    std::unique_ptr<RestKusto> service;
    std::unique_ptr<QueuedIngestion> queued;
  };
  Guarded<Management> management_;
};

void RestKusto::close() {
  closed_.request_stop();
  management_.with([](Management& management) {
    if (management.service) management.service->close();
  });
}

// ---- Queued ingestion: the same sign-in, another address.

QueuedIngestion& RestKusto::queued() {
  return management_.with([this](Management& management) -> QueuedIngestion& {
    if (!management.queued) {
      ConnectionString where = where_;
      where.url = data_management_url(where_.url);
      where.database.clear();
      management.service = std::make_unique<RestKusto>(where, transport_, clock_, options_);
      if (closed_.stop_requested()) management.service->close();
      management.queued = std::make_unique<QueuedIngestion>(
          transport_, clock_,
          [service = management.service.get()](const std::string& text, Timespan left) {
            return service->ask(text, left);
          },
          closed_.get_token(), storage_wait());
    }
    return *management.queued;
  });
}

// As everything else that is asked in this process's name waits.
QueuedIngestion::Wait RestKusto::storage_wait() const {
  if (!options_.identities || !options_.identities->surroundings.wait) return {};
  return [all = options_.identities, stop = closed_.get_token()](Timespan span) {
    return all->surroundings.wait(span, stop);
  };
}

Result<ResultTable> RestKusto::ask(const std::string& text, Timespan left) {
  const Statement statement{.endpoint = Endpoint::command, .db = {}, .text = text};
  return send({.statement = statement,
               .request_id = {},
               .left = left,
               .read = true,
               .exports = false,
               .starts = false,
               .tables = {}});
}

std::optional<Result<Answer>> RestKusto::run_queued(const Command& command,
                                                    const CallOptions& options) {
  const auto answer = [](auto result) -> Result<Answer> {
    if (!result) return fail(std::move(result).error());
    return Answer{std::move(*result)};
  };
  if (const auto* write = std::get_if<Write>(&command)) {
    const auto* start = std::get_if<StartQueuedIngest>(write);
    if (start == nullptr) return std::nullopt;
    return answer(queued().start(*start, options.deadline));
  }
  const auto& read = std::get<Read>(command);
  if (std::holds_alternative<ReadIngestionOffer>(read))
    return answer(queued().offer(options.deadline));
  if (const auto* which = std::get_if<ReadQueuedIngestions>(&read))
    return answer(queued().status(*which, options.deadline));
  return std::nullopt;
}

Result<Answer> RestKusto::run(const Command& command, const CallOptions& options) {
  if (auto answer = run_queued(command, options)) {
    if (!*answer) answer->error().request_id = options.request_id;
    return std::move(*answer);
  }
  if (const auto* read = std::get_if<Read>(&command)) {
    // Asking for no operation has a known answer.
    const auto* operations = std::get_if<ReadOperations>(read);
    if (operations != nullptr && operations->ids.empty()) return OperationList{};
    const auto* extents = std::get_if<ReadExtents>(read);
    if (extents != nullptr && extents->tables.size() > 1) {
      auto answer = run_all(command, options);
      // A cluster may refuse the list because one of its tables is gone; the door promises the
      // rest.
      if (answer || answer.error().kind != ErrorKind::not_found) return answer;
      return read_extents_one_by_one(*extents, options);
    }
  }
  return run_all(command, options);
}

Result<Answer> RestKusto::read_extents_one_by_one(const ReadExtents& what,
                                                  const CallOptions& options) {
  ExtentList all;
  std::optional<Error> missing;
  bool any = false;
  for (const TableName& name : what.tables) {
    auto answer =
        run_all(Read{ReadExtents{.db = what.db, .tables = {name}, .tag = what.tag}}, options);
    if (!answer && answer.error().kind == ErrorKind::not_found) {
      missing = std::move(answer).error();
      continue;
    }
    if (!answer) return answer;
    any = true;
    auto& list = std::get<ExtentList>(*answer);
    std::move(list.extents.begin(), list.extents.end(), std::back_inserter(all.extents));
  }
  if (!any) return fail(std::move(*missing));
  std::sort(all.extents.begin(), all.extents.end(), [](const auto& a, const auto& b) {
    return std::tie(a.table, a.id) < std::tie(b.table, b.id);
  });
  return all;
}

Result<Answer> RestKusto::run_all(const Command& command, const CallOptions& options) {
  KC_TRY(const std::vector<Statement> all, statements(command));
  const auto begin = clock_.elapsed();
  const auto* write = std::get_if<Write>(&command);
  std::vector<ResultTable> tables;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Sending what{.statement = all[i], .request_id = options.request_id, .left = {}, .tables = {}};
    if (i > 0) what.request_id += ";" + std::to_string(i + 1);
    what.left = options.deadline - Timespan::from(clock_.elapsed() - begin);
    what.read = write == nullptr;
    what.exports = write != nullptr && std::holds_alternative<StartExport>(*write);
    what.starts =
        what.exports || (write != nullptr && (std::holds_alternative<StartIngest>(*write) ||
                                              std::holds_alternative<StartMove>(*write)));
    what.tables =
        std::visit([](const auto& kind) { return std::visit(TablesOf{}, kind); }, command);
    if (what.left.ticks <= 0) {
      return fail(ErrorKind::unavailable, "net.timeout",
                  describe() + " did not answer all requests of one command in time");
    }
    auto table = send(what);
    if (!table) {
      Error error = std::move(table).error();
      error.request_id = what.request_id;
      return fail(std::move(error));
    }
    tables.push_back(std::move(*table));
  }
  auto answer = read_answer(command, tables);
  if (!answer) answer.error().request_id = options.request_id;
  return answer;
}

Result<std::string> RestKusto::body(const Sending& what) const {
  // Whether it also bounds the operation that a command starts is not documented: such a command
  // gets all there is, since the answer itself comes at once.
  const Timespan limit = what.starts ? kServerTimeoutMax + kAnswerReserveMax : what.left;
  ordered_json properties = {{"servertimeout", server_timeout(limit)}};
  if (what.statement.endpoint == Endpoint::query || what.exports) {
    properties["queryconsistency"] = "strongconsistency";
    properties["request_block_row_level_security"] = true;
    properties["query_datascope"] = "all";
  }
  if (what.read) properties["notruncation"] = true;
  std::string db = what.statement.db;
  if (db.empty()) db = where_.database.empty() ? kDefaultDatabase : where_.database;
  const ordered_json request = {
      {"db", std::move(db)},
      {"csl", what.statement.text},
      {"properties",
       {{"Options", std::move(properties)}, {"ClientRequestId", header_value(what.request_id)}}}};
  try {
    return request.dump();
  } catch (const ordered_json::exception&) {
    return fail(ErrorKind::invalid, "kusto.invalid_command",
                "a name in the command is not valid UTF-8");
  }
}

// Puts a token in and says which; what is left of the time is the call's.
Result<std::string> RestKusto::authorize(net::HttpCall& call, Timespan left) {
  const auto start = clock_.elapsed();
  KC_TRY(auto token, identity_->token(left, closed_.get_token()));
  std::erase_if(call.headers, [](const net::Header& one) { return one.name == "Authorization"; });
  call.headers.push_back({"Authorization", "Bearer " + token.secret});
  call.deadline = left - Timespan::from(clock_.elapsed() - start);
  if (call.deadline.ticks <= 0)
    return fail(ErrorKind::unavailable, "net.timeout",
                describe() + " was not asked: signing in took all the time");
  return std::move(token.secret);
}

// A request that is answered with 401 has not been executed, so that even a command may be sent
// again, once, with a new token: the old one may have been revoked.
Result<net::HttpAnswer> RestKusto::exchange(net::HttpCall call) {
  if (!identity_) return transport_.exchange(call);
  const auto start = clock_.elapsed();
  const Timespan left = call.deadline;
  KC_TRY(const auto first, authorize(call, left));
  auto answer = transport_.exchange(call);
  if (answer) hide_token(*answer, first);
  if (!answer || answer->status != 401) return answer;
  identity_->refused(first);
  const auto second = authorize(call, left - Timespan::from(clock_.elapsed() - start));
  if (!second || *second == first) return answer;
  call.attempt = 2;
  answer = transport_.exchange(call);
  if (answer) hide_token(*answer, *second);
  return answer;
}

Result<ResultTable> RestKusto::send(const Sending& what) {
  const bool query = what.statement.endpoint == Endpoint::query;
  net::HttpCall call{.method = net::Method::post,
                     .url = where_.url + (query ? "/v2/rest/query" : "/v1/rest/mgmt"),
                     .headers = {{"Accept", "application/json"},
                                 {"Content-Type", "application/json; charset=utf-8"},
                                 {"x-ms-app", header_value(options_.application)},
                                 {"x-ms-client-version",
                                  "KustoCopy.Client:{" + header_value(options_.version) + "}"}},
                     .deadline = what.left,
                     .cancel = closed_.get_token(),
                     .repeatable = what.read};
  if (!what.request_id.empty())
    call.headers.push_back({"x-ms-client-request-id", header_value(what.request_id)});
  KC_TRY(call.body, body(what));
  ResultTable::Reader reader(query ? AnswerFormat::v2 : AnswerFormat::v1, what.tables);
  call.sink = [&](std::string_view piece) { return reader.feed(piece); };
  KC_TRY(const net::HttpAnswer answer, exchange(std::move(call)));
  if (answer.status != net::kStatusOk) return fail(classify(answer, what.tables, clock_.now()));
  return reader.finish();
}

}  // namespace

Result<std::unique_ptr<Kusto>> connect(const ConnectionString& where, net::Transport& transport,
                                       const Clock& clock, RestKustoOptions options) {
  if (where.url.empty())
    return fail(ErrorKind::invalid, "connection.invalid_string", "the connection has no address");
  if (where.sign_in.kind != SignIn::Kind::none) {
    if (!options.identities)
      return fail(ErrorKind::invalid, "connection.invalid_string",
                  "this program signs in to no cluster: leave AAD Federated Security out");
    KC_CHECK_OK(options.identities->trusted.check_cluster(where.url));
  }
  return std::make_unique<RestKusto>(where, transport, clock, std::move(options));
}

}  // namespace kc::kusto
