// Functions of dynamic values that run inside DuckDB. All take and give JSON text; what is no array
// (or no bag) where one is needed gives NULL.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "core/engine/translate/functions.h"
#include "core/engine/translate/json_parts.h"
#include "core/engine/translate/vectorised.h"

namespace kc::engine {
namespace {

using vectorised::add;
using Text = std::string_view;
using Long = std::int64_t;
using Out = std::optional<std::string>;
using Elements = std::vector<std::string_view>;

constexpr std::size_t kElementsMax = 1'048'576;  // of an array that a function makes

double number_of(Text json) {
  double value = std::nan("");
  std::from_chars(json.data(), json.data() + json.size(), value);
  return value;
}
bool is_number(Text json) {
  return !json.empty() && (json[0] == '-' || (json[0] >= '0' && json[0] <= '9'));
}

// [[1,2],[3]] -> [1,2,3]: the arguments come packed, however many there are.
Out concatenated(Text packed) {
  Elements all;
  const auto packs = json_elements(packed).value_or(Elements());
  for (const Text array : packs) {
    const auto elements = json_elements(array);
    if (!elements) return std::nullopt;
    all.insert(all.end(), elements->begin(), elements->end());
  }
  return json_array(all);
}

Out sliced(Text json, Long start, Long end) {
  const auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  const auto size = static_cast<Long>(elements->size());
  if (start < 0) start = std::max<Long>(0, start + size);
  if (end < 0) end += size;
  end = std::min(end, size - 1);
  Elements part;
  for (Long i = start; i <= end; ++i) part.push_back((*elements)[static_cast<std::size_t>(i)]);
  return json_array(part);
}

// Nulls stand last for both directions unless asked otherwise; numbers by value, texts by bytes.
Out sorted(Text json, bool ascending, bool nulls_last) {
  auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  const auto rank = [](Text one) { return one == "null" ? 2 : is_number(one) ? 0 : 1; };
  std::stable_sort(elements->begin(), elements->end(), [&](Text a, Text b) {
    const int x = rank(a), y = rank(b);
    if (x == 2 || y == 2) return x != y && (nulls_last ? y == 2 : x == 2);
    if (x != y) return ascending ? x < y : y < x;
    if (x == 0) return ascending ? number_of(a) < number_of(b) : number_of(b) < number_of(a);
    return ascending ? a < b : b < a;
  });
  return json_array(*elements);
}

std::optional<double> sum_of(Text json) {
  const auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  double sum = 0;
  for (const Text one : *elements) {
    if (!is_number(one)) return std::nullopt;
    sum += number_of(one);
  }
  return sum;
}

Out reversed(Text json) {
  auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  std::reverse(elements->begin(), elements->end());
  return json_array(*elements);
}

// To the left where positive.
Out rotated(Text json, Long by) {
  auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  if (!elements->empty()) {
    const auto size = static_cast<Long>(elements->size());
    std::rotate(elements->begin(), elements->begin() + (by % size + size) % size, elements->end());
  }
  return json_array(*elements);
}

Out shifted(Text json, Long by, Text filler) {
  const auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  const auto size = static_cast<Long>(elements->size());
  Elements moved;
  for (Long i = 0; i < size; ++i) {
    const bool there = by >= -size && by <= size && i + by >= 0 && i + by < size;
    moved.push_back(there ? (*elements)[static_cast<std::size_t>(i + by)] : filler);
  }
  return json_array(moved);
}

// At one index, or at each of an array of them.
Out split_at(Text json, Text where) {
  const auto elements = json_elements(json);
  if (!elements) return std::nullopt;
  const auto size = static_cast<Long>(elements->size());
  std::set<Long> cuts;
  const auto places = json_elements(where).value_or(Elements{where});
  for (const Text place : places) {
    if (!is_number(place)) return std::nullopt;
    const auto at = static_cast<Long>(number_of(place));
    cuts.insert(std::clamp<Long>(at < 0 ? at + size : at, 0, size));
  }
  std::vector<std::string> parts;
  Long from = 0;
  cuts.insert(size);
  const bool ends = std::any_of(places.begin(), places.end(), [&](Text place) {
    return static_cast<Long>(number_of(place)) >= size;
  });
  for (const Long cut : cuts) {
    parts.push_back(json_array(Elements(elements->begin() + from, elements->begin() + cut)));
    from = cut;
  }
  if (ends) parts.emplace_back("[]");
  return json_array(parts);
}

// [condition, when true, when false], each an array or one value for all.
Out chosen(Text packed) {
  const auto arguments = json_elements(packed).value();
  const auto conditions = json_elements(arguments[0]);
  if (!conditions) return std::nullopt;
  const auto value = [&](Text argument, std::size_t i) -> Text {
    const auto elements = json_elements(argument);
    if (!elements) return argument;
    return i < elements->size() ? (*elements)[i] : Text("null");
  };
  Elements made;
  for (std::size_t i = 0; i < conditions->size(); ++i) {
    const Text condition = (*conditions)[i];
    const bool known = condition == "true" || condition == "false" || is_number(condition);
    const bool holds = condition == "true" || (is_number(condition) && number_of(condition) != 0);
    made.push_back(!known ? Text("null") : value(arguments[holds ? 1 : 2], i));
  }
  return json_array(made);
}

// Of several bags; the first that has a name gives its value.
Out merged(Text packed) {
  std::vector<std::pair<std::string, std::string>> members;
  std::set<Text> names;
  bool any = false;
  const auto packs = json_elements(packed).value_or(Elements());
  for (const Text bag : packs) {
    const auto own = json_members(bag);
    if (!own) continue;
    any = true;
    for (const auto& [name, value] : *own) {
      if (names.insert(name).second) members.emplace_back(std::string(name), std::string(value));
    }
  }
  if (!any) return std::nullopt;
  return json_object(members);
}

Out without_keys(Text bag, Text keys) {
  const auto members = json_members(bag);
  const auto gone = json_elements(keys);
  if (!members || !gone) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> left;
  for (const auto& [name, value] : *members) {
    if (std::find(gone->begin(), gone->end(), name) == gone->end())
      left.emplace_back(std::string(name), std::string(value));
  }
  return json_object(left);
}

Out with_key(Text bag, Text key, Text value) {
  const auto members = json_members(bag);
  if (!members) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> made;
  const std::string wanted = json_string(key);
  bool found = false;
  for (const auto& [name, old] : *members) {
    found = found || name == wanted;
    made.emplace_back(std::string(name), std::string(name == wanted ? value : old));
  }
  if (!found) made.emplace_back(wanted, std::string(value));
  return json_object(made);
}

// Keys that are no text are left out; missing values are null.
Out zipped_bag(Text keys, Text values) {
  const auto names = json_elements(keys), given = json_elements(values);
  if (!names || !given) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> members;
  for (std::size_t i = 0; i < names->size(); ++i) {
    if ((*names)[i].starts_with('"'))
      members.emplace_back(std::string((*names)[i]),
                           std::string(i < given->size() ? (*given)[i] : Text("null")));
  }
  return json_object(members);
}

Out zipped(Text packed) {
  std::vector<Elements> arrays;
  std::size_t longest = 0;
  const auto packs = json_elements(packed).value_or(Elements());
  for (const Text array : packs) {
    auto elements = json_elements(array);
    if (!elements) return std::nullopt;
    longest = std::max(longest, elements->size());
    arrays.push_back(std::move(*elements));
  }
  std::vector<std::string> made;
  for (std::size_t i = 0; i < longest; ++i) {
    Elements one;
    for (const Elements& array : arrays) one.push_back(i < array.size() ? array[i] : Text("null"));
    made.push_back(json_array(one));
  }
  return json_array(made);
}

// In the order of the first array; each element once.
Out combined(Text packed, Long operation) {
  const auto arrays = json_elements(packed).value();
  Elements result;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const auto elements = json_elements(arrays[i]);
    if (!elements) return std::nullopt;
    const std::set<Text> own(elements->begin(), elements->end());
    if (i == 0 || operation == 0) {
      std::set<Text> seen(result.begin(), result.end());
      for (const Text one : *elements) {
        if (seen.insert(one).second) result.push_back(one);
      }
      continue;
    }
    std::erase_if(result, [&](Text one) { return own.contains(one) != (operation == 1); });
  }
  return json_array(result);
}

std::optional<double> jaccard(Text a, Text b) {
  const auto x = json_elements(a), y = json_elements(b);
  if (!x || !y) return std::nullopt;
  const std::set<Text> left(x->begin(), x->end()), right(y->begin(), y->end());
  const auto common =
      std::count_if(left.begin(), left.end(), [&](Text one) { return right.contains(one); });
  const auto all = left.size() + right.size() - static_cast<std::size_t>(common);
  if (all == 0) return std::nullopt;
  return static_cast<double>(common) / static_cast<double>(all);
}

Out repeated(Text value, Long count) {
  if (count < 0 || count > static_cast<Long>(kElementsMax)) return std::nullopt;
  return json_array(Elements(static_cast<std::size_t>(count), value));
}

// The members of a bag as an array of [key, value] (mv-expand bagexpansion=array).
Out pairs_of(Text json) {
  const auto members = json_members(json);
  if (!members) return std::string(json);
  std::vector<std::string> pairs;
  for (const auto& [name, value] : *members) pairs.push_back(json_array(Elements{name, value}));
  return json_array(pairs);
}

Out at_path(Text path, Text json) { return json_at_path(json, path); }
std::string with_sorted_names(Text json) { return json_sorted(json); }

// Text of `key=value` pairs as a bag; `options` is [pair delimiters, key delimiter, quotes, escape,
// greedy], quotes being the opening and the closing ones.
std::string pairs_in_text(Text text, Text options) {
  const auto given = json_elements(options).value();
  const auto option = [&](std::size_t i) { return json_string_value(given[i]).value_or(""); };
  const std::string separators = option(0), equals = option(1), quotes = option(2),
                    escape = option(3);
  const bool greedy = given[4] == "true";
  const auto separates = [&](char c) { return separators.find(c) != std::string::npos; };
  const char open = quotes.empty() ? '\0' : quotes.front();
  const char close = quotes.empty() ? '\0' : quotes.back();
  std::vector<std::pair<std::string, std::string>> members;
  std::set<std::string> seen;
  for (std::size_t at = 0; at < text.size();) {
    if (separates(text[at]) || text[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t middle = text.find(equals, at);
    std::size_t stop = at;
    while (stop < text.size() && !separates(text[stop])) ++stop;
    if (middle == Text::npos) break;
    if (!greedy && stop < middle) {  // a word without a value
      at = stop;
      continue;
    }
    const Text key = text.substr(at, middle - at);
    std::string value;
    at = middle + equals.size();
    if (at < text.size() && open != '\0' && text[at] == open) {
      for (++at; at < text.size() && text[at] != close; ++at) {
        if (!escape.empty() && text[at] == escape[0] && at + 1 < text.size()) ++at;
        value += text[at];
      }
      ++at;
    } else {
      std::size_t end = at;
      while (end < text.size() && !separates(text[end])) ++end;
      while (greedy && end < text.size()) {  // up to the last separator before the next key
        const std::size_t next = text.find(equals, end);
        const std::size_t last =
            next == Text::npos ? text.size() : text.find_last_of(separators, next);
        if (last == end || last == Text::npos) break;
        end = last;
      }
      value = std::string(text.substr(at, end - at));
      at = end;
    }
    if (seen.insert(std::string(key)).second)
      members.emplace_back(json_string(key), json_string(value));
  }
  return json_object(members);
}

}  // namespace

Result<void> register_dynamic_functions(duckdb_connection connection) {
  using Made = std::string;
  KC_CHECK_OK((add<concatenated, Made, Text>(connection, "kc_array_concat")));
  KC_CHECK_OK((add<sliced, Made, Text, Long, Long>(connection, "kc_array_slice")));
  KC_CHECK_OK((add<sorted, Made, Text, bool, bool>(connection, "kc_array_sort")));
  KC_CHECK_OK((add<sum_of, double, Text>(connection, "kc_array_sum")));
  KC_CHECK_OK((add<reversed, Made, Text>(connection, "kc_array_reverse")));
  KC_CHECK_OK((add<rotated, Made, Text, Long>(connection, "kc_array_rotate")));
  KC_CHECK_OK((add<shifted, Made, Text, Long, Text>(connection, "kc_array_shift")));
  KC_CHECK_OK((add<split_at, Made, Text, Text>(connection, "kc_array_split")));
  KC_CHECK_OK((add<chosen, Made, Text>(connection, "kc_array_iff")));
  KC_CHECK_OK((add<merged, Made, Text>(connection, "kc_bag_merge")));
  KC_CHECK_OK((add<without_keys, Made, Text, Text>(connection, "kc_bag_remove_keys")));
  KC_CHECK_OK((add<with_key, Made, Text, Text, Text>(connection, "kc_bag_set_key")));
  KC_CHECK_OK((add<zipped_bag, Made, Text, Text>(connection, "kc_bag_zip")));
  KC_CHECK_OK((add<zipped, Made, Text>(connection, "kc_zip")));
  KC_CHECK_OK((add<combined, Made, Text, Long>(connection, "kc_set_combine")));
  KC_CHECK_OK((add<jaccard, double, Text, Text>(connection, "kc_jaccard")));
  KC_CHECK_OK((add<repeated, Made, Text, Long>(connection, "kc_repeat")));
  KC_CHECK_OK((add<pairs_of, Made, Text>(connection, "kc_bag_pairs")));
  KC_CHECK_OK((add<at_path, Made, Text, Text>(connection, "kc_json_path")));
  KC_CHECK_OK((add<with_sorted_names, Made, Text>(connection, "kc_json_sorted")));
  return add<pairs_in_text, Made, Text, Text>(connection, "kc_pairs_in_text");
}

}  // namespace kc::engine
