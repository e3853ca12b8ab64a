#!/bin/sh
# Runs the board's setup script on prepared trees: a board on which all is well, of either image, and one for each thing that can be wrong.
# Commands that would ask the system are stand-ins, but for rsagen, which makes a real key in a swtpm.
#
# usage: test.sh OVERLAYS PROGRAMS
set -eu

overlays=$(cd "$1" && pwd)
programs=$(cd "$2" && pwd)
project=$(cd "$(dirname "$0")/../.." && pwd)
setup=$project/provisioning/bbb/setup
base=$project/.build-devicetree/am335x-boneblack.dtb
say() { echo "test-setup: $*"; }
place=$(mktemp -d)
tpm=
finish() {
    [ -z "$tpm" ] || kill "$tpm" 2>/dev/null || true
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
. "$project/Tests/checks.sh"
told() { cat "$place/output" "$place/errors"; }

# 1. The stand-ins. What they say is in files of the tree, so that a case can change it.
mkdir "$place/bin"
stand_in() { { echo '#!/bin/sh'; cat; } >"$place/bin/$1"; chmod +x "$place/bin/$1"; }
stand_in dpkg-query <<'END'
for name in "$@"; do :; done
! grep -qx "$name" "$TREE/not-installed" 2>/dev/null || exit 1
echo "2.0.0 installed"
END
stand_in systemctl <<'END'
cat "$TREE/systemctl-$1-$2" 2>/dev/null || { case $1 in is-enabled) echo enabled ;; is-active) echo active ;; esac; }
END
stand_in timedatectl <<'END'
cat "$TREE/synchronized" 2>/dev/null || echo yes
END
stand_in modprobe <<'END'
echo "$*" >>"$TREE/modprobed"
END
stand_in flash-kernel <<'END'
[ ! -f "$TREE/flash-kernel-fails" ] || exit 1
echo flashed >>"$TREE/flashed"
END
stand_in apt-get <<'END'
echo "$*" >>"$TREE/installed"
[ ! -d "$TREE/packed" ] || mv "$TREE/packed" "$TREE/usr/lib/entropyshare/overlays"
END
stand_in rsagen <<END
[ ! -f "\$TREE/rsagen-fails" ] || { echo "rsagen: signer.key: it was made by another TPM" >&2; exit 65; }
exec "$programs/rsagen" "\$@"
END

# 2. A swtpm, and a key in it, that all trees share: it is made by the setup script in the first case.
swtpm socket --tpm2 --tpmstate "dir=$place" --server "type=unixio,path=$place/socket" \
    --ctrl "type=unixio,path=$place/socket.ctrl" --flags not-need-init,startup-clear >/dev/null 2>&1 &
tpm=$!
export TPM2TOOLS_TCTI="swtpm:path=$place/socket"
tries=0
until [ -S "$place/socket" ] && [ -S "$place/socket.ctrl" ] || [ $tries -eq 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done

# usage: tree NAME beagleboard|debian: a board on which all is well, but for the key
tree() {
    case=$1
    root=$place/$1
    node=$root/proc/device-tree/ocp/interconnect@48000000/segment@0/target-module@30000/spi@0
    mkdir -p "$node/tpm@0" "$root/proc/sys/kernel" "$root/sys/bus/spi/drivers/tpm_tis_spi" "$root/sys/class/tpm/tpm0" \
        "$root/dev" "$root/etc" "$root/boot" "$root/var/lib/entropy-source" "$root/usr/lib/entropyshare" "$root/etc/modules-load.d"
    printf 'TI AM335x BeagleBone Black\0' >"$root/proc/device-tree/model"
    printf 'okay\0' >"$node/status"
    printf 'infineon,slb9670\0tcg,tpm_tis-spi\0' >"$node/tpm@0/compatible"
    echo 6.1.0-44-armmp >"$root/proc/sys/kernel/osrelease"
    echo 2 >"$root/sys/class/tpm/tpm0/tpm_version_major"
    # In place of the device: its group and mode.
    echo "tss 660" >"$root/dev/tpmrm0"
    echo "tss:x:109:entropy-source" >"$root/etc/group"
    echo "entropy-source:x:998:998::/var/lib/entropy-source:/usr/sbin/nologin" >"$root/etc/passwd"
    cp -R "$overlays" "$root/usr/lib/entropyshare/overlays"
    if [ "$2" = beagleboard ]; then
        mkdir -p "$root/lib/firmware"
        cp "$overlays/BB-TPM-SPI0-infineon.dtbo" "$root/lib/firmware"
        printf '%s\n' uname_r=6.1.83-ti-r37 enable_uboot_overlays=1 '#uboot_overlay_addr4=<file4>.dtbo' \
            uboot_overlay_addr4=/lib/firmware/BB-TPM-SPI0-infineon.dtbo >"$root/boot/uEnv.txt"
    else
        mkdir -p "$root/usr/lib/linux-image-6.1.0-44-armmp"
        cp "$base" "$root/usr/lib/linux-image-6.1.0-44-armmp"
        touch -d '2026-11-01' "$root/usr/lib/linux-image-6.1.0-44-armmp/am335x-boneblack.dtb"
    fi
    [ ! -f "$place/key/signer.key" ] || cp "$place/key"/* "$root/var/lib/entropy-source"
}
# usage: run EXIT-CODE OPTION...: the script's output is in files
run() {
    wanted=$1
    shift
    result=0
    TREE=$root PATH="$place/bin:$PATH" "$setup" --root "$root" "$@" >"$place/output" 2>"$place/errors" || result=$?
    check "exit code $wanted, not $result" test "$result" = "$wanted"
}
says() { for text in "$@"; do check "\"$text\"" grep -qF -e "$text" "$place/output" "$place/errors"; done; }
says_not() { for text in "$@"; do check "not \"$text\"" sh -c '! grep -qF -e "$1" "$2"' - "$text" "$place/output"; done; }
# Every file with its contents, mode and time.
state_of() { (cd "$1" && find . -type f -printf '%p %m %T@ ' -exec sha256sum {} \; && find . -mindepth 1 -type d -printf '%p %m %T@\n') | sort | sha256sum; }

# 3. All is well: the whole way on either image, and a second time.
for kind in debian beagleboard; do
    tree "good-$kind" "$kind"
    rm -f "$root/var/lib/entropy-source"/*
    [ "$kind" = debian ] || printf '%s\n' uname_r=6.1.83-ti-r37 '#enable_uboot_overlays=0' uboot_overlay_addr4=/lib/firmware/BB-UART4-00A0.dtbo >"$root/boot/uEnv.txt"
    run 0
    # What is left to be done is somebody to send to.
    says "ok       board: TI AM335x BeagleBone Black" "ok       device: /dev/tpmrm0, a TPM 2.0" "ok       key: signer.key, of this TPM" \
        "warning  sinks: there is nobody to send to yet" "problems: 0, warnings: 1" "-----BEGIN PUBLIC KEY-----" \
        "entropy-config --without-private --state /var/lib/entropy-sink/counters.json -s signer.pub -o config.json" \
        "runuser -u entropy-source -- entropy-target -a HOST:9437 -k /dev/stdin --append targets.json < ~/decrypt.pub"
    # Others judge the key that it prints.
    sed -n '/BEGIN PUBLIC/,/END PUBLIC/p' "$place/output" >"$place/printed.pem"
    openssl pkey -pubin -in "$place/printed.pem" -outform DER -out "$place/printed.der" 2>/dev/null || true
    check "openssl takes the printed key" cmp -s "$place/printed.der" "$root/var/lib/entropy-source/signer.pub"
    says "fingerprint  $(sha256sum <"$place/printed.der" | cut -d ' ' -f 1)"
    check "the driver is loaded" grep -qx tpm_tis_spi "$root/modprobed"
    check "at each boot" grep -qx tpm_tis_spi "$root/etc/modules-load.d/entropyshare.conf"
    if [ "$kind" = debian ]; then
        merged=$root/etc/flash-kernel/dtbs/am335x-boneblack.dtb
        check "the tree has the TPM" test "$(fdtget -t s "$merged" /ocp/interconnect@48000000/segment@0/target-module@30000/spi@0/tpm@0 compatible)" = "infineon,slb9670 tcg,tpm_tis-spi"
        check "flash-kernel was run once" test "$(wc -l <"$root/flashed")" = 1
        check "the hook is a script" sh -n "$root/etc/kernel/postinst.d/entropyshare-tpm"
        # As the next kernel's installation runs it, in this tree.
        sed "s|=/usr|=$root/usr|; s|=/etc|=$root/etc|" "$root/etc/kernel/postinst.d/entropyshare-tpm" >"$place/hook"
        cp -p "$merged" "$place/merged"
        rm "$merged"
        check "a kernel that is not this board's is nothing to the hook" sh "$place/hook" 6.1.0-45-armmp
        check "the hook makes nothing of it" test ! -e "$merged"
        check "the hook gives a kernel's tree the TPM" sh "$place/hook" 6.1.0-44-armmp
        check "it is the same tree" cmp -s "$merged" "$place/merged"
        mv "$place/merged" "$merged"
    else
        check "uEnv.txt" test "$(cat "$root/boot/uEnv.txt")" = "uname_r=6.1.83-ti-r37
enable_uboot_overlays=1
uboot_overlay_addr4=/lib/firmware/BB-UART4-00A0.dtbo
uboot_overlay_addr5=/lib/firmware/BB-TPM-SPI0-infineon.dtbo"
        check "the file as it was is kept" grep -qx '#enable_uboot_overlays=0' "$root/boot/uEnv.txt.before-entropyshare"
        check "the overlay" cmp -s "$root/lib/firmware/BB-TPM-SPI0-infineon.dtbo" "$overlays/BB-TPM-SPI0-infineon.dtbo"
    fi
    cp "$root/var/lib/entropy-source/signer.key" "$place/kept"
    rm "$root/modprobed"
    before=$(state_of "$root")
    run 0
    rm "$root/modprobed"
    check "a second run changes nothing" test "$before" = "$(state_of "$root")"
    check "the key stays" cmp -s "$place/kept" "$root/var/lib/entropy-source/signer.key"
    echo '[{"Address": "sink.example.org:9437"}]' >"$root/var/lib/entropy-source/targets.json"
    before=$(state_of "$root")
    run 0 --check
    says "nothing to mend" "ok       sinks: 1 in targets.json" "ok       service: entropy-source is running"
    check "--check changes nothing" test "$before" = "$(state_of "$root")"
    rm -rf "$place/key"
    cp -R "$root/var/lib/entropy-source" "$place/key"
done

# 4. One thing wrong in each. usage: broken NAME FINDING CURE COMMAND [OPTION]: COMMAND spoils the tree that $root is
broken() {
    tree "$1" beagleboard
    (cd "$root" && eval "$4")
    before=$(state_of "$root")
    run 1 --check ${5:-}
    says "$2" "$3"
    check "--check changes nothing" test "$before" = "$(state_of "$root")"
    check "a line of what to do for each" test "$(grep -c 'cure: ' "$place/output")" = "$(grep -cE '^(PROBLEM|warning)' "$place/output")"
    rm -rf "$root"
}
spi=proc/device-tree/ocp/interconnect@48000000/segment@0/target-module@30000/spi@0
broken other-board "board: Raspberry Pi 4, which is no BeagleBone Black" "run this on the board" "printf 'Raspberry Pi 4\0' >proc/device-tree/model"
broken no-board "board: nobody says what it is" "run this on the BeagleBone Black itself" "rm proc/device-tree/model"
broken no-image "image: neither /boot/uEnv.txt nor Debian's kernel" "install linux-image-armmp" "rm boot/uEnv.txt"
broken no-package "package: entropyshare-tools is not installed" "--packages DIR" "echo entropyshare-tools >not-installed"
broken no-overlay "overlay: /boot/uEnv.txt does not name BB-TPM-SPI0-infineon.dtbo" "run this without --check" "sed -i /addr4=.lib/d boot/uEnv.txt"
broken other-chip "overlay: /boot/uEnv.txt has uboot_overlay_addr4=/lib/firmware/BB-TPM-SPI0-st.dtbo" "put a # before that line" "sed -i s/-infineon/-st/ boot/uEnv.txt" '--chip infineon'
broken all-taken "has other overlays in all of uboot_overlay_addr4 to 7" "put a # before one of them" \
    "for n in 4 5 6 7; do echo uboot_overlay_addr\$n=/lib/firmware/U\$n.dtbo; done >boot/uEnv.txt"
broken spidev "overlay: /boot/uEnv.txt has uboot_overlay_addr5=/lib/firmware/BB-SPIDEV0-00A0.dtbo" "put a # before that line" "echo uboot_overlay_addr5=/lib/firmware/BB-SPIDEV0-00A0.dtbo >>boot/uEnv.txt"
broken other-tpm-overlay "overlay: /boot/uEnv.txt has uboot_overlay_addr5=/lib/firmware/BB-SLB9670-TPM.dtbo" "put a # before that line" "echo uboot_overlay_addr5=/lib/firmware/BB-SLB9670-TPM.dtbo >>boot/uEnv.txt"
broken dtb-overlay "overlay: /boot/uEnv.txt has dtb_overlay=/lib/firmware/BB-SPIDEV0-00A0.dtbo" "put a # before that line" "echo dtb_overlay=/lib/firmware/BB-SPIDEV0-00A0.dtbo >>boot/uEnv.txt"
broken overlays-off "overlay: /boot/uEnv.txt does not say enable_uboot_overlays=1" "run this without --check" "sed -i s/overlays=1/overlays=0/ boot/uEnv.txt"
broken no-firmware "overlay: /lib/firmware/BB-TPM-SPI0-infineon.dtbo is missing" "run this without --check" "rm lib/firmware/*"
broken no-reboot "device tree: this boot has no TPM at SPI0" "reboot, then run this again" "rm -r $spi/tpm@0"
broken spi-off 'device tree: SPI0 is switched off (status "disabled")' "another overlay or cape has it" "printf 'disabled\0' >$spi/status"
broken cryptocape "device tree: a TPM 1.2 at I2C2, as on the CryptoCape" "a TPM 2.0 on SPI0 is needed" "rm -r $spi/tpm@0; mkdir -p sys/bus/i2c/devices/2-0029"
broken no-driver "driver: tpm_tis_spi is not loaded" "modprobe tpm_tis_spi" "rmdir sys/bus/spi/drivers/tpm_tis_spi"
broken no-answer "no answer (error -110)" "MOSI P9_18, MISO P9_21, SCLK P9_22, CS P9_17" "rm dev/tpmrm0; echo 'tpm_tis_spi spi0.0: probe with driver failed with error -110' >dmesg"
broken no-time "waited in vain (error -62)" "SPI mode 0, at most 10 MHz" "rm dev/tpmrm0; echo 'tpm tpm0: tpm_try_transmit: send(): error -62' >dmesg"
broken no-device "the TPM says nothing" "look at wiring and power" "rm dev/tpmrm0"
broken no-device-no-driver "device: no /dev/tpmrm0" "first mend what is above" "rm dev/tpmrm0; rmdir sys/bus/spi/drivers/tpm_tis_spi"
broken multi-mode "kernel: 6.12.24-bone20 may let go of the chip select too early" "try Linux 6.1, 6.12.34 or later" "rm dev/tpmrm0; echo 6.12.24-bone20 >proc/sys/kernel/osrelease"
broken tpm-1.2 "device: the TPM is a 1.2" "a TPM 2.0 is needed" "rm dev/tpmrm0; echo 1 >sys/class/tpm/tpm0/tpm_version_major"
broken tpm-unknown "device: the kernel does not say which TPM it is" "look at dmesg" "rm sys/class/tpm/tpm0/tpm_version_major"
broken no-rule "device: /dev/tpmrm0 has group and mode root 600" "apt install tpm-udev" "echo root 600 >dev/tpmrm0"
broken no-user "user: there is no entropy-source" "install entropyshare-source" ": >etc/passwd"
broken no-group "user: entropy-source is not in the group tss" "adduser entropy-source tss" "echo tss:x:109: >etc/group"
broken old-key "key: signer.key is not a TPM's key" "it makes one in the TPM" "echo '-----BEGIN RSA PRIVATE KEY-----' >var/lib/entropy-source/signer.key"
broken no-key "key: there is no signer.key" "run this without --check" "rm var/lib/entropy-source/signer.key"
broken no-public "key: signer.pub is missing" "rsagen --key signer.key" "rm var/lib/entropy-source/signer.pub"
broken other-public "key: signer.pub is not the public key of signer.key" "rsagen --key signer.key --force" "echo other >var/lib/entropy-source/signer.pub"
broken no-record "key: signer.tpm.json is missing" "rsagen --key signer.key --record signer.tpm.json" "rm var/lib/entropy-source/signer.tpm.json"
broken other-tpm "key: signer.key: it was made by another TPM" "signing-key.md" ": >rsagen-fails"
broken open-password "key: others may read its password" "chmod 600 /etc/credstore/entropy-source.auth" "mkdir etc/credstore; echo x >etc/credstore/entropy-source.auth; chmod 644 etc/credstore/entropy-source.auth"
broken disabled "service: entropy-source is not enabled (disabled)" "systemctl enable entropy-source" "echo disabled >systemctl-is-enabled-entropy-source.service"
broken failed "service: entropy-source is not running (failed)" "journalctl -u entropy-source" "echo failed >systemctl-is-active-entropy-source.service"

# 5. Warnings leave it usable.
tree no-time beagleboard
echo no >"$root/synchronized"
echo disabled >"$root/systemctl-is-enabled-systemd-time-wait-sync.service"
run 0 --check
echo '[]' >"$root/var/lib/entropy-source/targets.json"
run 0 --check
says "warning  sinks: targets.json names none" "entropy-target in /var/lib/entropy-source"
rm "$root/var/lib/entropy-source/targets.json"
run 0 --check
says "warning  sinks: there is nobody to send to yet" "problems: 0, warnings: 3"
says "warning  clock: it is not synchronized" "warning  clock: services do not wait for it"

# 6. With another maker's chip, an older kernel's tree, and what cannot be done.
tree st beagleboard
run 0 --chip st
check "the other overlay took the place of the first" test "$(grep -c BB-TPM "$root/boot/uEnv.txt") $(grep -c st.dtbo "$root/boot/uEnv.txt")" = "1 1"
for kind in beagleboard debian; do
    tree "st-again-$kind" "$kind"
    run 0 --chip st
    before=$(state_of "$root/boot"; state_of "$root/etc")
    run 0
    says "-st"
    check "run once more without --chip it is still the same chip" test "$before" = "$(state_of "$root/boot"; state_of "$root/etc")"
done
# As if the kernel had been upgraded, and the hook had not run: a kernel's files are as old as its build.
next_kernel() {
    tree_of_kernel=$root/usr/lib/linux-image-6.1.0-44-armmp/am335x-boneblack.dtb
    fdtput -t s "$tree_of_kernel" / chosen-by-test "the next kernel"
    touch -d 2026-11-01 "$tree_of_kernel"
}
# What was interrupted is done again.
tree interrupted debian
: >"$root/flash-kernel-fails"
run 1
says "flash-kernel could not install the device tree"
rm "$root/flash-kernel-fails"
run 0
check "flash-kernel is run again" test -f "$root/flashed"
next_kernel
: >"$root/flash-kernel-fails"
run 1
rm "$root/flash-kernel-fails"
run 0
check "and after a kernel's upgrade" test "$(wc -l <"$root/flashed")" = 2
chmod 644 "$root/etc/kernel/postinst.d/entropyshare-tpm"
run 0
check "the hook can be run" test -x "$root/etc/kernel/postinst.d/entropyshare-tpm"
tree commented beagleboard
printf '%s\n' '# say enable_uboot_overlays=1 below' >"$root/boot/uEnv.txt"
run 0
check "a comment switches nothing on" grep -qx enable_uboot_overlays=1 "$root/boot/uEnv.txt"
tree all-taken beagleboard
for number in 4 5 6 7; do echo "uboot_overlay_addr$number=/lib/firmware/U$number.dtbo"; done >"$root/boot/uEnv.txt"
before=$(state_of "$root/boot")
run 1
check "no other overlay is put out of use" test "$before" = "$(state_of "$root/boot")"
tree refused beagleboard
rm -r "$root/dev/tpmrm0" "$root/$spi/tpm@0"
echo uboot_overlay_addr4=/lib/firmware/BB-SPIDEV0-00A0.dtbo >"$root/boot/uEnv.txt"
before=$(state_of "$root/boot")
run 69
check "beside BB-SPIDEV0 the file is left alone" test "$before" = "$(state_of "$root/boot")"
check "no reboot is asked for that would mend nothing" sh -c '! grep -q "reboot now" "$1"' - "$place/errors"
tree upgraded debian
run 0
next_kernel
run 1 --check
says "overlay: the device tree with the TPM is not this kernel's"
tree no-tpm-yet beagleboard
rm -r "$root/dev/tpmrm0" "$root/$spi/tpm@0"
run 69
says "reboot, then run this again" "reboot now, so that the board sees its TPM"
tree bad-usage beagleboard
run 64 --chip atmel
run 64 --chip
run 64 --packages
run 64 --frobnicate
run 66 --packages "$place/nowhere"
says "--packages $place/nowhere: there is no such directory"
mkdir "$place/debs"
run 66 --packages "$place/debs"
says "entropyshare-source_*_armhf.deb: it is missing"
for name in source tools; do : >"$place/debs/entropyshare-${name}_2.0.0_armhf.deb"; done
run 0 --packages "$place/debs"
check "they are installed" grep -q 'install .*entropyshare-source_2.0.0_armhf.deb .*entropyshare-tools' "$root/installed"

# A board that has nothing yet: the overlays come with the package. Packages beside the script are found by themselves.
tree empty beagleboard
mv "$root/usr/lib/entropyshare/overlays" "$root/packed"
cp "$setup" "$place/debs/setup"
script=$setup
setup=$place/debs/setup
run 0
setup=$script
check "the packages beside it are installed" grep -q "install $place/debs/entropyshare-source_2.0.0_armhf.deb" "$root/installed"
tree relative beagleboard
cd "$place"
run 0 --packages debs
cd "$project"
check "apt gets whole names" grep -q "install $place/debs/entropyshare-source_2.0.0_armhf.deb" "$root/installed"

# A public key that is another's is not shown, and one in PEM is as good as in DER.
tree other-public beagleboard
echo other >"$root/var/lib/entropy-source/signer.pub"
run 1
says_not "BEGIN PUBLIC KEY" fingerprint
tree pem beagleboard
sum=$(sha256sum <"$root/var/lib/entropy-source/signer.pub" | cut -d ' ' -f 1)
openssl pkey -pubin -inform DER -in "$place/key/signer.pub" -out "$root/var/lib/entropy-source/signer.pub"
run 0
says "fingerprint  $sum" "ok       key: signer.key, of this TPM"
# A password that is there before the key is the key's: only with it a signature is made.
tree password beagleboard
rm "$root/var/lib/entropy-source"/*
mkdir -m 700 "$root/etc/credstore"
(umask 077 && printf secret >"$root/etc/credstore/entropy-source.auth")
run 0 --algorithm ecdsa
signs() { (cd "$root/var/lib/entropy-source" && "$programs/rsagen" --inspect "$@" 2>&1) | grep -q 'made and verified'; }
check "with its password it signs" signs --auth-file "$root/etc/credstore/entropy-source.auth"
signs_not() { ! signs; }
check "without its password it does not sign" signs_not

# Who is not root learns that he cannot look, not that there is no key.
if [ "$(id -u)" -eq 0 ]; then
    tree not-root beagleboard
    chmod 700 "$root/var/lib/entropy-source"
    chmod 755 "$place"
    result=0
    TREE=$root PATH="$place/bin:$PATH" setpriv --reuid 65534 --regid 65534 --clear-groups sh -s -- --root "$root" --check \
        <"$setup" >"$place/output" 2>"$place/errors" || result=$?
    check "exit code 0, not $result" test "$result" = 0
    says "warning  key and sinks: only root can look into /var/lib/entropy-source"
    says_not "there is no signer.key"
fi

# 7. Names may hold anything: a terminal is not to obey them.
tree hostile beagleboard
printf 'TI AM335x BeagleBone Black \033]0;owned\007 %0500d\0' 7 >"$root/proc/device-tree/model"
printf 'bad\033[2J\nok       device: forged\0' >"$root/$spi/status"
run 1 --check
check "no line of theirs" sh -c '! grep -q "^ok  *device: forged" "$1"' - "$place/output"
check "no control characters" sh -c '! tr -d "\n" <"$1" | grep -q "[[:cntrl:]]"' - "$place/output"

conclude
