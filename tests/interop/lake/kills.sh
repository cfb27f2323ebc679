#!/usr/bin/env bash
# kill -9 of the copying process at random moments, its lake on Azurite and its clusters in other processes, with the account's key
# and with a SAS in turns: kills.sh <kusto-copy> <lake_tool> <place of azurite> <rows> <kills>. KC_E2E_ROWS, KC_E2E_KILLS and
# KC_E2E_SEED as in tests/e2e.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/azurite.sh"
rows=${KC_E2E_ROWS:-$4} kills=${KC_E2E_KILLS:-$5}

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)

killed=0 copies=0 whole=0
while [ $killed -lt "$kills" ]; do
  copies=$((copies + 1))
  db=Copy$copies job=kill-$copies access=$([ $((copies % 2)) = 0 ] && echo key || echo sas)
  lake=$(lake_at kills $access)
  create_database "$dst" $db
  # An export in doubt is swept when its grant has ended: a short one, so that the test does not wait for hours.
  copy=(-l "$lake" -s "$src" -d "$dst" --db Samples --destination-db $db --id $job --block-rows-max $((rows / 10)) --export-grant 20s)
  here=0
  while true; do
    code=0
    if [ $whole != 0 ] && [ $killed -lt "$kills" ] && [ $here -lt 6 ]; then
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
  check_destination "$dst" $db 1
  check_lake "$lake" $job
  command_at "$dst" $db ".drop table Logs" >/dev/null
  say "copy $copies ($access): equal and clean after $here kills"
done
say "ok: $killed kills over $copies copies of $rows rows"
