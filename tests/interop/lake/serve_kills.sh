#!/usr/bin/env bash
# kill -9 of the service at random moments, the lake of its jobs on Azurite and its clusters in other processes. A restart takes up
# what was running, at once: the lease of the killed one does not hold it up.
# serve_kills.sh <kusto-copy> <lake_tool> <place of azurite> <rows> <kills>; KC_E2E_ROWS, KC_E2E_KILLS, KC_E2E_SEED as in tests/e2e.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/azurite.sh"
rows=${KC_E2E_ROWS:-$4} kills=${KC_E2E_KILLS:-$5}

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)
serve() {
  # An export in doubt is swept when its grant has ended: a short one, so that the test does not wait for hours.
  start serve serve --listen "127.0.0.1:${1:-0}" --data "$folder/data" --export-grant 20s
  api=$(url_of serve)
}
state() { curl -sf --max-time 30 "$api/v1/jobs/$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
ended() { case $(state "$1") in succeeded | failed | canceled) return 0 ;; *) return 1 ;; esac; }

serve
killed=0 copies=0 whole=0
while [ $killed -lt "$kills" ]; do
  copies=$((copies + 1))
  db=Copy$copies job=serve-$copies access=$([ $((copies % 2)) = 0 ] && echo key || echo sas)
  lake=$(lake_at serve-kills $access)
  create_database "$dst" $db
  curl -sf --json "{\"id\":\"$job\",\"lake\":\"$lake\",\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\",\"destinationDb\":\"$db\",\"blockRowsMax\":$((rows / 10))}" \
    "$api/v1/jobs" >"$folder/answer.log" || fail "the job was refused"
  here=0 begin=$(milliseconds_now)
  while [ $whole != 0 ] && [ $killed -lt "$kills" ] && [ $here -lt 6 ]; do
    moment 30 $whole
    # A wait that nothing ends but its time.
    read -r -t "$drawn" _ <>"$folder/never" || true
    ended $job && break
    kill -9 "$pid_serve"
    wait "$pid_serve" 2>/dev/null || true
    killed=$((killed + 1)) here=$((here + 1))
    serve "${api##*:}"
    say "kill $killed after $drawn s: $(state $job)"
  done
  wait_until 300 ended $job || fail "$job is $(state $job) after 300 s"
  [ $whole != 0 ] || whole=$(($(milliseconds_now) - begin))
  [ "$(state $job)" = succeeded ] || fail "$job: $(curl -s "$api/v1/jobs/$job")"
  expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db $db
  check_destination "$dst" $db 1
  check_lake "$lake" $job
  command_at "$dst" $db ".drop table Logs" >/dev/null
  say "copy $copies ($access): equal and clean after $here kills"
done
stop serve
say "ok: $killed kills over $copies copies of $rows rows"
