# What the scripts of this folder share: whole processes on free ports, waited for by their readiness line and stopped by their own
# pid; a folder that goes away with the script; questions to an engine. Sourced, with the program as the script's first argument.
set -euo pipefail

kc=$(realpath "$1")
folder=$(mktemp -d "${TMPDIR:-/tmp}/kusto-copy-e2e-XXXXXX")
mkfifo "$folder/never"
pids=()

at_end=:  # a command of the script's own
finish() {
  local code=$?
  "$at_end" || true
  for pid in "${pids[@]}"; do
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  if [ "$code" != 0 ]; then
    echo "== failed with exit code $code; the end of each log:"
    tail -n 15 "$folder"/*.log 2>/dev/null | cut -c1-400 || true
  fi
  rm -rf "$folder"
  exit "$code"
}
trap finish EXIT
trap 'exit 143' TERM INT

fail() {
  echo "FAILED: $*"
  exit 1
}
say() { echo "-- $*"; }

# wait_until <seconds> <command...>: asks again until it succeeds, or the deadline has passed.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    read -r -t 0.01 _ <>"$folder/never" || true
  done
}

# start <name> <arguments of kusto-copy...>: in the background, log in <name>.log; sets pid_<name>. Returns once `ready` stands there.
start() {
  local name=$1
  shift
  : >"$folder/$name.log"
  "$kc" "$@" >>"$folder/$name.log" 2>&1 &
  pids+=($!)
  printf -v "pid_$name" '%s' $!
  wait_until 120 ready "$name" $! || fail "$name did not start"
}
ready() {
  grep -q '^kusto-copy .* at http' "$folder/$1.log" && return 0
  kill -0 "$2" 2>/dev/null || fail "$1 ended at its start: $(tail -n 3 "$folder/$1.log")"
  return 1
}
# stop <name>: asks it to, and waits.
stop() {
  local pid_of="pid_$1" code=0
  kill "${!pid_of}"
  wait "${!pid_of}" || code=$?
  [ $code = 0 ] || fail "$1 ended with exit code $code"
}
url_of() { grep -o 'http://[^ ,]*' "$folder/$1.log" | head -n 1; }
# The second address in the readiness line of `serve --embedded`.
engine_of() { grep -o 'engine at http://[^ ,]*' "$folder/$1.log" | grep -o 'http://.*'; }

# command <cluster> <database> <text>: the rows of the first table, as JSON.
command_at() {
  curl -sf --max-time 60 "$1/v1/rest/mgmt" --json "{\"db\":\"$2\",\"csl\":\"$3\"}" | grep -o '"Rows":.*' | sed -E 's/^"Rows":(.*)\}\]\}$/\1/'
}
count_at() { command_at "$@" | tr -dc '0-9'; }
# rows_of <cluster> <database> <table>
rows_of() {
  curl -sf --max-time 60 "$1/v1/rest/query" --json "{\"db\":\"$2\",\"csl\":\"['$3'] | count\"}" | grep -om1 '"Rows":\[\[[0-9]*' | head -n 1 | tr -dc '0-9'
}
create_database() { command_at "$1" NetDefaultDB ".create database ['$2'] volatile" >/dev/null; }

# expect <exit code> <text that the output must hold> <command...>
expect() {
  local wanted=$1 text=$2 code=0
  shift 2
  "$@" >"$folder/expect.log" 2>&1 || code=$?
  [ $code = "$wanted" ] || fail "exit code $code instead of $wanted: $*: $(tail -n 5 "$folder/expect.log")"
  grep -qF -- "$text" "$folder/expect.log" || fail "'$text' is not in the answer of: $*: $(tail -n 5 "$folder/expect.log")"
}

# check_destination <cluster> <database> <tables>: no staging table, no tag.
check_destination() {
  local found
  found=$(count_at "$1" "$2" ".show tables | count")
  [ "$found" = "$3" ] || fail "$found tables instead of $3 in $2: $(command_at "$1" "$2" ".show tables")"
  found=$(count_at "$1" "$2" ".show database extents | where strlen(tostring(Tags)) > 0 | count")
  [ "$found" = 0 ] || fail "$found extents of $2 still have tags"
}
# check_clean <cluster> <database> <tables> <lake folder of the job>: nor a file.
check_clean() {
  local found
  check_destination "$1" "$2" "$3"
  found=$(find "$4" -type f -not -path '*/checkpoint/*' -not -name .lease)
  [ -z "$found" ] || fail "left in the lake: $found"
}

# Milliseconds from low to high, from the seed that KC_E2E_SEED (or the clock) gives and the script prints.
seed=${KC_E2E_SEED:-$(date +%N)}
RANDOM=$((10#$seed % 32768))
say "seed $seed (KC_E2E_SEED)"
milliseconds_now() { echo $(($(date +%s%N) / 1000000)); }
moment() {
  local milliseconds=$(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1 + 1)))
  printf -v drawn '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000))
}
