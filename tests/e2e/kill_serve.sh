#!/usr/bin/env bash
# kill -9 of the service with its engine inside, at random moments: <program> <rows> <kills>. A restart takes up what was running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/processes.sh"
. "$here/kill_loops.sh"
rows=${KC_E2E_ROWS:-$2} kills=${KC_E2E_KILLS:-$3} kills_of_one=12

api='' engine=''
serve_again() {
  # A job names the engine's port: a restart takes the same ones.
  local port=${api##*:} engine_port=${engine##*:}
  start serve serve --listen "127.0.0.1:${port:-0}" --engine-port "${engine_port:-0}" --embedded --data "$folder/data" --samples 0 --log-rows "$rows"
  api=$(url_of serve) engine=$(engine_of serve)
  src=$engine dst=$engine
}
prepare() { lake=$folder/lake; }
check() {
  check_clean "$dst" "$db" 1 "$lake/$2"
  rm -rf "${lake:?}/$2"
}
kill_services
