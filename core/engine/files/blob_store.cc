#include "core/engine/files/blob_store.h"

namespace kc::engine {
namespace {

Error told(Error error, const char* code, const std::string& what) {
  error.service_code = code;
  error.message = std::string(code) + ": " + what + ": " + error.message;
  return error;
}

Error download_error(Error error, const std::string& what) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return told(std::move(error), "Download_SourceNotFound", what);
    case ErrorKind::denied:
      return told(std::move(error), "Download_Forbidden", what);
    case ErrorKind::conflict:
      return told(std::move(error), "Download_AccessConditionNotSatisfied", what);
    case ErrorKind::invalid:
      return told(std::move(error), "Download_BadRequest", what);
    default:
      return told(std::move(error), "Download_UnknownError", what);
  }
}

Result<azure::BlobAddress> address_of_blob(const std::string& text) {
  auto address = azure::parse_blob_address(text);
  if (!address)
    return fail(told(std::move(address).error(), "BadRequest_InvalidBlobUri", "the address"));
  return address;
}

}  // namespace

bool is_blob_address(std::string_view address) {
  for (const auto* scheme : {"https://", "http://", "abfss://", "abfs://", "wasbs://", "wasb://"}) {
    if (address.starts_with(scheme)) return true;
  }
  return false;
}

Result<void> check_blob_address(const std::string& address) {
  KC_CHECK_OK(address_of_blob(address));
  return {};
}

std::string local_name(const std::string& address, std::size_t number) {
  constexpr std::size_t kLengthMax = 100;
  auto path = address.substr(0, address.find_first_of("?;"));
  path = path.substr(path.rfind('/') + 1);
  std::string name = std::to_string(number) + "_";
  for (const char c : path.substr(path.size() > kLengthMax ? path.size() - kLengthMax : 0)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name;
}

Result<std::int64_t> BlobStore::download(const std::string& text, const std::filesystem::path& to) {
  KC_TRY(const auto address, address_of_blob(text));
  auto size = blobs(address).download(address.path, to);
  if (!size) return fail(download_error(std::move(size).error(), address.url()));
  return size;
}

Result<std::string> BlobStore::upload(const std::filesystem::path& from, const std::string& text,
                                      const std::string& name) {
  KC_TRY(auto address, address_of_blob(text));
  while (address.path.ends_with('/')) address.path.pop_back();
  address.path += (address.path.empty() ? "" : "/") + name;
  KC_CHECK_OK(blobs(address).upload(from, address.path));
  return address.url();
}

Result<std::vector<BlobFile>> BlobStore::list(const std::string& text, std::size_t limit) {
  KC_TRY(auto address, address_of_blob(text));
  KC_TRY(const auto items, blobs(address).list_all(address.path, limit));
  std::vector<BlobFile> files;
  for (const auto& item : items) {
    address.path = item.name;
    files.push_back({address.url(), item.name, item.size, item.created});
  }
  return files;
}

Result<void> BlobStore::remove(const std::string& text) {
  KC_TRY(const auto address, address_of_blob(text));
  return blobs(address).remove(address.path);
}

}  // namespace kc::engine
