#!/bin/sh
# Shows a board from its first boot to the removal of the packages, on Debian's kernel and systemd, in the machine that run-debian.sh
# boots, with a sink on this machine: installed from the packages, set up by entropyshare-setup with a key in a TPM behind the kernel's
# own driver, the service at work, a reboot with the same disk and the same TPM, the watchdog, the end. It takes about three minutes.
#
# The TPM is swtpm, behind the memory-mapped interface of a TPM in a PC (tpm_tis) and not on SPI, and the processor is emulated:
# it shows nothing of a board's wiring, nor of its speed.
#
# usage: test-debian.sh PACKAGES PROGRAMS     the directory with the .deb files for armhf; that of this machine's programs
set -eu

say() { echo "test-board: $*"; }
[ $# -eq 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
packages=$1
programs=$(cd "$2" && pwd)
source=$(echo "$packages"/entropyshare-source_*_armhf.deb)
tools=$(echo "$packages"/entropyshare-tools_*_armhf.deb)
for file in "$source" "$tools"; do [ -f "$file" ] || { say "$file is missing: make packages comes first"; exit 1; }; done

place=$(mktemp -d)
sink=
machine=
# A machine cleans up behind itself when it is asked to end.
finish() {
    trap '' HUP INT TERM
    for process in $sink $machine; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true; done
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# 1. What is run in the machine. step NAME COMMAND: what a command says, and its exit code, by a name. later COMMAND waits for what the command
# asks, two minutes at the most.
cat >"$place/steps" <<'STEPS'
export SYSTEMD_PAGER= MANPAGER=cat SYSTEMD_COLORS=0 LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
step() {
    echo "[$1"
    printf 'board# %s\n' "$2"
    result=0
    (eval "$2") 2>&1 || result=$?
    echo "]$result"
}
later() {
    tries=0
    until eval "$1" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 240 ] || return 1
        sleep 0.5
    done
}
said() { journalctl --quiet --boot --unit entropy-source --output cat --grep "$1"; }
# All files but what logs, lists of packages and of users, and what runs keep: the same before the packages come and after they went.
files() {
    find / -xdev \( -path /run -o -path /tmp -o -path /root -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt \
        -o -path /var/lib/systemd -o -path '/etc/*-' \) -prune -o -print | sort
}
STEPS

cat >"$place/first" <<'FIRST'
. ./steps
files >/root/files
step tpm 'cat /proc/1/comm; cat /sys/class/tpm/tpm0/tpm_version_major; ls -l /dev/tpmrm0; readlink /sys/class/tpm/tpm0/device/driver'
step install 'apt-get -q -y install ./entropyshare-*.deb'
step versions 'for each in entropy-source rsagen curve25519gen entropy-target entropy-config entropyshare-setup; do $each --version; done'
step manual 'man entropy-source | head -n 6; man -w rsagen curve25519gen entropy-target entropy-config entropy-targets entropyshare-setup'
step user 'id entropy-source'
step idle 'systemctl is-enabled entropy-source; systemctl show -P ConditionResult -P ActiveState entropy-source'
step setup 'entropyshare-setup'
step target 'cd /var/lib/entropy-source && runuser -u entropy-source -- entropy-target -a 10.0.2.2:PORT -k /dev/stdin --append targets.json < /run/test/files/decrypt.pub'
step files 'ls -l /var/lib/entropy-source'
# The sink begins when it has the key that setup printed.
later 'bash -c ": </dev/tcp/10.0.2.2/PORT"'
step start 'systemctl start entropy-source && systemctl is-active entropy-source'
later "said 'packet 1 mixed'"
step journal 'journalctl -q -o cat -u entropy-source'
step errors 'journalctl -q -o cat -p err -u entropy-source'
step status 'systemctl status entropy-source'
step counts 'cd /var/lib/entropy-source && entropy-source --status'
step security 'systemd-analyze security --threshold=15 entropy-source.service >/tmp/security; result=$?; tail -n 1 /tmp/security; exit $result'
step service 'runuser -u entropy-source -- sh -c ": <>/dev/tpmrm0"'
step nobody 'runuser -u nobody -- sh -c ": <>/dev/tpmrm0"'
step stop 'systemctl stop entropy-source; systemctl show -P Result -P ExecMainStatus -P ActiveState entropy-source'
# The next packet is six hours away otherwise.
step due 'sed -i "s/\"Next\": [0-9]*/\"Next\": 0/" /var/lib/entropy-source/targets.json'
FIRST

cat >"$place/second" <<'SECOND'
. ./steps
later "said 'packet 2 mixed'"
step again 'systemctl is-active entropy-source; journalctl -q -b -o cat -u entropy-source'
step fingerprint 'sha256sum /var/lib/entropy-source/signer.pub'
# Five minutes and one minute are too long to wait for here.
step hang 'mkdir /etc/systemd/system/entropy-source.service.d
    printf "[Service]\nWatchdogSec=4s\nRestartSec=100ms\n" >/etc/systemd/system/entropy-source.service.d/test.conf
    systemctl daemon-reload && systemctl restart entropy-source && systemctl kill --signal=STOP entropy-source'
later 'test "$(systemctl show -P NRestarts entropy-source)" = 1 && systemctl is-active entropy-source'
step watchdog 'systemctl show -P NRestarts entropy-source; systemctl is-active entropy-source; journalctl -q -b -o cat -u entropy-source | grep -iE "watchdog|restart"'
rm -r /etc/systemd/system/entropy-source.service.d
systemctl daemon-reload
step remove 'dpkg --remove entropyshare-source entropyshare-tools; systemctl is-active entropy-source; ls /var/lib/entropy-source'
step purge 'dpkg --purge entropyshare-source entropyshare-tools; dpkg --list "entropyshare-*" | grep -E "^.i|^rc"; ls /var/lib/entropy-source'
files | diff /root/files - >/root/differences
step left 'test "$(wc -l </root/files)" -gt 1000 && cat /root/differences'
step failed 'systemctl --failed --no-legend'
SECOND

# 2. Two boots, and a sink.
cd "$place"
PATH=$programs:$PATH
curve25519gen 2>/dev/null
port=$(shuf -i 20000-29999 -n 1)
sed -i "s/PORT/$port/g" first
# boot NAME OPTION...
boot() {
    name=$1
    shift
    "$here/run-debian.sh" "$place/board" "$@" --seconds 400 --file "$place/steps" --file "$place/$name" \
        -- sh "./$name" </dev/null >"$place/$name.output" 2>"$place/$name.errors" &
    machine=$!
}
ended() {
    result=0
    wait "$machine" || result=$?
    machine=
    echo "$result" >"$place/$1.result"
}
# What the machine is made of is fetched where it can be seen.
"$here/make-debian.sh" "$here/../../.build-machine/debian"
start=$(date +%s)
say "booting Debian for the board, with a TPM"
cd - >/dev/null
boot first --file "$source" --file "$tools" --file "$place/decrypt.pub" --reboot
cd "$place"
until grep -q '^-----END PUBLIC KEY-----' board/output 2>/dev/null || ! kill -0 "$machine" 2>/dev/null; do sleep 0.5; done
if grep -q '^-----END PUBLIC KEY-----' board/output; then
    say "the board has a key; starting the sink"
    sed -n '/^-----BEGIN PUBLIC KEY-----/,/^-----END PUBLIC KEY-----/p' board/output >signer.pub
    (umask 077 && entropy-config -a "127.0.0.1:$port" >config.json)
    : >pool
    entropy-sink --pool pool 2>sink.log &
    sink=$!
fi
ended first
say "rebooting it, with the same disk and the same TPM"
boot second
ended second
touch sink.log
[ -z "$sink" ] || { kill "$sink"; wait "$sink" || true; }
sink=

# 3. What is expected of it.
. "$here/../checks.sh"
told() { printf '%s\n' "$said"; }
# after STEP EXIT-CODE
after() {
    case=$1
    said=$(cat first.output second.output | sed -n "/^\[$1\$/,/^\]/p")
    check "exit code $2" test "${said##*]}" = "$2"
    said=$(printf '%s\n' "$said" | sed '1,2d;$d')
}
says() { for text in "$@"; do check "\"$text\"" contains "$text"; done; }
says_not() { for text in "$@"; do check "not \"$text\"" lacks "$text"; done; }
is() { check "exactly \"$1\"" test "$said" = "$1"; }
contains() { printf '%s\n' "$said" | grep -q -e "$1"; }
lacks() { ! contains "$1"; }

for case in first second; do
    said=$(cat "$case.errors")
    check "exit code 0" test "$(cat "$case.result")" = 0
done

# Debian's own kernel driver and rules: only tss may open the TPM.
after tpm 0
says '^systemd$' '^2$' '^crw-rw----.* tss tss .*/dev/tpmrm0' 'tpm_tis$'

# All that the packages depend on is there; nothing runs before there is somebody to send to.
after install 0
says '^Setting up entropyshare-source' '^Setting up entropyshare-tools'
says_not '[Ee]rror' 'warning'
after versions 0
for name in entropy-source rsagen curve25519gen entropy-target entropy-config entropyshare-setup; do says "^$name [0-9.]*\$"; done
after manual 0
says '^NAME$' '  entropy-source - ' 'entropy-targets.5' 'entropyshare-setup.8' 'rsagen.1' 'curve25519gen.1' 'entropy-target.1' 'entropy-config.1'
after user 0
says 'uid=[0-9]*(entropy-source)' '(tss)'
after idle 0
says '^enabled$' '^no$' '^inactive$'

# This machine is no BeagleBone, and setup says so; the key is made, in the TPM.
after setup 1
says 'which is no BeagleBone Black' '^ok *package: entropyshare-source' '^ok *device: /dev/tpmrm0, a TPM 2.0' '^ok *device: it belongs to the group tss' \
    '^ok *user: entropy-source, in the group tss' '^ok *key: signer.key, of this TPM' 'RSA-2048' '^fingerprint'
fingerprint=$(printf '%s\n' "$said" | sed -n 's/^fingerprint *//p')
after target 0
after start 0
is active
after journal 0
says 'in the TPM at device:/dev/tpmrm0' "10.0.2.2:$port: packet 1 mixed"
after errors 0
is ''
after status 0
says 'Active: active (running)' 'Status: ".*mixed'
after counts 0
says "^10.0.2.2:$port *mixed *1 "
after security 0
says 'Overall exposure level.* OK'
after service 0
after nobody 2
says 'Permission denied'
after stop 0
says '^success$' '^0$' '^inactive$'

# The reboot: by itself, with the same key.
after again 0
says '^active$' "10.0.2.2:$port: packet 2 mixed"
says_not 'no seed from an earlier run'
after fingerprint 0
says "^$fingerprint "
after watchdog 0
says '^1$' '^active$' 'Watchdog timeout'

# The end: what was made is kept until the purge, and nothing after it.
after remove 0
says '^inactive$' '^signer.key$'
after purge 2
says_not 'signer.key' '^rc'
after left 0
is ''
after failed 0
is ''

case="the sink" said=$(cat sink.log)
says 'packet 1 mixed' 'packet 2 mixed'
says_not 'refused: '
check "2048 bytes in the pool" test "$(wc -c <pool)" = 2048

# 4. What was seen; without the progress of dpkg, and what setup has to say to a server.
show() {
    echo
    for step in "$@"; do
        cat first.output second.output | sed -n "/^\[$step\$/,/^\]/p" |
            sed '1d;$d;/^Reading /d;/^Building /d;/^(Reading /d;/^debconf: /d;/^The signer.s public key:$/,/systemctl start entropy-source$/d'
    done
}
echo
echo "What was run on the board, with root's prompt as board#, and what it said:"
show tpm install versions manual user setup target start status counts security service nobody stop
echo
echo "After the reboot:"
show again fingerprint hang watchdog remove purge
echo
echo "The sink, on this machine:"
cat sink.log
echo
say "the machine is emulated, and its TPM is swtpm behind tpm_tis: it shows no board's wiring, and no board's speed"
conclude "in $(($(date +%s) - start)) s"
