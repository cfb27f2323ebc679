// The text of every command and query that leaves this program (COMMANDS.md). Text is built, never
// glued: names, string literals, secrets, instants and ids are types that quote themselves, and a
// bare `std::string` cannot be appended. Used by rest_kusto and by the tests that hold the texts
// against golden files. Thread promise: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/kusto/kusto.h"

namespace kc::kusto {

// `'…'`: any text as a string literal.
struct Literal {
  std::string_view value;
};
// `h'…'`: the same, hidden in the cluster's own traces.
struct Secret {
  std::string_view value;
};
// `['…']`: a table, column or database name.
struct Name {
  std::string_view value;
};

class Text {
 public:
  // Words of the language itself: only literals of this program's source can be one.
  struct Word {
    template <std::size_t size>
    consteval Word(const char (&text)[size])
        : value(text, size - 1) {}  // NOLINT: implicit on purpose
    std::string_view value;
  };

  Text& operator<<(Word word);
  Text& operator<<(Literal literal);
  Text& operator<<(Secret secret);
  Text& operator<<(Name name);
  Text& operator<<(const TableName& name) { return *this << Name{name.value}; }
  Text& operator<<(const DatabaseName& name) { return *this << Name{name.value}; }
  Text& operator<<(std::int64_t number);
  Text& operator<<(Ticks at);        // datetime(…)
  Text& operator<<(const Uuid& id);  // bare, as extent and operation ids are written
  Text& operator<<(ScalarType type);

  template <class List, class Write>
  Text& list(const List& all, Write&& write) {
    bool first = true;
    for (const auto& one : all) {
      if (!first) text_ += ", ";
      first = false;
      write(*this, one);
    }
    return *this;
  }

  std::string take() { return std::move(text_); }

 private:
  void quoted(std::string_view value);
  std::string text_;
};

enum class Endpoint { query, command };  // /v2/rest/query, /v1/rest/mgmt

struct Statement {
  Endpoint endpoint = Endpoint::command;
  std::string db;  // empty: the command is the cluster's, not a database's
  std::string text;
};

// The policies of a staging table by their words in `.show table T policy <word>`, in the order in
// which they are set.
inline constexpr const char* kStagingPolicies[] = {"merge",      "extent_tags_retention",
                                                   "update",     "restricted_view_access",
                                                   "retention",  "caching",
                                                   "auto_delete"};
// The longest period that a retention policy takes.
inline constexpr std::string_view kRetentionForever = "365000.00:00:00";

// The one more that a staging table has whose rows come by the queue.
inline constexpr const char* kBatchingPolicy = "ingestionbatching";
// The shortest time that a batching policy may wait for more
// (https://learn.microsoft.com/kusto/management/batching-policy).
inline constexpr std::string_view kBatchingTime = "00:00:10";

// A mapping by name of an export's projection, as JSON.
std::string ingestion_mapping(const std::vector<Column>& columns, ExportFormat format);

// In the order in which they are sent; several only for ReadTables (details, then schema) and the
// staging policies. Kind invalid where the command cannot be written: a name that is no UTF-8, a
// list that must not be empty.
Result<std::vector<Statement>> statements(const Command& command);

}  // namespace kc::kusto
