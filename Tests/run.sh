#!/bin/sh
# Runs the tests that `swift build --build-tests` made, in several processes at the same time: the test runner begins only as many
# tests as there are processors, and most tests wait most of the time. Each argument is the options of one process, --filter and
# --skip as `swift test` takes them. The output of each is printed when it and all before it have ended.
#
# usage: run.sh 'OPTION...'...
# SCRATCH_PATH names the build, if it is not .build.
set -uf
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
processes=
trap 'kill $processes; wait; rm -rf "$directory"; exit 1' HUP INT TERM
for options in "$@"; do
    # The options are words without spaces in them. Not by `swift test`: two of them at once quarrel over the build's database.
    "${SCRATCH_PATH:-.build}/debug/entropysharePackageTests.xctest" --testing-library swift-testing $options \
        >"$directory/$(echo "$processes" | wc -w)" 2>&1 &
    processes="$processes $!"
done
echo "run.sh: $# processes run tests; their output follows when they end"

# A process that finds no test fails: a suite may have another name by now.
result=0
number=0
for process in $processes; do
    wait "$process" || result=$?
    cat "$directory/$number"
    number=$((number + 1))
done
rm -rf "$directory"
exit "$result"
