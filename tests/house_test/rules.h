// The rules of the house, each a function from a tree to what breaks it. house_test.cc runs them
// over this repository and over small trees that break them on purpose. Thread promise: pure
// functions.
#pragma once

#include <string_view>
#include <vector>

#include "tests/house_test/tree.h"

namespace house_test {

using Findings = std::vector<Finding>;

// Sources (rules_source.cc).
Findings check_includes(const Tree& tree);
Findings check_heavy_headers(const Tree& tree);
Findings check_sleeps(const Tree& tree);
Findings check_header_openings(const Tree& tree);
Findings check_names(const Tree& tree);
Findings check_unfinished(const Tree& tree);
Findings check_machine_paths(const Tree& tree);
Findings check_length(const Tree& tree);

// What stands in two places (rules_documents.cc).
Findings check_migrations(const Tree& tree);
Findings check_room_readmes(const Tree& tree);
Findings check_map(const Tree& tree);
Findings check_dependency_page(const Tree& tree);
Findings check_test_groups(const Tree& tree);
Findings check_test_labels(const Tree& tree);
Findings check_decisions(const Tree& tree);

struct Rule {
  std::string_view name;
  Findings (*check)(const Tree&);
};
// Every rule above: what runs over the repository.
const std::vector<Rule>& all_rules();

}  // namespace house_test
