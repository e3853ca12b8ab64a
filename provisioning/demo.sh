#!/bin/sh
# Shows the whole way of a chunk on this machine: a software TPM, a signing key inside it, a sink, a source. Everything
# lives in a directory of its own and on 127.0.0.1, and is gone afterwards.
#
# usage: demo.sh DIRECTORY-OF-THE-PROGRAMS
set -eu

programs=$(cd "$1" && pwd)
place=$(mktemp -d)
tpm=
sink=
finish() {
    status=$?
    for process in $sink $tpm; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true; done
    [ "$status" -eq 0 ] || { echo "demo: failed; what the sink said:"; cat "$place/sink.log" 2>/dev/null || true; }
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$place"
PATH=$programs:$PATH

step() { printf '\n%s\n' "$*"; }
show() { "$@" 2>&1 | sed 's/^/    /'; }
# Waits for what the command asks, ten seconds at the most.
until_true() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

step "1. A TPM of its own, in software"
mkdir state
for try in 1 2 3 4 5; do
    port=$(shuf -i 20000-59999 -n 1)
    swtpm socket --tpm2 --tpmstate dir="$place/state" --flags not-need-init,startup-clear \
        --server type=tcp,port="$port",bindaddr=127.0.0.1 --ctrl type=tcp,port=$((port + 1)),bindaddr=127.0.0.1 2>swtpm.log &
    tpm=$!
    sleep 0.5
    kill -0 "$tpm" 2>/dev/null && break
    tpm= # the port, or the one after it, was taken
done
[ -n "$tpm" ] || { cat swtpm.log; exit 1; }
export TPM2TOOLS_TCTI="swtpm:host=127.0.0.1,port=$port" TPM2OPENSSL_TCTI="swtpm:host=127.0.0.1,port=$port"
echo "    $(swtpm --version | head -n 1 | cut -d, -f1), $TPM2TOOLS_TCTI"

step "2. A signing key, made inside the TPM (rsagen)"
show rsagen
openssl pkey -provider tpm2 -provider default -in signer.key -pubout -outform DER 2>/dev/null | cmp -s - signer.pub
echo "    openssl's TPM provider finds the same public key in signer.key as in signer.pub: $(wc -c <signer.pub) bytes of PKIX"

step "3. The sink's key and both configurations (curve25519gen, entropy-config, entropy-target)"
show curve25519gen
show entropy-config -a 127.0.0.1:0 --without-private -o config.json
show entropy-sink --check --key decrypt.key

step "4. The sink, mixing into a file in place of /dev/random"
: >pool
entropy-sink --pool pool --key decrypt.key 2>sink.log &
sink=$!
until_true grep -q 'listening on' sink.log
sed 's/^/    /' sink.log
address=127.0.0.1:$(sed -n 's/.* port \([0-9]*\),.*/\1/p' sink.log)
show entropy-target -a "$address" --append targets.json

step "5. The source: Fortuna makes a chunk, the TPM signs the packet, the sink mixes it"
# Its status counts, which a pipe would hide.
entropy-source --once >source.log 2>&1 || { cat source.log; exit 1; }
sed 's/^/    /' source.log
until_true grep -q ' mixed' sink.log
grep ' mixed' sink.log | sed 's/^/    /'

step "6. What is left of it"
echo "    counter in the source's list $(sed -n 's/.*"Counter": \([0-9]*\).*/\1/p' targets.json), in the sink's configuration $(sed -n 's/.*"Counter": \([0-9]*\).*/\1/p' config.json)"
echo "    pool: $(wc -c <pool) bytes, SHA-256 $(sha256sum pool | cut -c 1-16)..."
echo "    objects and sessions loaded in the TPM: $( (tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session) | wc -l)"
kill "$sink"
wait "$sink"
sink=
step "Done: one chunk was made, signed, sealed, sent, verified and mixed."
