#include "core/lake/blob_errors.h"

namespace kc {
namespace {

Error as(Error error, ErrorKind kind, const char* code, const char* fix = "") {
  error.kind = kind;
  error.code = code;
  if (error.fix.empty()) error.fix = fix;
  return error;
}

}  // namespace

Error lake_error(Error error) {
  const std::string& word = error.service_code;
  // What is said of a certificate, or of signing in, is said best by itself.
  for (const char* own : {"lake.", "net.tls", "identity."}) {
    if (error.code.starts_with(own)) return error;
  }
  if (word == "ContainerNotFound" || word == "ContainerBeingDeleted" || word == "ContainerDisabled")
    return as(std::move(error), ErrorKind::invalid, "lake.container",
              "make the container first (az storage container create), or name another");
  if (word == "AccountIsDisabled")
    return as(std::move(error), ErrorKind::denied, "lake.permission", "enable the storage account");
  // What an account over its capacity answers.
  if (word == "InsufficientStorage" || word == "AccountLimitExceeded")
    return as(std::move(error), ErrorKind::unavailable, "lake.full");
  switch (error.kind) {
    case ErrorKind::not_found:
      return as(std::move(error), ErrorKind::not_found, "lake.absent");
    case ErrorKind::denied:
      return as(std::move(error), ErrorKind::denied, "lake.permission",
                "the lake needs to read, write, delete and list: a SAS with rwdl, an account key, "
                "or the role Storage Blob Data Contributor; and a firewall that lets this host in");
    case ErrorKind::invalid:
      return as(std::move(error), ErrorKind::invalid, "lake.refused");
    case ErrorKind::conflict:
      // A policy keeps the blob, a lease that is not ours, a snapshot: nothing that passes.
      return as(std::move(error), ErrorKind::conflict, "lake.refused");
    case ErrorKind::cancelled:
      return error;
    case ErrorKind::throttled:
    case ErrorKind::unavailable:
    case ErrorKind::corrupt:
      break;
  }
  return as(std::move(error), ErrorKind::unavailable, "lake.unreachable");
}

}  // namespace kc
