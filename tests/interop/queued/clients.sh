#!/usr/bin/env bash
# The official clients, unmodified, queue through Azurite into the engine: clients.sh <kusto-copy> [<deps folder>]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$1
deps=${2:-${KC_DEPS_DIR:-$here/../../../.deps}}
for part in azurite queued-node/node_modules queued-python/bin/python; do
  [[ -e $deps/$part ]] || { echo "$deps/$part is not there: tests/interop/azurite/fetch.sh and tests/interop/queued/fetch.sh bring it" >&2; exit 1; }
done
work=$(mktemp -d)
coproc azurite { exec node "$here/../azurite/azurite.mjs" "$deps/azurite"; }
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

"$deps/queued-python/bin/python" "$here/client.py" "$engine" "$dm" "$database"
node "$here/rest.mjs" "$engine" "$dm" "$database"
node "$here/client.mjs" "$deps/queued-node" "$engine" "$dm" "$database"
[[ ! -s $work/err ]] || { echo "the engine complained:"; cat "$work/err"; exit 1; }
