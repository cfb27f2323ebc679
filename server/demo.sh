#!/usr/bin/env bash
# Command one of the README: from a bare Debian 12 to a proven copy. Everything after the build is `kusto-copy demo`.
set -euo pipefail

readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

case ${1:-} in
  -h | --help)
    cat <<'TEXT'
usage: server/demo.sh [argument of kusto-copy demo...]

Installs the Debian packages that are missing (as root or through sudo), fetches the pinned parts, builds the release
preset, and runs `kusto-copy demo`: a service with an embedded Kusto-compatible engine on loopback, a copy of sample
tables driven by curl, and the proof that both sides are equal. A second run builds nothing and starts at once.
Arguments are handed to `kusto-copy demo`; `server/demo.sh -- --help` shows its own.
TEXT
    exit 0 ;;
  --) shift ;;
esac

readonly log=$root/build/logs/demo-build.log
mkdir -p "$root/build/logs"

say() { printf '== %s\n' "$*"; }
fail() {
  say "FAILED: $1. The end of ${log#"$root"/}:"
  tail -n 40 "$log"
  exit 1
}

say "packages"
cmake/packages.sh build
say "pinned parts"
cmake/fetch.sh
say "build (release)"
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
cmake --preset release -DKC_TESTS=OFF </dev/null >"$log" 2>&1 || fail "configure"
if ! cmake --build build/release --target kusto-copy </dev/null 2>&1 | tee -a "$log" |
  awk '/^\[[0-9]+\/[0-9]+\]/ { now = systime(); if (now - last >= 5) { print "   " substr($0, 1, 150); fflush(); last = now } }'; then
  fail "build"
fi
say "kusto-copy demo"
exec build/release/server/kusto-copy demo "$@"
