#include "core/engine/dm/commands.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "core/base/text.h"
#include "core/engine/dm/state.h"
#include "core/engine/query/run.h"
#include "core/engine/syntax/lexer.h"

namespace kc::engine {
namespace {

constexpr std::size_t kBlobsPerCommandMax = 5000;
constexpr std::size_t kListedMax = 1000;
constexpr auto kString = ScalarType::string_;

struct Call {
  DataManagement& management;
  Session& session;
  TokenStream& tokens;
};
using Answer = Result<RowTable>;

Value moment(const std::string& iso) {
  const auto at = parse_datetime(iso);
  return at ? Value(at->value) : Value();
}

Answer resources(Call& call) {
  RowTable table{{{"ResourceTypeName", kString}, {"StorageRoot", kString}}, {}};
  for (const auto& resource : call.management.resources())
    table.rows.push_back({text_value(resource.kind), text_value(resource.root)});
  return table;
}

Answer identity_token(Call& call) {
  return RowTable{{{"AuthorizationContext", kString}},
                  {{text_value(call.management.identity_token())}}};
}

Answer version(Call&) {
  return RowTable{{{"BuildVersion", kString},
                   {"BuildTime", ScalarType::datetime_},
                   {"ServiceType", kString},
                   {"ProductVersion", kString}},
                  {{text_value("1.0.0.0"), std::int64_t{638'396'640'000'000'000},
                    text_value("DataManagement"), text_value("kusto-copy engine")}}};
}

// ---- `.show queued ingestion operations`, `.cancel queued ingestion operation`

RowTable summary_table() {
  constexpr auto kLong = ScalarType::long_;
  return {{{"IngestionOperationId", kString},
           {"StartedOn", ScalarType::datetime_},
           {"LastUpdatedOn", ScalarType::datetime_},
           {"State", kString},
           {"Discovered", kLong},
           {"Pending", kLong},
           {"Canceled", kLong},
           {"Ingested", kLong},
           {"Failed", kLong},
           {"SampleFailedReasons", kString},
           {"Database", kString},
           {"Table", kString}},
          {}};
}

std::vector<Value> summary_row(const QueuedOperation& operation) {
  const auto failed = std::find_if(operation.blobs.begin(), operation.blobs.end(),
                                   [](const auto& blob) { return blob.status == "Failed"; });
  return {text_value(operation.id),
          moment(operation.started),
          moment(operation.updated),
          text_value(operation.state()),
          static_cast<std::int64_t>(operation.blobs.size()),
          operation.count("Pending"),
          operation.count("Canceled"),
          operation.count("Succeeded"),
          operation.count("Failed"),
          text_value(failed == operation.blobs.end() ? "" : failed->details),
          text_value(operation.database),
          text_value(operation.table)};
}

RowTable details_table(const std::vector<QueuedOperation>& operations) {
  RowTable table{{{"IngestionOperationId", kString},
                  {"BlobUrl", kString},
                  {"IngestionStatus", kString},
                  {"StartedAt", ScalarType::datetime_},
                  {"CompletedAt", ScalarType::datetime_},
                  {"FailedReason", kString}},
                 {}};
  for (const auto& operation : operations) {
    for (const auto& blob : operation.blobs) {
      table.rows.push_back({text_value(operation.id), text_value(blob.url), text_value(blob.status),
                            moment(blob.started), moment(blob.completed),
                            text_value(blob.details)});
    }
  }
  return table;
}

Result<std::vector<std::string>> ids(TokenStream& tokens) {
  std::vector<std::string> all;
  if (!tokens.accept("(")) {
    KC_TRY(auto id, tokens.string());
    all.push_back(std::move(id));
    return all;
  }
  do {
    KC_TRY(auto id, tokens.string());
    all.push_back(std::move(id));
  } while (tokens.accept(","));
  KC_CHECK_OK(tokens.expect(")"));
  return all;
}

Answer show_operations(Call& call) {
  KC_TRY(const auto wanted, ids(call.tokens));
  std::vector<QueuedOperation> operations;
  for (const auto& id : wanted) {
    KC_TRY(auto operation, call.management.operation(id));
    operations.push_back(std::move(operation));
  }
  if (call.tokens.accept_word("details")) return details_table(operations);
  auto table = summary_table();
  for (const auto& operation : operations) table.rows.push_back(summary_row(operation));
  return table;
}

Answer cancel_operation(Call& call) {
  KC_TRY(const auto id, call.tokens.string());
  KC_TRY(const auto operation, call.management.cancel(id));
  auto table = summary_table();
  table.rows.push_back(summary_row(operation));
  return table;
}

// ---- `.list blobs`, `.ingest-from-storage-queued`

struct Listing {
  std::vector<BlobFile> files;
  std::string tail;  // the credentials, as they were given
};

Result<Listing> list(Call& call, std::size_t most) {
  auto& tokens = call.tokens;
  KC_CHECK_OK(tokens.expect("("));
  KC_TRY(const auto address, tokens.string());
  if (tokens.is(",")) return fail(tokens.error("'.list blobs' takes one address only"));
  KC_CHECK_OK(tokens.expect(")"));
  std::string suffix;
  std::size_t limit = most;
  while (tokens.peek().kind == TokenKind::identifier && tokens.is("=", 1)) {
    const auto name = lower(tokens.peek().text);
    if (name != "suffix" && name != "maxfiles")
      return fail(tokens.error("'" + tokens.peek().text + "' of '.list blobs' is not supported"));
    tokens.take();
    tokens.take();
    if (name == "suffix") {
      KC_TRY(suffix, tokens.string());
    } else {
      const auto token = tokens.take();
      if (token.kind != TokenKind::long_ || token.integer <= 0)
        return fail(tokens.error("MaxFiles takes a positive number"));
      limit = std::min(limit, static_cast<std::size_t>(token.integer));
    }
  }
  Listing result;
  const auto mark = address.find_first_of("?;");
  if (mark != std::string::npos) result.tail = address.substr(mark);
  KC_TRY(auto files, call.management.list_blobs(address));
  for (auto& file : files) {
    if (file.name.ends_with(suffix) && result.files.size() < limit)
      result.files.push_back(std::move(file));
  }
  return result;
}

Answer list_blobs(Call& call) {
  KC_TRY(const auto listing, list(call, kListedMax));
  RowTable table{{{"BlobUri", kString},
                  {"SizeInBytes", ScalarType::long_},
                  {"CapturedVariables", ScalarType::dynamic_}},
                 {}};
  for (const auto& file : listing.files)
    table.rows.push_back({text_value(file.url), file.size, text_value("{}")});
  return table;
}

// Addresses in quotes, with blanks or commas between them; what starts with `?` or `;` belongs to
// the one before it.
Result<std::vector<std::string>> addresses(std::string_view text) {
  std::vector<std::string> all;
  std::size_t at = 0;
  const auto bad = [] {
    return fail(ingestion_error("BadRequest_SyntaxError",
                                "the blobs are string literals with blanks between them"));
  };
  for (;;) {
    while (at < text.size() &&
           (std::isspace(static_cast<unsigned char>(text[at])) != 0 || text[at] == ','))
      ++at;
    if (at >= text.size()) break;
    while (at < text.size() && (text[at] == 'h' || text[at] == 'H' || text[at] == '@')) ++at;
    if (at >= text.size() || (text[at] != '\'' && text[at] != '"')) return bad();
    const auto end = text.find(text[at], at + 1);
    if (end == std::string_view::npos) return bad();
    std::string value(text.substr(at + 1, end - at - 1));
    at = end + 1;
    if (!all.empty() && !value.empty() && (value[0] == '?' || value[0] == ';'))
      all.back() += value;
    else
      all.push_back(std::move(value));
  }
  if (all.empty()) return bad();
  return all;
}

Result<void> read_flags(TokenStream& tokens, QueuedWish& wish) {
  while (tokens.peek().kind == TokenKind::identifier && tokens.is("=", 1)) {
    const auto name = lower(tokens.take().text);
    tokens.take();
    const auto value = lower(std::string(tokens.take().raw));
    if (name == "compressionfactor") continue;
    if ((name != "enabletracking" && name != "skipbatching") ||
        (value != "true" && value != "false"))
      return fail(tokens.error("'" + name + "' is unknown here, or its value is"));
    (name == "enabletracking" ? wish.tracked : wish.skip_batching) = value == "true";
  }
  return {};
}

Result<void> read_properties(TokenStream& tokens, QueuedWish& wish) {
  if (!tokens.accept_word("with")) return {};
  KC_CHECK_OK(tokens.expect("("));
  while (!tokens.accept(")")) {
    KC_TRY(const auto name, tokens.name());
    KC_CHECK_OK(tokens.expect("="));
    const auto token = tokens.take();
    if (token.kind == TokenKind::end) return fail(tokens.error("expected a value"));
    wish.properties[lower(name)] =
        token.kind == TokenKind::string ? token.text : std::string(token.raw);
    tokens.accept(",");
  }
  return {};
}

Answer ingest(Call& call) {
  auto& tokens = call.tokens;
  QueuedWish wish;
  wish.database = call.session.database;
  KC_CHECK_OK(tokens.expect_word("into"));
  tokens.accept_word("table");
  if (tokens.is_word("database") && tokens.is("(", 1)) {
    tokens.take();
    tokens.take();
    KC_TRY(wish.database, tokens.string());
    KC_CHECK_OK(tokens.expect(")"));
    KC_CHECK_OK(tokens.expect("."));
  }
  KC_TRY(wish.table, tokens.name());
  KC_CHECK_OK(read_flags(tokens, wish));
  KC_CHECK_OK(read_properties(tokens, wish));
  KC_CHECK_OK(tokens.expect("<|"));
  const auto add = [&](std::string address, std::optional<std::int64_t> size) {
    IngestMessage message;
    message.id = call.session.host.new_id().text();
    message.blob = std::move(address);
    message.raw_size = size;
    wish.blobs.push_back(std::move(message));
  };
  if (tokens.is(".")) {
    tokens.take();
    KC_CHECK_OK(tokens.expect_word("list"));
    KC_CHECK_OK(tokens.expect_word("blobs"));
    KC_TRY(const auto listing, list(call, kBlobsPerCommandMax));
    for (const auto& file : listing.files) add(file.url + listing.tail, file.size);
  } else {
    KC_TRY(auto given, addresses(tokens.rest()));
    for (auto& address : given) add(std::move(address), std::nullopt);
    while (!tokens.at_end() && !tokens.failure()) tokens.take();
  }
  if (wish.blobs.size() > kBlobsPerCommandMax)
    return fail(ingestion_error("BadRequest_NotSupported", "too many blobs for one command"));
  KC_TRY(const auto id, call.management.enqueue(wish));
  return RowTable{
      {{"IngestionOperationId", kString}, {"ClientRequestId", kString}, {"OperationInfo", kString}},
      {{text_value(id), text_value(call.session.options.client_request_id),
        text_value(id.empty() ? "" : ".show queued ingestion operations \"" + id + "\"")}}};
}

struct Entry {
  std::string_view words;
  Answer (*handler)(Call&);
};
constexpr std::array<Entry, 8> kEntries = {{
    {"get ingestion resources", resources},
    {"show ingestion resources", resources},
    {"get kusto identity token", identity_token},
    {"show kusto identity token", identity_token},
    {"show queued ingestion operations", show_operations},
    {"cancel queued ingestion operation", cancel_operation},
    {"list blobs", list_blobs},
    {"ingest-from-storage-queued", ingest},
}};
constexpr Entry kVersion{"show version", version};

const Entry* find_entry(TokenStream& tokens, bool own_face) {
  if (!tokens.accept(".")) return nullptr;
  if (own_face && tokens.accept_words(kVersion.words)) return &kVersion;
  for (const auto& entry : kEntries) {
    if (tokens.accept_words(entry.words)) return &entry;
  }
  return nullptr;
}

}  // namespace

bool is_ingestion_command(std::string_view text) {
  TokenStream tokens(text);
  return find_entry(tokens, false) != nullptr;
}

Result<RowTable> run_ingestion_command(DataManagement& management, Session& session,
                                       std::string_view text) {
  TokenStream tokens(text);
  const auto* entry = find_entry(tokens, true);
  if (entry == nullptr)
    return fail(
        tokens.error("the command is unknown to data management, or not supported", "SYN0100"));
  Call call{management, session, tokens};
  KC_TRY(auto rows, entry->handler(call));
  if (tokens.is("|")) return run_operators(session, std::move(rows), text.substr(tokens.offset()));
  tokens.accept(";");
  if (!tokens.at_end()) return fail(tokens.error("expected the end of the command"));
  return rows;
}

Result<DataSet> DataManagement::command(const std::string& database, const std::string& text,
                                        const RequestOptions& options) {
  Session session{state_->engine.host(), database, options};
  KC_TRY(const auto rows, run_ingestion_command(*this, session, text));
  DataSet answer;
  answer.tables.push_back(encode(rows));
  return answer;
}

std::optional<Result<DataSet>> DataManagement::own_command(const std::string& database,
                                                           const std::string& text,
                                                           const RequestOptions& options) {
  if (!is_ingestion_command(text)) return std::nullopt;
  return command(database, text, options);
}

Result<std::vector<BlobFile>> DataManagement::list_blobs(const std::string& address) {
  constexpr std::size_t kLooked = 100'000;
  return state_->blobs.list(address, kLooked);
}

}  // namespace kc::engine
