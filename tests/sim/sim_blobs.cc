#include "tests/sim/sim_blobs.h"

#include <utility>

namespace kc::sim {
namespace {

std::string_view without_slash(std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return folder;
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{}
                                         : without_slash(path.substr(0, slash));
}

}  // namespace

void SimBlobs::open(std::string_view folder) { open_.emplace(without_slash(folder)); }

void SimBlobs::seal(std::string_view folder) {
  const auto found = open_.find(folder);
  if (found != open_.end()) open_.erase(found);
}

void SimBlobs::close(std::string_view folder) {
  folder = without_slash(folder);
  if (const auto found = open_.find(folder); found != open_.end()) open_.erase(found);
  const std::string below = std::string(folder) + '/';
  for (auto it = blobs_.lower_bound(below); it != blobs_.end() && it->first.starts_with(below);)
    it = blobs_.erase(it);
}

bool SimBlobs::write(std::string_view path, Blob blob) {
  if (!open_.contains(folder_of(path))) return false;
  blobs_.insert_or_assign(std::string(path), std::move(blob));
  return true;
}

const Blob* SimBlobs::find(std::string_view path) const {
  const auto found = blobs_.find(path);
  return found == blobs_.end() ? nullptr : &found->second;
}

const std::vector<Row>* SimBlobs::rows(std::string_view path) const {
  const Blob* blob = find(path);
  return blob == nullptr ? nullptr : &blob->rows;
}

void SimBlobs::remove(std::string_view path) {
  if (const auto found = blobs_.find(path); found != blobs_.end()) blobs_.erase(found);
}

std::vector<std::string> SimBlobs::list(std::string_view prefix) const {
  std::vector<std::string> names;
  for (auto it = blobs_.lower_bound(prefix); it != blobs_.end() && it->first.starts_with(prefix);
       ++it) {
    names.push_back(it->first);
  }
  return names;
}

}  // namespace kc::sim
