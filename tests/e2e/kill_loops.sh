# kill -9 at random moments, again and again, until the kills are used up: of the copying process (kill_copies) or of the service
# (kill_services). Each copy is brought to its end and checked, then another one begins; the first is left alone: it tells how long
# one takes, and so when to kill the others. Sourced after processes.sh by scripts that set `rows`, `kills`, `kills_of_one`, `src`
# and `dst` and define
#   prepare <n>       the nth copy: sets `lake`, `kind` (what to call it), `options` (of the command) or `members` (of the job's body)
#   check <n> <job>   what it may leave behind, and takes the rest away
#   serve_again       for kill_services: starts the service, on the ports that it had if it had some; sets `api` and `pid_serve`

begin_copy() {
  copies=$((copies + 1)) of_this=0
  db=Copy$copies job=kill-$copies options=() members='' kind=plain
  prepare $copies
  create_database "$dst" "$db"
}

end_copy() {
  expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db "$db"
  check $copies "$job"
  command_at "$dst" "$db" ".drop table Logs" >/dev/null
  say "copy $copies ($kind): equal and clean after $of_this kills"
}

may_kill() { [ $whole != 0 ] && [ $killed -lt "$kills" ] && [ $of_this -lt "$kills_of_one" ]; }
count_kill() {
  killed=$((killed + 1)) of_this=$((of_this + 1))
  say "kill $killed after $drawn s: $1"
}

kill_copies() {
  killed=0 copies=0 whole=0
  while [ $killed -lt "$kills" ]; do
    begin_copy
    copy=(-l "$lake" -s "$src" -d "$dst" --db Samples --destination-db "$db" --id "$job" --block-rows-max $((rows / 10)) "${options[@]}")
    while true; do
      code=0
      if may_kill; then
        moment 30 $whole
        timeout -s KILL "${drawn}s" "$kc" "${copy[@]}" >"$folder/copy.log" 2>>"$folder/copy.log" || code=$?
      else
        begin=$(milliseconds_now)
        "$kc" "${copy[@]}" >"$folder/copy.log" 2>&1 || code=$?
        [ $whole != 0 ] || whole=$(($(milliseconds_now) - begin))
      fi
      [ $code = 0 ] && break
      [ $code = 137 ] || fail "exit code $code: $(tail -n 5 "$folder/copy.log")"
      count_kill "$(tail -n 1 "$folder/copy.log" | cut -c1-120)"
    done
    tail -n 1 "$folder/copy.log"
    end_copy
  done
  say "ok: $killed kills over $copies copies of $rows rows"
}

state() { curl -sf --max-time 30 "$api/v1/jobs/$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
ended() { case $(state "$1") in succeeded | failed | canceled) return 0 ;; *) return 1 ;; esac; }

kill_services() {
  serve_again
  killed=0 copies=0 whole=0
  while [ $killed -lt "$kills" ]; do
    begin_copy
    curl -sf --json "{\"id\":\"$job\",\"lake\":\"$lake\",\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\",\"destinationDb\":\"$db\",\"blockRowsMax\":$((rows / 10))$members}" \
      "$api/v1/jobs" >"$folder/answer.log" || fail "the job was refused"
    begin=$(milliseconds_now)
    while may_kill; do
      moment 30 $whole
      # A wait that nothing ends but its time.
      read -r -t "$drawn" _ <>"$folder/never" || true
      ended "$job" && break
      kill -9 "$pid_serve"
      wait "$pid_serve" 2>/dev/null || true
      serve_again
      count_kill "$(state "$job")"
    done
    wait_until 300 ended "$job" || fail "$job is $(state "$job") after 300 s"
    [ $whole != 0 ] || whole=$(($(milliseconds_now) - begin))
    [ "$(state "$job")" = succeeded ] || fail "$job: $(curl -s "$api/v1/jobs/$job")"
    end_copy
  done
  stop serve
  say "ok: $killed kills over $copies copies of $rows rows"
}
