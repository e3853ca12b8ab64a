#!/bin/sh
# Runs the tests that are built, in several processes at the same time: the test runner begins only as many tests as there are
# processors, and most tests wait most of the time. Each argument is the options of one process, as `swift test` takes them.
# The output of each is printed when all before it have ended.
#
# usage: run.sh 'OPTION...'...
set -uf

directory=$(mktemp -d)
processes=
trap 'kill $processes; wait; rm -rf "$directory"; exit 1' HUP INT TERM
for options in "$@"; do
    log=$directory/$(echo "$processes" | wc -w)
    # The options are words without spaces in them.
    swift test --skip-build --ignore-lock --disable-xctest $options >"$log" 2>&1 &
    processes="$processes $!"
done
echo "run.sh: $# processes run tests; their output follows when they end"

result=0
log=0
for process in $processes; do
    wait "$process" || result=$?
    cat "$directory/$log"
    # Options that match no test are an error: a suite may have another name by now.
    grep -q 'Test run with [1-9]' "$directory/$log" || { echo "run.sh: process $((log + 1)) ran no test"; result=1; }
    log=$((log + 1))
done
rm -rf "$directory"
exit "$result"
