#!/usr/bin/env bash
# Prints "passed failed skipped" of one ctest run, for tests/run.sh: single cases where a program left a report, else one for the
# whole program. A program that failed although its report names no failed case (it leaked, crashed at exit, ran out of time) counts
# as one failure more; one that crashed midway left no report and counts as one, and so does one that could not be started. Skipped
# is only what says so itself.
# usage: tests/count.sh <junit file of ctest> <folder with the reports of GoogleTest, one for each test's name>
set -uo pipefail

junit=$1
reports=$2
# The word after a test that did not run tells one that chose to skip from one that could not start.
sed -nE -e 's/.*<testcase name="([^"]*)".* status="([^"]*)".*/\1 \2/p' \
  -e 's/.*<skipped message="(SKIP_|Disabled).*/skip/p' "$junit" |
  awk '/^skip$/ { if (held != "") print name, "skip"; held = ""; next }
       held != "" { print held } { held = $0; name = $1 } END { if (held != "") print held }' | while read -r name status; do
  if [ -s "$reports/$name.xml" ]; then
    sed -nE 's/.*<testsuites? (.*)/\1/p' "$reports/$name.xml" | awk -v status="$status" '
      function field(key) { return match($0, key "=\"[0-9]+\"") ? substr($0, RSTART + length(key) + 2, RLENGTH - length(key) - 3) : 0 }
      NR == 1 { total = field("tests"); bad = field("failures") + field("errors") }
      NR > 1 { skip += field("skipped") + field("disabled") }
      END { if (status != "run" && bad == 0) { bad = 1; total++ } print total - bad - skip, bad, skip + 0 }'
  else
    case $status in
      run) echo 1 0 0 ;;
      disabled | skip) echo 0 0 1 ;;
      *) echo 0 1 0 ;;
    esac
  fi
done | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }'
