#!/usr/bin/env bash
# kill -9 of the copying process at random moments, clusters living on in other processes: <program> <rows> <kills>. After each kill
# the same command goes on.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/processes.sh"
. "$here/kill_loops.sh"
rows=${KC_E2E_ROWS:-$2} kills=${KC_E2E_KILLS:-$3} kills_of_one=12

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)

prepare() { lake=$folder/lake; }
check() {
  check_clean "$dst" "$db" 1 "$lake/$2"
  rm -rf "${lake:?}/$2"
}
kill_copies
