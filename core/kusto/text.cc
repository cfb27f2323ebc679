#include "core/kusto/text.h"

#include <array>
#include <cstdio>
#include <utility>

#include "core/base/json.h"

namespace kc::kusto {
namespace {

using nlohmann::ordered_json;
using Statements = std::vector<Statement>;

constexpr std::size_t kHashArgumentsMax = 32;  // of one strcat_delim, which takes 64 at most
constexpr std::int64_t kExportBytesPerBlob = 1 << 30;  // sizeLimit: 100 MB to 4 GB

Statement query(const DatabaseName& db, Text& text) {
  return {Endpoint::query, db.value, text.take()};
}
Statement command(const DatabaseName& db, Text& text) {
  return {Endpoint::command, db.value, text.take()};
}

void write_name(Text& text, const Column& column) { text << Name{column.name}; }
void write_column(Text& text, const Column& column) {
  text << Name{column.name} << ":" << column.type;
}
void write_id(Text& text, const Uuid& id) { text << id; }

void to_strings(Text& text, const Column& column) {
  text << "tostring(" << Name{column.name} << ")";
}

// Columns [begin, end) as one text. strcat_delim takes at most 64 arguments, so groups of 32 are
// nested.
void canonical_text(Text& text, const std::vector<Column>& columns, std::size_t begin,
                    std::size_t end) {
  if (end - begin == 1) return to_strings(text, columns[begin]);
  std::size_t step = 1;
  while ((end - begin + step - 1) / step > kHashArgumentsMax) step *= kHashArgumentsMax;
  text << "strcat_delim('\\u001f'";
  for (std::size_t at = begin; at < end; at += step) {
    text << ", ";
    canonical_text(text, columns, at, std::min(at + step, end));
  }
  text << ")";
}

void canonical_text(Text& text, const std::vector<Column>& columns) {
  canonical_text(text, columns, 0, columns.size());
}

Result<void> need(bool holds, const char* what) {
  if (holds) return {};
  return fail(ErrorKind::invalid, "kusto.invalid_command", what);
}

Result<void> write_rows(Text& text, const RowSet& rows) {
  KC_CHECK_OK(need(!rows.before_or_at.empty(), "a row set needs its upper cursor"));
  KC_CHECK_OK(need(rows.slice.count <= 1 || !rows.hash_columns.empty(),
                   "a slice needs the columns it hashes"));
  KC_CHECK_OK(
      need(rows.slice.count <= 1 || (rows.slice.index >= 0 && rows.slice.index < rows.slice.count),
           "a slice index is out of range"));
  text << rows.table << "\n| where ";
  if (!rows.after.empty()) text << "cursor_after(" << Literal{rows.after.value} << ") and ";
  text << "cursor_before_or_at(" << Literal{rows.before_or_at.value} << ")";
  if (rows.low) text << "\n| where ingestion_time() >= " << *rows.low;
  if (rows.high) text << "\n| where ingestion_time() < " << *rows.high;
  if (rows.slice.count > 1) {
    text << "\n| where hash_xxhash64(";
    canonical_text(text, rows.hash_columns);
    text << ", " << rows.slice.count << ") == " << rows.slice.index;
  }
  return {};
}

// ---- Reads

Result<Statements> write(const ReadCursor& what) {
  Text text;
  text << "print Cursor = cursor_current()";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadTables& what) {
  Text details, schema;
  details << ".show tables details\n| project TableName, TableId, Folder, DocString, "
             "TotalRowCount, TotalOriginalSize";
  schema << ".show database " << what.db << " schema as json";
  return Statements{command(what.db, details), command(what.db, schema)};
}

Result<Statements> write(const ReadPlanGroups& what) {
  KC_CHECK_OK(need(what.groups_max > 0, "a plan needs at least one group"));
  Text text;
  KC_CHECK_OK(write_rows(text, what.rows));
  text << "\n| summarize Rows = count() by IngestionTime = ingestion_time()\n| top "
       << what.groups_max << " by IngestionTime asc";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadPlanSlices& what) {
  KC_CHECK_OK(need(what.slices > 0, "a plan needs at least one slice"));
  KC_CHECK_OK(need(!what.rows.hash_columns.empty(), "a slice needs the columns it hashes"));
  RowSet all = what.rows;
  all.slice = {};
  Text text;
  KC_CHECK_OK(write_rows(text, all));
  text << "\n| summarize Rows = count() by Slice = hash_xxhash64(";
  canonical_text(text, what.rows.hash_columns);
  text << ", " << what.slices << ")";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadCount& what) {
  Text text;
  KC_CHECK_OK(write_rows(text, what.rows));
  text << "\n| count";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadUnstampedCount& what) {
  Text text;
  text << what.table << "\n| where isnull(ingestion_time())\n| count";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadTableCount& what) {
  Text text;
  text << what.table << "\n| count";
  return Statements{query(what.db, text)};
}

Result<Statements> write(const ReadOperations& what) {
  KC_CHECK_OK(need(!what.ids.empty(), "operations are asked for by id"));
  Text text;
  if (what.older_than_window) {
    text << ".show operations\n| where OperationId in (";
    text.list(what.ids, [](Text& to, const Uuid& id) { to << "guid(" << id << ")"; });
    text << ")\n| summarize arg_max(LastUpdatedOn, State, Status, ShouldRetry) by OperationId";
  } else {
    text << ".show operations (";
    text.list(what.ids, write_id) << ")\n| project OperationId, State, Status, ShouldRetry";
  }
  return Statements{command({}, text)};
}

// The name of the operation is not documented beyond that it is an export. A word that is not known
// as an end counts as none.
Result<Statements> write(const ReadExportsUnderWay& what) {
  Text text;
  text << ".show operations\n| where Operation contains \"export\" and StartedOn > ago("
       << what.within.ticks / kTicksPerSecond
       << "s)\n| summarize arg_max(LastUpdatedOn, State, Status, ShouldRetry) by OperationId"
       << "\n| where State !in (\"Completed\", \"Failed\", \"PartiallySucceeded\", \"BadInput\", "
       << "\"Throttled\", \"Canceled\", \"Skipped\")\n    or (State in (\"Failed\", "
       << "\"PartiallySucceeded\", \"Canceled\") and LastUpdatedOn > ago("
       << what.straggling.ticks / kTicksPerSecond
       << "s))\n| project OperationId, State, Status, ShouldRetry";
  return Statements{command({}, text)};
}

Result<Statements> write(const ReadExportDetails& what) {
  Text text;
  text << ".show operation " << what.operation << " details";
  return Statements{command({}, text)};
}

Result<Statements> write(const ReadExtents& what) {
  KC_CHECK_OK(need(!what.tables.empty(), "extents are read of at least one table"));
  Text text;
  text << ".show tables (";
  text.list(what.tables, [](Text& to, const TableName& name) { to << name; }) << ") extents";
  if (what.tag) text << " where tags has " << Literal{*what.tag};
  text << "\n| project ExtentId, TableName, RowCount, Tags";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const ReadStagingPolicies& what) {
  const auto show = [&what](Text::Word policy) {
    Text text;
    text << ".show table " << what.table << " policy " << policy;
    return command(what.db, text);
  };
  Statements all{show("merge"),      show("extent_tags_retention"),
                 show("update"),     show("restricted_view_access"),
                 show("retention"),  show("caching"),
                 show("auto_delete")};
  if (what.queued) all.push_back(show("ingestionbatching"));
  return all;
}

Result<Statements> write(const ReadCapacity&) {
  Text text;
  text << ".show capacity\n| project Resource, Total, Consumed, Remaining";
  return Statements{command({}, text)};
}

Result<Statements> write(const ReadDigest& what) {
  KC_CHECK_OK(need(!what.columns.empty(), "a digest needs the columns it hashes"));
  Text text;
  text << what.table << "\n| extend Hash = hash_xxhash64(";
  canonical_text(text, what.columns);
  text << ")\n| summarize Rows = count(), HashSum = sum(binary_and(Hash, 4294967295)), HashXor = "
          "binary_all_xor(Hash)";
  return Statements{query(what.db, text)};
}

// Not the cluster's: queued_ingestion.cc speaks to data management, queues and tables.
Result<Statements> write(const ReadIngestionOffer&) { return Statements{}; }
Result<Statements> write(const ReadQueuedIngestions&) { return Statements{}; }

// ---- Writes

Result<Statements> write(const StartExport& what) {
  KC_CHECK_OK(need(!what.columns.empty(), "an export projects at least one column"));
  Text text;
  text << ".export async compressed to ";
  if (what.format == ExportFormat::csv) {
    text << "csv (" << Secret{what.folder_uri}
         << ") with (namePrefix='part', includeHeaders='none', encoding='UTF8NoBOM'";
  } else {
    text << "parquet (" << Secret{what.folder_uri}
         << ") with (namePrefix='part', compressionType='snappy', "
            "parquetDatetimePrecision='microsecond'";
  }
  text << ", distribution='per_shard', sizeLimit=" << kExportBytesPerBlob
       << ", persistDetails=true)\n<| ";
  KC_CHECK_OK(write_rows(text, what.rows));
  text << "\n| project ";
  text.list(what.columns, write_name);
  return Statements{command(what.db, text)};
}

Result<Statements> write(const CreateTable& what) {
  KC_CHECK_OK(need(!what.schema.columns.empty(), "a table has at least one column"));
  Text text;
  text << ".create-merge table " << what.table << " (";
  text.list(what.schema.columns, write_column) << ")";
  const bool folder = !what.schema.folder.empty();
  const bool docstring = !what.schema.docstring.empty();
  if (folder || docstring) {
    text << " with (";
    if (folder) text << "folder=" << Literal{what.schema.folder};
    if (folder && docstring) text << ", ";
    if (docstring) text << "docstring=" << Literal{what.schema.docstring};
    text << ")";
  }
  return Statements{command(what.db, text)};
}

Result<Statements> write(const CreateStaging& what) {
  KC_CHECK_OK(need(!what.columns.empty(), "a table has at least one column"));
  Text text;
  text << ".create table " << what.table << " (";
  text.list(what.columns, write_column) << ") with (folder='kusto-copy', docstring='Rows on their "
                                           "way into a table; dropped when the copy ends')";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const SetStagingPolicies& what) {
  Statements all;
  const auto alter = [&](auto&&... parts) {
    Text text;
    text << ".alter table " << what.table << " policy ";
    (text << ... << parts);
    all.push_back(command(what.db, text));
  };
  using Word = Text::Word;
  const std::string retention =
      ordered_json{{"SoftDeletePeriod", kRetentionForever}, {"Recoverability", "Disabled"}}.dump();
  const std::string auto_delete = ordered_json{
      {"ExpiryDate", format_datetime(what.auto_delete_at)},
      {"DeleteIfNotEmpty", true}}.dump();
  alter(Word("merge "), Literal{R"({"AllowRebuild":false,"AllowMerge":false})"});
  alter(Word("extent_tags_retention "), Literal{"[]"});
  alter(Word("update "), Literal{"[]"});
  alter(Word("restricted_view_access true"));
  alter(Word("retention "), Literal{retention});
  alter(Word("caching hot = 0d"));
  alter(Word("auto_delete "), Literal{auto_delete});
  if (what.queued) {
    const std::string batching = ordered_json{
        {"MaximumBatchingTimeSpan", kBatchingTime},
        {"MaximumNumberOfItems", 500},
        {"MaximumRawDataSizeMB",
         1024}}.dump();
    alter(Word("ingestionbatching "), Literal{batching});
  }
  return all;
}

// `$['name']`, as a Parquet mapping addresses a column.
std::string json_path(std::string_view name) {
  std::string path = "$['";
  for (const char c : name) {
    if (c == '\'' || c == '\\') path += '\\';
    path += c;
  }
  return path + "']";
}

Result<Statements> write(const StartIngest& what) {
  KC_CHECK_OK(need(!what.blob_uris.empty(), "an ingestion needs at least one blob"));
  KC_CHECK_OK(need(!what.columns.empty(), "an ingestion maps at least one column"));
  const std::string mapped = ingestion_mapping(what.columns, what.format);
  const std::string tags = ordered_json::array({what.tag}).dump();
  Text text;
  text << ".ingest async into table " << what.table << " (";
  text.list(what.blob_uris, [](Text& to, const std::string& uri) { to << Secret{uri}; });
  text << ") with (format=" << Literal{to_string(what.format)}
       << ", ingestionMapping=" << Literal{mapped} << ", tags=" << Literal{tags} << ")";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const StartQueuedIngest&) { return Statements{}; }

Result<Statements> write(const StartMove& what) {
  KC_CHECK_OK(need(!what.extents.empty(), "a move needs at least one extent"));
  Text text;
  text << ".move async extents from table " << what.from << " to table " << what.to
       << " with (setNewIngestionTime=";
  if (what.new_ingestion_time) {
    text << "true";
  } else {
    text << "false";
  }
  text << ") (";
  text.list(what.extents, write_id) << ")";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const DropExtents& what) {
  if (what.extents.empty()) return Statements{};
  Text text;
  text << ".drop extents <| .show table " << what.table << " extents (";
  text.list(what.extents, write_id) << ")";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const DropExtentTags& what) {
  if (what.tags.empty()) return Statements{};
  Text text;
  text << ".drop table " << what.table << " extent tags (";
  text.list(what.tags, [](Text& to, const std::string& tag) { to << Literal{tag}; }) << ")";
  return Statements{command(what.db, text)};
}

Result<Statements> write(const DropTable& what) {
  Text text;
  text << ".drop table " << what.table << " ifexists";
  return Statements{command(what.db, text)};
}

}  // namespace

Text& Text::operator<<(Word word) {
  text_ += word.value;
  return *this;
}

Text& Text::operator<<(Literal literal) {
  quoted(literal.value);
  return *this;
}

Text& Text::operator<<(Secret secret) {
  text_ += 'h';
  quoted(secret.value);
  return *this;
}

Text& Text::operator<<(Name name) {
  text_ += '[';
  quoted(name.value);
  text_ += ']';
  return *this;
}

Text& Text::operator<<(std::int64_t number) {
  text_ += std::to_string(number);
  return *this;
}

Text& Text::operator<<(Ticks at) {
  text_ += "datetime(" + format_datetime(at) + ")";
  return *this;
}

Text& Text::operator<<(const Uuid& id) {
  text_ += id.text();
  return *this;
}

Text& Text::operator<<(ScalarType type) {
  text_ += to_string(type);
  return *this;
}

// Escapes of the official scanner (protocol reference §8.1). Line ends may not stand in a literal;
// U+2028 and U+2029 end a line in the grammar too.
void Text::quoted(std::string_view value) {
  text_ += '\'';
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (c == '\r') {
      text_ += "\\r";
    } else if (c == '\t') {
      text_ += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(byte));
      text_ += escape.data();
    } else if (value.substr(i, 3) == "\xe2\x80\xa8" || value.substr(i, 3) == "\xe2\x80\xa9") {
      text_ += value.substr(i, 3) == "\xe2\x80\xa8" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      text_ += c;
    }
  }
  text_ += '\'';
}

std::string ingestion_mapping(const std::vector<Column>& columns, ExportFormat format) {
  ordered_json elements = ordered_json::array();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ordered_json where = format == ExportFormat::csv
                                   ? ordered_json{{"Ordinal", std::to_string(i)}}
                                   : ordered_json{{"Path", json_path(columns[i].name)}};
    elements.push_back({{"Column", columns[i].name}, {"Properties", where}});
  }
  return elements.dump();
}

Result<std::vector<Statement>> statements(const Command& command) {
  try {
    return std::visit(
        [](const auto& kind) {
          return std::visit([](const auto& one) { return write(one); }, kind);
        },
        command);
  } catch (const ordered_json::exception&) {  // a mapping or tag that is no UTF-8 has no JSON
    return fail(ErrorKind::invalid, "kusto.invalid_command",
                "a name in the command is not valid UTF-8");
  }
}

}  // namespace kc::kusto
