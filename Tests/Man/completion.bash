# Completes lines by the functions in the files, as bash does, and compares what comes out.
#
# usage: bash completion.bash COMPLETIONS
set -u
completions=$1
failures=0
checks=0

# What bash offers for the words of a line, the last of which is being written; one a line, sorted.
offered() {
    local program=$1 function
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    function=$(complete -p "$program" | sed 's/.*-F \([^ ]*\) .*/\1/')
    "$function" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || return
    [ "${#COMPREPLY[@]}" -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort
}

# expect WORDS WORD...: the line's words offer exactly these.
expect() {
    local wanted=$1 got
    shift
    checks=$((checks + 1))
    got=$(offered "$@" | tr '\n' ' ')
    [ "${got% }" = "$wanted" ] && return
    echo "completion: '$*' offers '${got% }', not '$wanted'" >&2
    failures=$((failures + 1))
}

# Outside a real completion there is nothing whose options could be changed: what was asked for is kept.
compopt() { asked="$*"; }
asked=

for file in "$completions"/*; do
    # shellcheck source=/dev/null
    . "$file"
    program=${file##*/}
    path=$PROGRAMS/$program
    [ "$program" != entropyshare-setup ] || path=$SETUP
    # All options, and no other word.
    # shellcheck disable=SC2046
    expect "$(printf '%s\n' $("$path" --help | awk '/^$/ { part++ } part == 1 && /^  / { print }' |
        grep -o -E '^  (-[a-z], |    )--[a-z0-9-]+' | tr -d ,) | sort | tr '\n' ' ' | sed 's/ $//')" "$program" ''
done

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1
mkdir keys
: >signer.key
: >"a name.key"

expect '--targets --tcti' entropy-source --t
expect '' entropy-source --nothing
expect 'signer.key' entropy-source --key s
expect 'a name.key keys signer.key' entropy-source -k ''
offered entropy-source -k '' >/dev/null
[ "$asked" = '-o filenames' ] || { echo "completion: files are not offered as files" >&2; failures=$((failures + 1)); }
expect 'signer.key' entropy-source --key = s
expect 'a name.key keys signer.key' entropy-source --key =
expect 'arrivals hwrng jitter kernel tpm' entropy-source --noise ''
expect 'tpm' entropy-source --noise t
expect 'tpm,hwrng' entropy-source --noise tpm,h
expect 'tpm,arrivals tpm,hwrng tpm,jitter tpm,kernel' entropy-source --noise tpm,
expect '' entropy-source --noise tpm,hwrng,t
expect '' entropy-source --interval ''
expect '' entropy-source --tcti ''
expect 'ecdsa rsa' rsagen --algorithm ''
expect 'ecdsa' rsagen --algorithm = e
expect '' rsagen --bits ''
expect 'signer.key' rsagen -o sig
expect 'signer.key' entropy-sink --pool s
expect '--json' entropy-sink --check --j
expect 'keys' entropy-config --add-signer k
expect '' entropy-target --address ''
expect '--force' curve25519gen --f
expect 'infineon st' entropyshare-setup --chip ''
expect 'ecdsa rsa' entropyshare-setup --algorithm ''
expect 'keys' entropyshare-setup --packages k

[ "$failures" -eq 0 ] || exit 1
echo "completion: $checks lines are completed as they should"
