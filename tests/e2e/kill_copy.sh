#!/usr/bin/env bash
# kill -9 of the copying process at random moments, clusters living on in other processes: <program> <rows> <kills>. After each kill
# the same command goes on; a copy that gets through is checked, and another one begins, until the kills are used up.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
rows=${KC_E2E_ROWS:-$2} kills=${KC_E2E_KILLS:-$3}

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)

killed=0 copies=0 whole=0
while [ $killed -lt "$kills" ]; do
  copies=$((copies + 1))
  db=Copy$copies
  create_database "$dst" $db
  copy=(-l "$folder/lake" -s "$src" -d "$dst" --db Samples --destination-db $db --id "kill-$copies" --block-rows-max $((rows / 10)))
  here=0
  while true; do
    code=0
    if [ $whole != 0 ] && [ $killed -lt "$kills" ] && [ $here -lt 12 ]; then
      moment 30 $whole
      timeout -s KILL "${drawn}s" "$kc" "${copy[@]}" >"$folder/copy.log" 2>>"$folder/copy.log" || code=$?
    else
      # The first copy is left alone: it tells how long one takes, and so when to kill the others.
      begin=$(milliseconds_now)
      "$kc" "${copy[@]}" >"$folder/copy.log" 2>&1 || code=$?
      [ $whole != 0 ] || whole=$(($(milliseconds_now) - begin))
    fi
    [ $code = 0 ] && break
    [ $code = 137 ] || fail "exit code $code: $(tail -n 5 "$folder/copy.log")"
    killed=$((killed + 1)) here=$((here + 1))
    say "kill $killed after $drawn s: $(tail -n 1 "$folder/copy.log" | cut -c1-120)"
  done
  tail -n 1 "$folder/copy.log"
  expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db $db
  check_clean "$dst" $db 1 "$folder/lake/kill-$copies"
  rm -rf "$folder/lake/kill-$copies"
  command_at "$dst" $db ".drop table Logs" >/dev/null
  say "copy $copies: equal and clean after $here kills"
done
say "ok: $killed kills over $copies copies of $rows rows"
