#!/bin/sh
# Checks the manual pages and the completions: makes them anew from the programs, reads the pages with mandoc, man and lexgrog, compares
# the texts with the tables of options and the sources, gives the examples to the programs, and completes lines. A page
# cannot be stale here: it is made of what the programs say now, and that a changed default comes through is shown too.
#
# usage: test.sh DIRECTORY-OF-THE-PROGRAMS
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
PROGRAMS=$(cd "$1" && pwd)
SETUP=$here/../../provisioning/bbb/setup
export PROGRAMS SETUP
make_man=$here/../../provisioning/man/make-man.py
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
trap 'exit 130' INT TERM
pages=$place/pages
failed=

say() { echo "man: $*"; }
wrong() {
    say "WRONG: $*"
    failed=yes
}

# Whatever a tool says of a page is too much.
silent() {
    what=$1
    shift
    said=$("$@" 2>&1 >/dev/null) || true
    [ -z "$said" ] || wrong "$what: $said"
}

"$make_man" "$PROGRAMS" "$pages"

count=0
for page in "$pages"/*.[158]; do
    name=${page##*/}
    said=$(mandoc -T lint -W warning "$page" 2>&1) || true
    [ -z "$said" ] || wrong "$name: $said"
    silent "$name" env LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page"
    lexgrog "$page" | grep -q "\"${name%.*} - " || wrong "$name: whatis finds no name in it"
    count=$((count + 1))
done
say "$count pages: no word from mandoc's lint and from groff, and whatis finds their names"

mkdir "$place/examples"
"$here/texts.py" "$PROGRAMS" "$pages" "$place/examples" || wrong "texts and programs differ, see above"
say "each option is in its page once, each that a text mentions is there, each member of the files is described"

# What a page shows as an error is what the program says.
shows() { mandoc -T utf8 -O width=1000 "$pages/$1" | sed 's/.\x08//g' | grep -q -F -- "$2" || wrong "$1 does not show: $2"; }

cd "$place/examples"
unset all_proxy ALL_PROXY https_proxy HTTPS_PROXY http_proxy || true
"$PROGRAMS/curve25519gen" 2>/dev/null
for example in entropy-sink-config.*.json; do
    "$PROGRAMS/entropy-sink" --check --file "$example" --key decrypt.key >/dev/null || wrong "$example is refused"
done
sed 's/"Connections": [0-9]*/"Connections": 0/' entropy-sink-config.2.json >config.json
said=$("$PROGRAMS/entropy-sink" --check --key decrypt.key 2>&1) && wrong "a configuration with no connections is accepted"
shows entropy-sink-config.5 "$said"

"$PROGRAMS/rsagen" --software --algorithm ecdsa 2>/dev/null
# One look at the list with software alone. Nothing listens where the example's first sink is put: 69, when the list is good.
look() {
    code=0
    said=$(timeout 60 "$PROGRAMS/entropy-source" --once --software-only --noise kernel 2>&1) || code=$?
}
for example in entropy-targets.*.json; do
    sed 's/sink.example.org:9437/127.0.0.1:1/' "$example" >targets.json
    look
    [ "$code" -eq 69 ] || wrong "$example: entropy-source ends with $code: $said"
    grep -q Remark targets.json || wrong "$example: a member of the operator's own is gone"
done
sed 's/sink.example.org:9437/sink.example.org/' entropy-targets.1.json >targets.json
look
[ "$code" -eq 65 ] || wrong "a list with an address without port: entropy-source ends with $code"
shows entropy-targets.5 "$(echo "$said" | tail -n 1 | sed 's/\[software only\] //')"
say "the examples of section 5 are taken by the programs, and refused as the pages say where they are broken"

bash "$here/completion.bash" "$pages/completions" || wrong "completion, see above"

# Who looks up a suite that SECURITY.md names shall find it.
# shellcheck disable=SC2016
for suite in $(grep -o '`[A-Za-z0-9]*Tests`' "$here/../../SECURITY.md" | tr -d '`' | sort -u); do
    [ -d "$here/../$suite" ] || grep -q -r -E "(struct|class) $suite\b" "$here/.." --include='*.swift' ||
        wrong "SECURITY.md names $suite, which is no suite of tests"
done

# Programs whose table says something else.
mkdir "$place/changed"
for program in "$PROGRAMS"/entropy-* "$PROGRAMS/rsagen" "$PROGRAMS/curve25519gen"; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    printf '#!/bin/sh\n"%s" "$@" | sed "s/(default 6h)/(default 7h)/"\n' "$program" >"$place/changed/${program##*/}"
    chmod +x "$place/changed/${program##*/}"
done
"$make_man" "$place/changed" "$place/changed-pages" 2>/dev/null
grep -q '(default 7h)' "$place/changed-pages/entropy-source.8" || wrong "a changed default does not come through"
! grep -q '(default 6h)' "$place/changed-pages/entropy-source.8" || wrong "a default stands in the text, too"
say "a default that is changed in a table is changed in the page"

[ -z "$failed" ] || { say "failed"; exit 1; }
say "passed"
