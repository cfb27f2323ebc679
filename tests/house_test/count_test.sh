#!/usr/bin/env bash
# tests/count.sh on small reports in the shape that ctest and GoogleTest write.
set -euo pipefail
count=$(dirname "${BASH_SOURCE[0]}")/../count.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect() {  # what, expected, ctest lines on stdin
  { echo '<testsuite name="(empty)">'; cat; echo '</testsuite>'; } >"$work/junit.xml"
  local got
  got=$("$count" "$work/junit.xml" "$work/reports")
  if [ "$got" != "$2" ]; then echo "$1: expected $2, got $got"; failed=1; fi
}

mkdir "$work/reports"
cat >"$work/reports/green.xml" <<'XML'
<testsuites tests="7" failures="0" disabled="1" errors="0" time="0." name="AllTests">
  <testsuite name="A" tests="4" failures="0" disabled="1" skipped="0" errors="0" time="0.">
    <testcase name="A" status="run" result="completed" />
  </testsuite>
  <testsuite name="B" tests="3" failures="0" disabled="0" skipped="2" errors="0" time="0.">
XML
sed 's/failures="0" disabled="1" errors/failures="2" disabled="1" errors/' "$work/reports/green.xml" >"$work/reports/red.xml"

expect 'cases, not programs' '4 0 3' <<<'<testcase name="green" classname="green" time="0.1" status="run">'
expect 'failed cases' '2 2 3' <<<'<testcase name="red" classname="red" time="0.1" status="fail">'
expect 'green report, failed program' '4 1 3' <<<'<testcase name="green" classname="green" time="0.1" status="fail">'
expect 'crash without a report' '0 1 0' <<<'<testcase name="crash" classname="crash" time="0.1" status="fail">'
expect 'script' '1 0 0' <<<'<testcase name="script" classname="script" time="0.1" status="run">'
expect 'program that could not be started' '0 1 0' <<'XML'
<testcase name="absent" classname="absent" time="0" status="notrun">
  <skipped message="Unable to find executable"/>
</testcase>
XML
expect 'script that skips itself, then one that runs' '1 0 1' <<'XML'
<testcase name="choosy" classname="choosy" time="0" status="notrun">
  <skipped message="SKIP_RETURN_CODE=77"/>
</testcase>
<testcase name="script" classname="script" time="0.1" status="run">
</testcase>
XML
expect 'disabled' '0 0 1' <<'XML'
<testcase name="off" classname="off" time="0" status="disabled">
  <skipped message="Disabled"/>
</testcase>
XML
expect 'nothing ran' '0 0 0' </dev/null
expect 'sum' '7 3 6' <<'XML'
<testcase name="green" classname="green" time="0.1" status="run">
<testcase name="red" classname="red" time="0.1" status="fail">
<testcase name="script" classname="script" time="0.1" status="run">
<testcase name="crash" classname="crash" time="0.1" status="fail">
XML
exit $failed
