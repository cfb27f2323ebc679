#!/usr/bin/env bash
# kill -9 of the service with its engine inside, at random moments: <program> <rows> <kills>. A restart takes up what was running.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
rows=${KC_E2E_ROWS:-$2} kills=${KC_E2E_KILLS:-$3}

serve() {
  start serve serve --listen "127.0.0.1:${1:-0}" --engine-port "${2:-0}" --embedded --data "$folder/data" --samples 0 --log-rows "$rows"
  kc_url=$(url_of serve) engine=$(engine_of serve)
}
state() { curl -sf --max-time 30 "$kc_url/v1/jobs/$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
ended() { case $(state "$1") in succeeded | failed | canceled) return 0 ;; *) return 1 ;; esac; }

serve
# The job names the engine's port: a restart has to take the same ones.
port=${kc_url##*:} engine_port=${engine##*:}
killed=0 copies=0 whole=0
while [ $killed -lt "$kills" ]; do
  copies=$((copies + 1))
  db=Copy$copies job=kill-$copies
  create_database "$engine" $db
  body="{\"id\":\"$job\",\"lake\":\"$folder/lake\",\"source\":\"$engine\",\"destination\":\"$engine\",\"db\":\"Samples\",\"destinationDb\":\"$db\",\"blockRowsMax\":$((rows / 10))}"
  curl -sf --json "$body" "$kc_url/v1/jobs" >"$folder/answer.log" || fail "the job was refused"
  here=0 begin=$(milliseconds_now)
  while [ $whole != 0 ] && [ $killed -lt "$kills" ] && [ $here -lt 12 ]; do
    moment 30 $whole
    # A wait that nothing ends but its time.
    read -r -t "$drawn" _ <>"$folder/never" || true
    ended $job && break
    kill -9 "$pid_serve"
    wait "$pid_serve" 2>/dev/null || true
    killed=$((killed + 1)) here=$((here + 1))
    serve "$port" "$engine_port"
    say "kill $killed after $drawn s: $(state $job)"
  done
  wait_until 300 ended $job || fail "$job is $(state $job) after 300 s"
  # The first copy is left alone: it tells how long one takes, and so when to kill the others.
  [ $whole != 0 ] || whole=$(($(milliseconds_now) - begin))
  [ "$(state $job)" = succeeded ] || fail "$job: $(curl -s "$kc_url/v1/jobs/$job")"
  expect 0 equal "$kc" verify -s "$engine" -d "$engine" --db Samples --destination-db $db
  check_clean "$engine" $db 1 "$folder/lake/$job"
  rm -rf "$folder/lake/$job"
  command_at "$engine" $db ".drop table Logs" >/dev/null
  say "copy $copies: equal and clean after $here kills"
done
stop serve
say "ok: $killed kills over $copies copies of $rows rows"
