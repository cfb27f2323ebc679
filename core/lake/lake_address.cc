#include "core/lake/lake_address.h"

#include <filesystem>

#include "core/base/redact.h"
#include "core/lake/folder_lake.h"
#include "core/lake/lake_names.h"

namespace kc {
namespace {

Failure unsupported(const std::string& text) {
  auto failure = fail(ErrorKind::invalid, "lake.unsupported",
                      "'" + redact(text) + "' is not a lake that this version can use");
  failure.value().fix =
      "Give a local folder (/var/lib/kusto-copy/lake) or a file:// URL "
      "(file:///var/lib/kusto-copy/lake).";
  return failure;
}

bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != text.npos && text.substr(0, colon).find_first_of("/.") == text.npos;
}

}  // namespace

Result<LakeAddress> parse_lake(const std::string& text) {
  constexpr std::string_view kScheme = "file://";
  std::string path = text;
  if (text.starts_with(kScheme)) {
    std::string_view rest = std::string_view(text).substr(kScheme.size());
    if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
    if (!rest.starts_with('/') || rest.find_first_of("?#") != rest.npos) return unsupported(text);
    KC_TRY(path, decode_path(rest));
  } else if (has_scheme(text)) {
    return unsupported(text);
  }
  if (path.empty() || path.find('\0') != path.npos) return unsupported(text);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return unsupported(text);
  std::string folder = absolute.lexically_normal().string();
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return LakeAddress{std::move(folder)};
}

Result<std::unique_ptr<Lake>> open_lake(const LakeAddress& address, std::string_view job_id) {
  KC_CHECK_OK(check_lake_name(job_id));
  if (job_id.find('/') != job_id.npos) {
    return fail(ErrorKind::invalid, "lake.name", "'" + std::string(job_id) + "' is not a job id");
  }
  return std::make_unique<FolderLake>(address.folder + "/" + std::string(job_id));
}

}  // namespace kc
