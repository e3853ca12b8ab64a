#!/bin/sh
# Shows the board's source at work on the kernel's own noise: AF_ALG's jitterentropy, /dev/hwrng and the TPM's driver, all of
# them there, one missing, or none, in the machine that run.sh boots. It takes about a minute and a half.
#
# The jitter here is that of an emulated processor, /dev/hwrng hands on the host's random bytes, and the TPM is software: it
# shows that the program takes noise as the kernel gives it, and nothing of what a board's noise is worth.
#
# usage: test.sh
set -eu

place=$(mktemp -d)
lanes=
# A machine cleans up behind itself when it is asked to end.
finish() {
    trap '' HUP INT TERM
    for lane in $lanes; do kill "$lane" 2>/dev/null || true; done
    wait
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
say() { echo "test-board: $*"; }

# 1. What is run in the machines. step NAME COMMAND...: all that a command says, and its exit code, by a name.
cat >"$place/steps" <<'END'
step() {
    echo "[$1"
    shift
    result=0
    "$@" 2>&1 || result=$?
    echo "]$result"
}
# Beside much other work the emulated processor may need more for a kilobyte of jitter than the five seconds that the source waits:
# then once more, for as long as the machine may run.
patiently() {
    while :; do
        code=0
        "$@" >told 2>&1 || code=$?
        grep -q 'jitterentropy_rng.*Connection timed out' told || break
        sleep 5
    done
    cat told
    return $code
}
# What a source needs: a key, and a list of one sink, where nobody is. One more list has no sink at all.
provision() {
    step key rsagen "$@"
    step target sh -c 'curve25519gen && entropy-target -a 127.0.0.1:1 -k decrypt.pub --append targets.json'
    echo '[]' >empty.json
}
END

cat >"$place/whole" <<'END'
. ./steps
step selftest patiently entropy-source --selftest --noise hwrng,jitter,kernel,arrivals
END

cat >"$place/start" <<'END'
. ./steps
provision --software --algorithm ecdsa
step kernel entropy-source --once --noise kernel
step no-seed ls source.seed
step jitter patiently entropy-source --once --noise jitter,kernel
step seed wc -c source.seed
step default entropy-source --once
chmod 755 /root
mkdir /tmp/nobody
cp signer.key empty.json targets.json /tmp/nobody
chown -R nobody /tmp/nobody
step nobody su nobody -c "cd /tmp/nobody && PATH=$PATH entropy-source --once --targets empty.json"
step nobody-hwrng su nobody -c "cd /tmp/nobody && PATH=$PATH entropy-source --once --noise hwrng,kernel"
END

# Less and less: what the program says of itself when it chooses, and when it is told to take what is not there.
cat >"$place/less" <<'END'
. ./steps
provision --software --algorithm ecdsa
step default entropy-source --once --targets empty.json
step jitter patiently entropy-source --once --noise jitter,kernel
step hwrng entropy-source --once --noise hwrng,kernel
END

cat >"$place/less-selftest" <<'END'
. ./less
step selftest entropy-source --selftest --json
END

cat >"$place/tpm" <<'END'
. ./steps
provision
step default entropy-source --once
step software-key rsagen --software --algorithm ecdsa --force
step software entropy-source --once
step selftest entropy-source --selftest
END

# 2. Two lanes of machines, so that two processors have something to do. boot NAME SCRIPT OPTION...
boot() {
    name=$1 script=$2
    shift 2
    result=0
    "$(dirname "$0")/run.sh" "$@" --seconds 600 --file "$place/steps" --file "$place/less" --file "$place/$script" \
        -- sh "./$script" </dev/null >"$place/$name.output" 2>"$place/$name.errors" &
    running=$!
    trap 'kill "$running" 2>/dev/null || true; wait "$running" || true; exit 1' TERM
    wait "$running" || result=$?
    echo "$result" >"$place/$name.result"
}

start=$(date +%s)
# What the machines are made of is fetched before two of them would both do it.
"$(dirname "$0")/run.sh" -- true </dev/null
say "booting seven machines, two at a time"
{
    boot whole whole
    boot no-af_alg less --without af_alg
    boot no-hwrng less --without hwrng
    boot neither less-selftest --without hwrng --without jitter
} &
lanes=$!
{
    boot tpm tpm --tpm --without hwrng --without jitter
    boot no-jitter less-selftest --without jitter
    boot start start
} &
lanes="$lanes $!"
for lane in $lanes; do wait "$lane"; done
lanes=

# 3. What is expected of it.
. "$(dirname "$0")/../checks.sh"
told() { printf '%s\n' "$said"; }
# after MACHINE STEP EXIT-CODE
after() {
    case="$1, $2"
    said=$(sed -n "/^\[$2\$/,/^\]/p" "$place/$1.output")
    check "exit code $3" test "${said##*]}" = "$3"
}
says() { for text in "$@"; do check "\"$text\"" contains "$text"; done; }
says_not() { for text in "$@"; do check "not \"$text\"" lacks "$text"; done; }
contains() { printf '%s\n' "$said" | grep -q -e "$1"; }
lacks() { ! contains "$1"; }

for machine in whole start no-jitter no-af_alg no-hwrng neither tpm; do
    case=$machine said=$(cat "$place/$machine.errors")
    check "exit code 0" test "$(cat "$place/$machine.result")" = 0
done

nothing="no physical noise source is healthy, nothing is sent: "
unconnected='127.0.0.1:1: cannot connect: Connection refused'

# All of it is there.
after whole selftest 0
says '^/dev/hwrng (virtio_rng.0)  healthy  [1-9]' '^jitterentropy_rng  *healthy  [1-9][0-9]*  *[1-9]' '^getrandom(2)  *healthy' \
    '^any of them  *419 ' '^passed'
table=$said

# A real start: without physical noise no seed is written; with the jitter there is one, and the sink is called.
after start kernel 69
says "${nothing}none is there, or chosen"
says_not "$unconnected"
after start no-seed 1
after start jitter 69
says 'noise by jitterentropy_rng, getrandom(2)$' 'source.seed: no seed from an earlier run; a new one was written' "$unconnected"
says_not "$nothing"
after start seed 0
says '^64 source.seed'
after start default 69
says 'noise by /dev/hwrng (virtio_rng.0), jitterentropy_rng, getrandom(2), arrival times$' "$unconnected"
says_not 'not among the noise sources'

# As another user: the jitter is everyone's, the device is not.
denied="/dev/hwrng: cannot open: Permission denied; it is root's, until a udev rule gives it to a group"
after start nobody 0
says "not among the noise sources: $denied" 'noise by jitterentropy_rng, getrandom(2), arrival times$' 'no sink is due'
after start nobody-hwrng 77
says "$nothing$denied"

# One of them is missing.
no_jitter="jitterentropy_rng: the kernel's module of that name is missing, or algif_rng, which hands it out"
no_af_alg="jitterentropy_rng: no AF_ALG for this program: the kernel's module af_alg is missing, or systemd's RestrictAddressFamilies= forbids it"
no_hwrng="/dev/hwrng: no hardware generator is behind it: is its driver loaded? see /sys/class/misc/hw_random/rng_available"
after no-jitter default 0
says "not among the noise sources: $no_jitter\$" 'noise by /dev/hwrng (virtio_rng.0), getrandom(2), arrival times$' 'no sink is due'
after no-jitter jitter 69
says "$nothing$no_jitter\$"
after no-jitter hwrng 69
says "$unconnected"
after no-jitter selftest 0
says "not among the noise sources: $no_jitter\$" '"Passed": *true' '"Origin": *"virtio_rng.0"' '"Kind": *"tpm"' 'no TPM there'
says_not '"Kind": *"jitter"'
after no-af_alg default 0
says "not among the noise sources: $no_af_alg\$" 'noise by /dev/hwrng (virtio_rng.0), getrandom(2), arrival times$'
after no-af_alg jitter 69
says "$nothing$no_af_alg\$"
after no-hwrng default 0
says "not among the noise sources: $no_hwrng\$" 'noise by jitterentropy_rng, getrandom(2), arrival times$'
after no-hwrng jitter 69
says "$unconnected"
after no-hwrng hwrng 69
says 'noise by /dev/hwrng, getrandom(2)$' "$nothing$no_hwrng\$"

# Neither of them.
after neither default 69
says "not among the noise sources: $no_hwrng; $no_jitter\$" 'noise by getrandom(2), arrival times$' "${nothing}none is there, or chosen"
after neither selftest 69
says '"Passed": *false' 'the self-test failed'

# A TPM, and /dev/hwrng by the same one: it counts once, and where nothing else asks the TPM, by the device.
once_more='/dev/hwrng: it is the TPM once more (tpm-rng-0)'
after tpm key 0
says 'in the TPM at device:/dev/tpmrm0'
after tpm default 69
says 'in the TPM at device:/dev/tpmrm0$' "not among the noise sources: $once_more; $no_jitter\$" \
    'noise by TPM2_GetRandom, getrandom(2), arrival times$' "$unconnected"
after tpm software-key 0
after tpm software 69
says 'in software$' 'noise by /dev/hwrng (tpm-rng-0), getrandom(2), arrival times$' "$unconnected"
says_not 'TPM once more'
after tpm selftest 0
says "not among the noise sources: $once_more" '^TPM2_GetRandom  *healthy  [1-9]' '^passed'
says_not '^/dev/hwrng'

printf '%s\n' "$table" | sed '1d;$d;/^entropy-source: /d'
say "the jitter is that of an emulated processor, not the board's, and /dev/hwrng hands on the host's random bytes"
conclude "in $(($(date +%s) - start)) s"
