// What the engine's tables must hold, written as plainly as possible: rows in lists, stamps per
// row, tags in sets. It knows nothing of files, transactions or SQL. Used by the property tests,
// which hold the engine against it. Thread promise: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kc::engine {

// Deliberate errors of the model: a property test that does not find them proves nothing.
enum class Mutant { none, keeps_old_times, loses_tags_of_merges, late_cursor, crash_is_forgotten };

struct ModelRow {
  std::int64_t k, ingested, cursor;
};

struct ModelExtent {
  std::vector<ModelRow> rows;
  std::set<std::string> tags;
};

using ModelTable = std::map<std::string, ModelExtent>;  // by extent id

struct Sums {
  std::int64_t count = 0, sum = 0;
  bool operator==(const Sums&) const = default;
};

class Model {
 public:
  // A database begins with the cursor of its creation.
  Model(Mutant mutant, std::int64_t now) : mutant_(mutant), cursor_(now) {}

  std::map<std::string, ModelTable> tables;

  // Rows [first, first + count) become one extent at the clock's `now`.
  void ingest(const std::string& table, const std::string& id, std::int64_t first,
              std::int64_t count, const std::set<std::string>& tags, std::int64_t now);
  bool has_tag(const std::string& table, const std::string& tag) const;
  // `moved`: old id, new id.
  void move(const std::string& from, const std::string& to,
            const std::vector<std::pair<std::string, std::string>>& moved, bool new_time,
            std::int64_t now);
  void merge(const std::string& table, const std::vector<std::string>& ids, const std::string& id);
  void drop_tag(const std::string& table, const std::string& tag,
                const std::vector<std::pair<std::string, std::string>>& changed);

  Sums all(const std::string& table) const;
  Sums above(const std::string& table, std::int64_t k) const;
  Sums in_cursors(const std::string& table, std::int64_t after, std::int64_t to) const;
  Sums in_times(const std::string& table, std::int64_t from, std::int64_t before) const;
  // id, rows, tags of each extent that has the tag; of all where it is empty.
  std::set<std::string> extents(const std::string& table, const std::string& tag) const;
  std::int64_t cursor() const { return cursor_; }

 private:
  void advance(std::int64_t now);

  Mutant mutant_;
  std::int64_t cursor_, ingested_ = 0;
};

std::string extent_line(const std::string& id, std::int64_t rows,
                        const std::set<std::string>& tags);

}  // namespace kc::engine
