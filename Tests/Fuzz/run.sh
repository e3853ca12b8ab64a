#!/bin/sh
# Builds the program fuzz with libFuzzer and runs every subject, or those that are named. One line for each; fails on any finding.
#
# usage: run.sh [SUBJECT...]
#
# RUNS (20000) executions of each, or TIME (10) seconds. SANITIZE may be fuzzer,address, which is slower and sees more. All that
# comes of it is in .build-fuzz: seeds/, corpus/ (what was found to be of interest, and is gone on from), findings/.
set -eu
cd "$(dirname "$0")/../.."
export SWIFT_BACKTRACE=enable=no  # libFuzzer tells what happened

runs=${RUNS:-20000}
time=${TIME:-10}
sanitize=${SANITIZE:-fuzzer}
here=.build-fuzz
mkdir -p $here/corpus $here/findings
log=$here/log

# GNU gold, the toolchain's own choice, ends with an internal error here.
swift build --configuration release --product fuzz --scratch-path $here -Xswiftc -sanitize="$sanitize" -Xswiftc -use-ld=lld \
    >$log 2>&1 || { cat $log >&2; exit 1; }
rm -rf $here/seeds
Tests/Fuzz/make_seeds.py $here/seeds
fuzz=$here/release/fuzz

[ $# -gt 0 ] || set -- $($fuzz)
result=0
printf '%-16s %11s %8s %9s\n' subject executions seconds coverage
for subject in "$@"; do
    # The longest input: what a good one has, and some room.
    case $subject in
    receipt) size=64 ;;
    base64) size=128 ;;
    frame | der | box-key) size=256 ;;
    json | tpm-structure) size=512 ;;
    *) size=2048 ;;
    esac
    case $subject in
    json | targets | config | status | sink-status | record) words=-dict=Tests/Fuzz/json.dict ;;
    pem | *-key) words=-dict=Tests/Fuzz/key.dict ;;
    *) words= ;;
    esac
    mkdir -p "$here/corpus/$subject"
    start=$(date +%s)
    # Twenty seconds for one input are a finding too.
    if $fuzz "$subject" -runs="$runs" -max_total_time="$time" -max_len=$size $words -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$here/findings/$subject-" "$here/corpus/$subject" "$here/seeds/$subject" >$log 2>&1; then
        verdict="no finding"
    else
        verdict=FINDING
        result=1
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' $log | tail -n 1)
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' $log | tail -n 1)
    printf '%-16s %11s %8s %9s  %s\n' "$subject" "${executions:--}" $(($(date +%s) - start)) "${coverage:--}" "$verdict"
    if [ "$verdict" = FINDING ]; then
        input=$(sed -n 's/.*Test unit written to //p' $log | tail -n 1)
        grep -a 'Fatal error\|ERROR\|SUMMARY\|usage:' $log >&2 || tail -n 20 $log >&2
        [ -z "$input" ] || echo "again: SWIFT_BACKTRACE=enable=no $fuzz $subject $input" >&2
    fi
done
rm -f $log
exit $result
