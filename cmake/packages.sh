#!/usr/bin/env bash
# Installs the Debian packages that the build (and, when asked, the tests) needs. It looks first: when nothing is missing it
# returns at once and touches nothing. docs/dependencies.md says why each package is here.
set -euo pipefail

readonly build_packages=(
  g++ cmake ninja-build ccache pkg-config git ca-certificates dpkg-dev xz-utils debian-archive-keyring curl
  nlohmann-json3-dev libspdlog-dev libfmt-dev libsqlite3-dev libssl-dev zlib1g-dev libisal-dev libcurl4-openssl-dev
  libcli11-dev libyaml-cpp-dev libpugixml-dev libexpected-dev
  libboost-json1.81-dev
)
readonly test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev clang-format-14 clang-tidy-14 procps strace
)

readonly interop_packages=(
  nodejs python3-venv
)

usage() {
  cat <<'TEXT'
usage: cmake/packages.sh [build] [tests] [interop]

Installs the Debian 12 packages that are missing, as root or through sudo.
  build   what compiling and running kusto-copy needs (always included)
  tests   what tests/run.sh needs besides
  interop what other people's clients run on, where it is not there in some other way
npm is installed only where there is none: it brings the embedded engine's library.
TEXT
}

say() { printf 'packages: %s\n' "$*" >&2; }
fail() { say "failed: $*"; exit 1; }

wanted=("${build_packages[@]}")
interop=no
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    build) ;;
    tests) wanted+=("${test_packages[@]}") ;;
    interop) interop=yes ;;
    *) usage >&2; fail "unknown argument: $argument" ;;
  esac
done

if ! command -v apt-get >/dev/null; then
  say "no apt-get here: docs/dependencies.md names what is needed; going on with what is installed"
  exit 0
fi

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" { print $1 }')
missing=()
for package in "${wanted[@]}"; do
  grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done
command -v npm >/dev/null || missing+=(npm)
runs() {  # package of interop_packages
  case $1 in
    nodejs) command -v node ;;
    python3-venv) python3 -c 'import ensurepip, venv' ;;
  esac >/dev/null 2>&1
}
if [ $interop = yes ]; then
  for package in "${interop_packages[@]}"; do
    runs "$package" || missing+=("$package")
  done
fi
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "missing: ${missing[*]}. Run this as root, or install sudo"
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_apt() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get $1: see the lines above"
  fi
}

say "installing ${#missing[@]} packages: ${missing[*]}"
case " ${missing[*]} " in *" npm "*) say "npm is many small packages on a bare system: this takes a minute or two" ;; esac
say "apt-get update"
run_apt update
say "apt-get install"
run_apt install -y --no-install-recommends "${missing[@]}"
say "done"
