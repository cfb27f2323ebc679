#!/usr/bin/env bash
# Fetches the parts that Debian 12 does not package into .deps/, each pinned and verified, by its own registry's client.
# It installs nothing on the machine, and a second run finds everything in place and fetches nothing.
# docs/dependencies.md says why each part is here and how it is verified.
set -euo pipefail

readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly deps=${KC_DEPS_DIR:-$root/.deps}

readonly duckdb_version=1.4.4
readonly duckdb_x64_package=@duckdb/node-bindings-linux-x64@1.4.4-r.4
readonly duckdb_x64_sha256=732fac4dc6b8f198870b9c4bb6ddf13544466daca00ad28ba2f1d80de5d7aa4b
readonly duckdb_header_package=duckdb@1.4.4
readonly duckdb_header_sha256=5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed

readonly httplib_base=0.18.7
readonly httplib_pinned=0.18.7-1+deb13u1
readonly httplib_orig_sha256=c88f6495da71e778c82c22995b547a92ceb41cc4016f9028df67106a24b9210d
readonly httplib_debian_sha256=00ea33189a7421a434b6d9ccb431ef4debce086534d249e8efa89050e7593198
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

usage() {
  cat <<TEXT
usage: cmake/fetch.sh [part...]

Fetches the pinned parts into $deps (another place: KC_DEPS_DIR). Parts, all by default:
  duckdb    libduckdb $duckdb_version and its C header, by npm pack, checked by SHA-256
  httplib   cpp-httplib $httplib_pinned (or a later security update of it), by apt-get source, checked by apt's signatures
TEXT
}

say() { printf 'fetch: %s\n' "$*" >&2; }
fail() { say "failed: $*"; exit 1; }

# A command's output is shown only if the command fails.
quietly() {
  if ! "$@" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    return 1
  fi
}

check_sha256() {  # file, expected
  local got
  got=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$got" = "$2" ] || fail "$(basename "$1") has SHA-256 $got, expected $2: it is not the file that was pinned; not used"
}

# A part appears under its final name only when it is whole, so that an interrupted run leaves nothing half-done behind.
publish() {  # folder in $work, final folder
  mkdir -p "$(dirname "$2")"
  rm -rf "$2"
  mv "$1" "$2"
}

npm_pack() {  # package@version, expected sha256, folder to unpack into
  mkdir -p "$work/tgz" "$3"
  rm -f "$work"/tgz/*.tgz
  say "npm pack $1"
  (cd "$work/tgz" && quietly npm pack --ignore-scripts "$1") || fail "npm pack $1: see the lines above"
  local tgz=("$work"/tgz/*.tgz)
  [ -f "${tgz[0]}" ] || fail "npm pack $1 left no archive"
  check_sha256 "${tgz[0]}" "$2"
  tar -xzf "${tgz[0]}" -C "$3"
}

fetch_duckdb() {
  local final=$deps/duckdb-$duckdb_version
  if [ -f "$final/lib/libduckdb.so" ] && [ -f "$final/include/duckdb.h" ]; then
    say "duckdb $duckdb_version is there"
    return
  fi
  [ "$(uname -m)" = x86_64 ] || fail "duckdb: only x86_64 has a pinned library; set -DKC_DUCKDB_DIR=..., or build with -DKC_EMBEDDED=OFF"
  command -v npm >/dev/null || fail "duckdb: npm is missing; cmake/packages.sh installs it"
  npm_pack "$duckdb_x64_package" "$duckdb_x64_sha256" "$work/library"
  npm_pack "$duckdb_header_package" "$duckdb_header_sha256" "$work/header"
  mkdir -p "$work/duckdb/lib" "$work/duckdb/include"
  cp "$work/library/package/libduckdb.so" "$work/duckdb/lib/"
  cp "$work/header/package/src/duckdb/src/include/duckdb.h" "$work/duckdb/include/"
  publish "$work/duckdb" "$final"
  say "duckdb $duckdb_version: in $final"
}

debian_mirror() {
  local uri=
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    uri=$(awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
  fi
  if [ -z "$uri" ] && [ -f /etc/apt/sources.list ]; then
    uri=$(sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' /etc/apt/sources.list | head -n 1)
  fi
  [ -n "$uri" ] || fail "httplib: no Debian mirror found in this machine's apt sources; set -DKC_HTTPLIB_DIR=... to a folder that holds httplib.h"
  printf '%s\n' "$uri"
}

# apt with its own sources and lists: the machine's settings are read for mirror, proxy and certificates, and never touched.
private_apt() {
  local tool=$1
  shift
  "$tool" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/parts" \
    -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=root "$@"
}

fetch_httplib() {
  local final=$deps/cpp-httplib-$httplib_base
  if [ -f "$final/include/httplib.h" ]; then
    say "cpp-httplib $(cat "$final/VERSION") is there"
    return
  fi
  command -v dpkg-source >/dev/null || fail "httplib: dpkg-source is missing; cmake/packages.sh installs dpkg-dev"
  [ -f "$keyring" ] || fail "httplib: $keyring is missing; cmake/packages.sh installs debian-archive-keyring"
  local mirror
  mirror=$(debian_mirror)
  mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/source"
  cat >"$work/apt/parts/source.sources" <<TEXT
Types: deb-src
URIs: $mirror
Suites: trixie trixie-updates
Components: main
Signed-By: $keyring
TEXT
  say "apt-get source cpp-httplib (Debian 13's, security-maintained)"
  quietly private_apt apt-get update || fail "httplib: apt-get update of Debian 13's sources: see the lines above"
  local version
  version=$(private_apt apt-cache showsrc cpp-httplib | awk '$1 == "Version:" { print $2 }' |
    grep -E "^${httplib_base//./\\.}-1\+deb13u[0-9]+$" | sort -V | tail -n 1) || true
  [ -n "$version" ] || fail "httplib: Debian 13 offers no $httplib_base-1+deb13uN any more; pin a new version in cmake/fetch.sh"
  (cd "$work/source" && quietly private_apt apt-get source "cpp-httplib=$version") ||
    fail "httplib: apt-get source cpp-httplib=$version: see the lines above"
  if [ "$version" = "$httplib_pinned" ]; then
    check_sha256 "$(ls "$work"/source/cpp-httplib_*.orig.tar.*[!c])" "$httplib_orig_sha256"
    check_sha256 "$(ls "$work"/source/cpp-httplib_*.debian.tar.*)" "$httplib_debian_sha256"
  else
    say "cpp-httplib $version is newer than the pinned $httplib_pinned: a security update, verified by apt's signature"
  fi
  local header
  header=$(ls "$work"/source/cpp-httplib-*/httplib.h)
  mkdir -p "$work/httplib/include"
  cp "$header" "$work/httplib/include/"
  printf '%s\n' "$version" >"$work/httplib/VERSION"
  publish "$work/httplib" "$final"
  say "cpp-httplib $version: in $final"
}

parts=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    duckdb | httplib) parts+=("$argument") ;;
    *) usage >&2; fail "unknown part: $argument" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(duckdb httplib)

mkdir -p "$deps"
work=$(mktemp -d "$deps/fetching.XXXXXX")
readonly work
trap 'rm -rf "$work"' EXIT
for part in "${parts[@]}"; do "fetch_$part"; done
