# For scripts that check one thing after another. They say lines with `say`, keep in $case what is being looked at, and may have
# functions of their own for what is here:
#   told     prints what was said there, beneath a check that failed
#   attempt  runs a check's command
# shellcheck shell=sh

passed=0
failed=0
case=
told() { :; }
attempt() { "$@"; }

# usage: check WHAT COMMAND...     WHAT is so when the command succeeds
check() {
    what=$1
    shift
    if attempt "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        say "FAILED: $case: $what"
        told | sed 's/^/    /'
    fi
}

# usage: conclude [MORE]     the script's last words, and its exit code
conclude() {
    [ "$failed" -eq 0 ] || { say "$failed checks failed, $passed passed"; exit 1; }
    say "$passed checks passed${1:+ $1}"
}
