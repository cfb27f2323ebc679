#!/usr/bin/env bash
# The official clients, unmodified, queue through Azurite into the engine: clients.sh <kusto-copy> [<deps folder>]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$1
deps=${2:-${KC_DEPS_DIR:-$here/../../../.deps}}
[[ -e $deps/azurite ]] || { echo "$deps/azurite is not there: tests/interop/fetch.sh brings it" >&2; exit 1; }
# The same pinned clients as in the suites of their languages, and their node: the system's may be too old for them.
node=$(KC_DEPS_DIR=$deps "$here/../node/fetch.sh")
python=$(KC_DEPS_DIR=$deps "$here/../python/fetch.sh")
work=$(mktemp -d)
coproc azurite { exec "$node" "$here/../azurite/azurite.mjs" "$deps/azurite"; }
azurite_pid=$azurite_PID
engine_pid=
stop() {
  [[ -z $engine_pid ]] || { kill -TERM "$engine_pid" 2>/dev/null || true; wait "$engine_pid" 2>/dev/null || true; }
  kill -TERM "$azurite_pid" 2>/dev/null || true
  wait "$azurite_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
read -r word connection <&"${azurite[0]}"
[[ $word == ready ]]

mkfifo "$work/out"
"$program" engine --data "$work/data" --port 0 --samples 0 --dm-port 0 --dm-storage "$connection" >"$work/out" 2>"$work/err" &
engine_pid=$!
exec {out}<"$work/out"
read -r line <&"$out" || { cat "$work/err" >&2; exit 1; }
engine=${line##* }
read -r line <&"$out" || { cat "$work/err" >&2; exit 1; }
dm=${line##* }
database=Samples

"$python" "$here/client.py" "$engine" "$dm" "$database"
"$node" "$here/rest.mjs" "$engine" "$dm" "$database"
"$node" "$here/client.mjs" "$deps/interop-node" "$engine" "$dm" "$database"
[[ ! -s $work/err ]] || { echo "the engine complained:"; cat "$work/err"; exit 1; }
