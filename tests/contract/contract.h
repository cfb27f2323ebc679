// openapi.yaml as something to hold answers against: operations, and a validator for the part of
// JSON Schema that the file uses (any other keyword is an error, so that nothing is silently not
// checked). Used by the contract and e2e tests. Thread promise: reading is safe from any thread;
// `seen` is not.
#pragma once

#include <yaml-cpp/yaml.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"

namespace kc::contract {

struct Operation {
  std::string method, path, id;
  YAML::Node node;
};

class Contract {
 public:
  explicit Contract(const std::string& file);

  const YAML::Node& root() const { return root_; }
  const std::vector<Operation>& operations() const { return operations_; }
  // The operation of a request, or nullptr where none is declared.
  const Operation* find(const std::string& method, const std::string& path) const;
  // `#/components/…` -> the node there; a node without $ref comes back as it is.
  YAML::Node resolve(YAML::Node node) const;

  // What is wrong with an answer to this operation; empty if nothing is. Notes that the status was
  // seen.
  std::vector<std::string> check(const Operation& operation, int status,
                                 const std::string& content_type, const std::string& body,
                                 bool has_body);
  std::vector<std::string> check_schema(const std::string& name, const std::string& body) const;
  // Every declared (operation, status) that no answer had.
  std::vector<std::string> unseen() const;

 private:
  void validate(const nlohmann::json& value, YAML::Node schema, const std::string& at,
                std::vector<std::string>& wrong) const;
  void validate_object(const nlohmann::json& value, const YAML::Node& schema, const std::string& at,
                       std::vector<std::string>& wrong) const;
  void validate_text(const std::string& text, const YAML::Node& schema, const std::string& at,
                     std::vector<std::string>& wrong) const;

  YAML::Node root_;
  std::vector<Operation> operations_;
  std::set<std::pair<std::string, int>> seen_;
};

}  // namespace kc::contract
