#include "tests/unit/engine_model/world.h"

#include <algorithm>

#include "core/base/json.h"
#include "core/engine/points.h"
#include "core/engine/storage/merge.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array<const char*, 3> kTables = {"A", "B", "C"};
constexpr std::array<const char*, 3> kTags = {"red", "drop-by:x", "ingest-by:y"};

std::string listed(const std::vector<std::string>& ids) {
  std::string text;
  for (const auto& id : ids) text += (text.empty() ? "" : ", ") + id;
  return "(" + text + ")";
}

std::string text_of(const Sums& sums) {
  return std::to_string(sums.count) + " rows, sum " + std::to_string(sums.sum);
}

std::string text_of(const std::set<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "; ";
  return text;
}

std::vector<std::pair<std::string, std::string>> pairs_of(const json& rows) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& row : rows) {
    if (!row[1].get<std::string>().empty())
      pairs.emplace_back(row[0].get<std::string>(), row[1].get<std::string>());
  }
  return pairs;
}

}  // namespace

World::World(std::uint64_t seed, Mutant mutant, fs::path folder)
    : seed_(seed),
      mutant_(mutant),
      rng_(seed),
      folder_(std::move(folder)),
      clock_(std::make_shared<ManualClock>(*parse_datetime("2024-01-01"))),
      model_(mutant, clock_->now().value) {
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  open();
  command(".create database Db volatile");
  for (const auto* name : kTables) {
    command(std::string(".create table ") + name + " (k:long)");
    model_.tables[name];
  }
}

World::~World() {
  engine_.reset();
  fs::remove_all(folder_);
}

void World::open() {
  EngineOptions options;
  options.data_folder = folder_ / "data";
  options.threads = 1;  // one file from one ingestion
  options.clock = clock_;
  options.seed = seed_;
  // What is on the disk at this moment is what a process that ends here leaves behind.
  options.at_point = [this](std::string_view point) {
    if (photographed_ || point != crash_at_) return;
    fs::copy(folder_ / "data", folder_ / "photograph", fs::copy_options::recursive);
    photographed_ = true;
  };
  auto engine = Engine::open(options);
  if (engine)
    engine_ = std::move(*engine);
  else
    difference_ = "the folder does not open: " + engine.error().message;
}

std::int64_t World::below(std::int64_t bound) {
  return static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(bound)));
}
std::string World::table() { return kTables[rng_.below(kTables.size())]; }
std::string World::tag() { return kTags[rng_.below(kTags.size())]; }

World::Ids World::some_extents(const std::string& table, std::size_t most) {
  Ids ids;
  for (const auto& [id, extent] : model_.tables[table]) {
    if (ids.size() < most && rng_.chance(0.6)) ids.push_back(id);
  }
  return ids;
}

std::string World::command(const std::string& text) {
  doing_ += "\n  " + text;
  const auto answer = engine_->command("Db", text);
  if (answer) return "[" + answer->tables[0].rows + "]";
  difference_ = "refused: " + answer.error().message;
  return "[]";
}

void World::ingest() {
  const auto name = table(), given = tag();
  const auto count = 1 + below(20);
  const bool once = rng_.chance(0.2), tagged = once || rng_.chance(0.6);
  std::string with;
  if (tagged) with = " with (tags='[\"" + given + "\"]'";
  if (once) with += ", ingestIfNotExists='[\"y\"]'";
  if (tagged) with += ")";
  const auto rows = json::parse(command(".set-or-append " + name + with + " <| range k from " +
                                        std::to_string(next_k_) + " to " +
                                        std::to_string(next_k_ + count - 1) + " step 1"));
  const bool skipped = once && model_.has_tag(name, "ingest-by:y");
  if (skipped != rows.empty() || rows.size() > 1) {
    difference_ = "one extent was expected, or none where the tag is there: " + rows.dump();
    return;
  }
  if (!skipped) {
    model_.ingest(name, rows[0][0].get<std::string>(), next_k_, count,
                  tagged ? std::set<std::string>{given} : std::set<std::string>{},
                  clock_->now().value);
  }
  next_k_ += count;
}

void World::replace_table() {
  const auto name = table();
  const auto rows = json::parse(
      command(".set-or-replace " + name + " <| print k = long(" + std::to_string(next_k_) + ")"));
  model_.tables[name].clear();
  if (!rows.empty())
    model_.ingest(name, rows[0][0].get<std::string>(), next_k_, 1, {}, clock_->now().value);
  ++next_k_;
}

void World::move() {
  const auto from = table(), to = table();
  const auto ids = some_extents(from, 5);
  if (from == to || ids.empty()) return;
  const bool new_time = rng_.chance(0.5);
  const auto moved =
      json::parse(command(".move extents from table " + from + " to table " + to +
                          (new_time ? " with (setNewIngestionTime=true) " : " ") + listed(ids)));
  model_.move(from, to, pairs_of(moved), new_time, clock_->now().value);
}

void World::replace_extents() {
  const auto from = table(), to = table();
  const auto moved = some_extents(from, 3), dropped = some_extents(to, 3);
  if (from == to || moved.empty() || dropped.empty()) return;
  const auto query = [](const std::string& name, const Ids& ids) {
    return "{ .show table " + name + " extents " + listed(ids) + " | project ExtentId, TableName }";
  };
  const auto rows = json::parse(command(".replace extents in table " + to + " <| " +
                                        query(to, dropped) + ", " + query(from, moved)));
  for (const auto& id : dropped) model_.tables[to].erase(id);
  model_.move(from, to, pairs_of(rows), false, clock_->now().value);
}

void World::drop() {
  const auto name = table();
  const auto ids = some_extents(name, 4);
  if (ids.empty()) return;
  command(".drop extents " + listed(ids) + " from " + name);
  for (const auto& id : ids) model_.tables[name].erase(id);
}

void World::drop_tag() {
  const auto name = table(), given = tag();
  const auto rows = json::parse(command(".drop table " + name + " extent tags ('" + given + "')"));
  model_.drop_tag(name, given, pairs_of(rows));
}

void World::merge() {
  const auto name = table();
  const auto ids = some_extents(name, 4);
  if (ids.size() < 2) return;
  doing_ += "\n  merge " + name + " " + listed(ids);
  auto& host = engine_->host();
  std::vector<Uuid> uuids;
  for (const auto& id : ids) uuids.push_back(*Uuid::parse(id));
  const auto extent =
      host.catalogue->read([&](CatalogueView& view) { return view.extent(uuids.front()); });
  const auto merged = merge_extents(host, extent && *extent ? (*extent)->table : 0, uuids,
                                    [](CatalogueView&, const Extent&) { return Result<void>(); });
  if (merged)
    model_.merge(name, ids, merged->id.text());
  else
    difference_ = "refused: " + merged.error().message;
}

void World::rename() {
  const auto a = table(), b = table();
  if (a == b) return;
  command(".rename tables " + a + " = " + b + ", " + b + " = " + a);
  std::swap(model_.tables[a], model_.tables[b]);
}

void World::restart() {
  doing_ += "\n  restart";
  engine_.reset();
  open();
}

void World::pass_time() { clock_->advance(Timespan::seconds(1 + below(30))); }

// The point stays armed until a step passes it.
void World::maybe_crash_later() {
  if (!crash_at_.empty() || !rng_.chance(0.3)) return;
  static constexpr std::array<std::string_view, 5> kSubjects = {"ingest.", "move.", "drop.",
                                                                "tags.", "merge."};
  std::vector<std::string_view> points;
  for (const auto point : kPoints) {
    if (std::any_of(kSubjects.begin(), kSubjects.end(),
                    [&](std::string_view subject) { return point.starts_with(subject); }))
      points.push_back(point);
  }
  crash_at_ = points[rng_.below(points.size())];
}

// The step went on in a process that, in truth, had ended: back to the photograph.
void World::finish_crash(const Model& before) {
  if (!photographed_) return;
  doing_ += "\n  crashed at " + crash_at_;
  engine_.reset();
  fs::remove_all(folder_ / "data");
  fs::rename(folder_ / "photograph", folder_ / "data");
  if (!std::string_view(crash_at_).ends_with("committed") && mutant_ != Mutant::crash_is_forgotten)
    model_ = before;
  ++crashes_;
  crash_at_.clear();
  photographed_ = false;
  open();
}

void World::step() {
  using Step = void (World::*)();
  static constexpr std::array<std::pair<Step, int>, 10> kSteps = {{{&World::ingest, 30},
                                                                   {&World::move, 15},
                                                                   {&World::merge, 12},
                                                                   {&World::drop, 6},
                                                                   {&World::drop_tag, 6},
                                                                   {&World::replace_extents, 8},
                                                                   {&World::pass_time, 10},
                                                                   {&World::rename, 5},
                                                                   {&World::replace_table, 3},
                                                                   {&World::restart, 2}}};
  int total = 0;
  for (const auto& entry : kSteps) total += entry.second;
  auto drawn = below(total);
  const auto before = model_;
  maybe_crash_later();
  for (const auto& [what, weight] : kSteps) {
    drawn -= weight;
    if (drawn >= 0) continue;
    (this->*what)();
    break;
  }
  if (difference_.empty()) finish_crash(before);
}

Sums World::sums(const std::string& query) {
  const auto answer = engine_->query("Db", query + " | summarize count(), sum(k)");
  if (!answer) {
    difference_ = query + ": refused: " + answer.error().message;
    return {};
  }
  const auto rows = json::parse("[" + answer->tables[0].rows + "]");
  return {rows[0][0].get<std::int64_t>(),
          rows[0][1].is_null() ? 0 : rows[0][1].get<std::int64_t>()};
}

void World::expect(const std::string& question, const std::string& engine,
                   const std::string& model) {
  if (engine == model || !difference_.empty()) return;
  difference_ = question + "\n  engine: " + engine + "\n  model:  " + model;
}

void World::check_table(const std::string& name) {
  expect(name, text_of(sums(name)), text_of(model_.all(name)));
  const auto k = below(next_k_ + 1);
  const auto filtered = name + " | where k > " + std::to_string(k);
  expect(filtered, text_of(sums(filtered)), text_of(model_.above(name, k)));
  const auto start = parse_datetime("2024-01-01")->value;
  const auto span = clock_->now().value - start + 1;
  // The bounds are often a stamp itself, where half-open windows go wrong.
  auto after = start + below(span), to = start + below(span);
  for (const auto& [id, extent] : model_.tables[name]) {
    if (rng_.chance(0.3)) after = extent.rows.front().cursor;
    if (rng_.chance(0.3)) to = extent.rows.back().cursor;
  }
  const auto window = name + " | where cursor_after('" + std::to_string(after) +
                      "') and cursor_before_or_at('" + std::to_string(to) + "')";
  expect(window, text_of(sums(window)), text_of(model_.in_cursors(name, after, to)));
  const auto times = name + " | where ingestion_time() >= datetime(" + format_datetime({after}) +
                     ") and ingestion_time() < datetime(" + format_datetime({to}) + ")";
  expect(times, text_of(sums(times)), text_of(model_.in_times(name, after, to)));
  const auto filter = rng_.chance(0.5) ? tag() : std::string();
  const auto show = ".show table " + name + " extents" +
                    (filter.empty() ? "" : " where tags has '" + filter + "'") +
                    " | project ExtentId, RowCount, Tags";
  const auto answer = engine_->command("Db", show);
  if (!answer) {
    difference_ = show + ": refused: " + answer.error().message;
    return;
  }
  std::set<std::string> lines;
  for (const auto& row : json::parse("[" + answer->tables[0].rows + "]")) {
    std::set<std::string> tags;
    auto text = row[2].get<std::string>();
    while (!text.empty()) {
      const auto end = std::min(text.find("\r\n"), text.size());
      tags.insert(text.substr(0, end));
      text.erase(0, std::min(end + 2, text.size()));
    }
    lines.insert(extent_line(row[0].get<std::string>(), row[1].get<std::int64_t>(), tags));
  }
  expect(show, text_of(lines), text_of(model_.extents(name, filter)));
}

void World::check() {
  for (const auto* name : kTables) {
    if (difference_.empty()) check_table(name);
  }
  if (!difference_.empty()) return;
  const auto answer = engine_->query("Db", "print cursor_current()");
  expect("cursor_current()", answer ? answer->tables[0].rows : answer.error().message,
         "[\"" + std::to_string(model_.cursor()) + "\"]");
  // No file without a name, nothing unfinished.
  std::size_t files = 0, extents = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "data" / "extents"))
    files += entry.is_regular_file() ? 1u : 0u;
  for (const auto& [name, held] : model_.tables) extents += held.size();
  expect("files", std::to_string(files), std::to_string(extents));
  if (!fs::is_empty(folder_ / "data" / "scratch")) difference_ = "the scratch folder is not empty";
}

std::string World::run(int steps) {
  for (step_ = 0; step_ < steps; ++step_) {
    doing_.clear();
    step();
    if (difference_.empty()) check();
    if (!difference_.empty())
      return "seed " + std::to_string(seed_) + ", step " + std::to_string(step_) + ":" + doing_ +
             "\n" + difference_;
  }
  return {};
}

}  // namespace kc::engine
