#!/bin/sh
# Makes the Debian for the board that run-debian.sh boots: a root file system with systemd, Debian's kernel, and tpm_tis, the driver for
# the emulator's TPM, which Debian's kernel for the board lacks. It takes a minute and a half, and 250 MB are fetched.
#
# usage: make-debian.sh DIRECTORY
#
# In the directory, afterwards:
#   kernel, initrd   what the emulator starts; the initrd does no more than to mount the disk
#   disk             the root file system, ext4: to be copied, sparse, by who boots it
#   root.tar         the same root file system, for a test without a machine. Unpack and enter it by armhf.sh, in which armhf programs run:
#                    armhf.sh sh -c 'tar -x -f root.tar -C DIRECTORY && chroot DIRECTORY apt-get ...'
#
# It holds the essential packages, apt, systemd and what the board's packages depend on, so that these are installed from their files
# alone, without a network.
set -eu
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
provisioning=$here/../../provisioning/bbb
say() { echo "machine: $*" >&2; }
# shellcheck source=/dev/null
. "$provisioning/apt-foreign.sh"

# What the root file system has. usr-is-merged: instead of usrmerge, which would convert an old system, by perl.
packages="systemd-sysv udev dbus kmod apt netbase iproute2 procps usr-is-merged man-db
    tpm-udev libtss2-esys-3.0.2-0 libtss2-sys1 libtss2-mu0 libtss2-rc0 libtss2-tctildr0 libtss2-tcti-device0
    libsodium23 libssl3 libjson-c5 libcurl4"

# Runs inside armhf.sh, where armhf programs run, and packages may give files to their users: unpacks the packages, configures them, and makes
# the image.
if [ "${1-}" = --inside ]; then
    work=$2
    root=$work/root
    export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C
    for place in bin sbin lib; do
        mkdir -p "$root/usr/$place"
        ln -s "usr/$place" "$root/$place"
    done
    for file in "$work"/apt/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -x -f - -C "$root" --keep-directory-symlink
    done
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    : >"$root/var/lib/dpkg/status"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    # No service is started here.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"

    # This machine's dpkg unpacks, as its own program and so ten times as fast; only the packages' scripts are emulated. The files are there
    # already, for these scripts; it is dpkg's books that are written. What must come first: users, and the symbolic links of the root.
    unpack="dpkg --root=$root --force-unsafe-io --force-depends --force-architecture --force-confold"
    $unpack --install "$work"/apt/cache/archives/base-passwd_*.deb "$work"/apt/cache/archives/base-files_*.deb
    $unpack --unpack "$work"/apt/cache/archives/*.deb
    chroot "$root" dpkg --force-unsafe-io --configure --pending
    # armhf must be its own architecture, not one beside this machine's, and nothing may be half done.
    rm -f "$root/var/lib/dpkg/arch"
    bad=$(chroot "$root" sh -c 'dpkg --audit; dpkg-query --show --showformat="\${Package} \${db:Status-Abbrev}\n" | grep -v " ii *$" || true')
    [ -z "$bad" ] || { echo "not installed completely: $bad"; exit 1; }

    # Each installation would make an index of all manual pages.
    rm -f "$root/usr/sbin/policy-rc.d" "$root/var/lib/man-db/auto-update"
    umount --lazy "$root/dev" "$root/proc"
    cp -R "$work/extra/." "$root"
    chroot "$root" systemctl enable --quiet systemd-networkd test.service
    chroot "$root" systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
    tar -c -f "$work/root.tar" -C "$root" .
    mke2fs -q -F -t ext4 -L board -O ^has_journal -d "$root" "$work/disk" 700M
    rm -rf --one-file-system "$root"  # here, where its files' users are
    exit 0
fi

[ $# -eq 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
directory=$(mkdir -p "$1" && cd "$1" && pwd)
stamp=$directory/complete
wanted=$(cat "$0" "$here/armhf.sh" "$here/init-debian" "$provisioning/apt-foreign.sh" | sha256sum)
[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || exit 0

# In a place of its own, and moved when it is complete: two may come here at once.
started=$(date +%s)
work=$(mktemp -d "$directory/making-XXXXXX")
# What is not this user's own goes from where it is.
trap 'rm -rf "$work" 2>/dev/null || "$here/armhf.sh" rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed() {
    tail -n 15 "$work/log" >&2
    say "$*"
    exit 1
}

# 1. All that is fetched. The kernel's source and headers are of the kernel's own version.
say "fetching Debian for the board, its kernel, and that kernel's source and headers (250 MB)"
: >"$work/log"
prepare_apt "$work/apt"
release=$(apt-cache depends linux-image-armmp | sed -n 's/^ *Depends: linux-image-\([^ ]*\)$/\1/p')
version=$(apt-cache show --no-all-versions "linux-image-$release" 2>/dev/null | sed -n 's/^Version: //p')
mkdir "$work/kernel" "$work/unpacked" "$work/root"
(cd "$work/kernel" && apt-get -q download "linux-image-$release=$version" "linux-headers-$release=$version" \
    "linux-headers-${release%-armmp}-common=$version" "linux-source-${release%%.0-*}=$version" busybox-static) >>"$work/log" 2>&1 ||
    failed "apt could not fetch the kernel linux-image-$release $version, or its source and headers"
# shellcheck disable=SC2086
apt-get -q -y --download-only install '?essential' $packages >>"$work/log" 2>&1 || failed "apt could not fetch the root file system's packages"
unset APT_CONFIG

# 2. The driver. Debian's headers expect to be in /usr/src, and bring no modpost for this machine; the package linux-kbuild does.
say "building tpm_tis, the driver for the emulator's TPM, for Linux $release ($version)"
for package in "$work"/kernel/linux-image* "$work"/kernel/linux-headers* "$work"/kernel/busybox*; do
    dpkg-deb --extract "$package" "$work/unpacked"
done
headers=$work/unpacked/usr/src/linux-headers-$release
sed -i "s|^include /|include $work/unpacked/|" "$headers/Makefile"
ln -s "/usr/lib/linux-kbuild-${release%%.0-*}" "$work/unpacked/usr/lib/"
mkdir "$work/tpm_tis"
# The archive is 135 MB of xz, and three of its files are wanted.
(dpkg-deb --fsys-tarfile "$work"/kernel/linux-source* | tar -x -f - -O --wildcards '*.tar.xz' |
    tar -x -J -f - -C "$work/tpm_tis" --strip-components=4 --wildcards '*/drivers/char/tpm/tpm_tis.c' '*/drivers/char/tpm/*.h') 2>>"$work/log" ||
    failed "the kernel's source cannot be unpacked"
# modpost, built for this machine, takes a 32-bit module's tables of devices for its own 64-bit ones. The one entry that counts is said in words
# instead: by it udev loads the driver, as it would a board's.
sed -i '/^MODULE_DEVICE_TABLE/d' "$work/tpm_tis/tpm_tis.c"
echo 'MODULE_ALIAS("of:N*T*Ctcg,tpm-tis-mmio*");' >>"$work/tpm_tis/tpm_tis.c"
echo 'obj-m := tpm_tis.o' >"$work/tpm_tis/Makefile"
make -C "$headers" DEB_BUILD_ARCH="$(dpkg --print-architecture)" DEB_HOST_ARCH=armhf DEB_HOST_GNU_TYPE=arm-linux-gnueabihf M="$work/tpm_tis" >>"$work/log" 2>&1 ||
    failed "the driver could not be built"

# 3. The modules that are wanted, and the initrd, which loads those for the disk.
modules=lib/modules/$release
mkdir -p "$work/unpacked/$modules/extra"
cp "$work/tpm_tis/tpm_tis.ko" "$work/unpacked/$modules/extra"
depmod -b "$work/unpacked" "$release"
# take ROOT MODULE...: with what they depend on
take() {
    for module in "$@"; do
        [ "$module" = "$1" ] || modprobe -d "$work/unpacked" -S "$release" --show-depends "$module"
    done | sed -n "s|^insmod .*/$modules/\([^ ]*\).*|\1|p" | sort -u >"$work/list"
    while read -r file; do
        mkdir -p "$1/$modules/$(dirname "$file")"
        cp "$work/unpacked/$modules/$file" "$1/$modules/$file"
    done <"$work/list"
    cp "$work/unpacked/$modules"/modules.builtin* "$work/unpacked/$modules/modules.order" "$1/$modules"
    depmod -b "$1" "$release"
}
initrd=$work/initrd.root
mkdir -p "$initrd/bin" "$initrd/dev" "$initrd/proc" "$initrd/sys" "$initrd/root"
cp "$work/unpacked/bin/busybox" "$initrd/bin"
ln -s busybox "$initrd/bin/sh"
cp "$here/init-debian" "$initrd/init"
take "$initrd" virtio_mmio virtio_blk crc32c_generic ext4
(cd "$initrd" && find . | cpio --quiet --create --format newc --owner 0:0) >"$work/initrd"

# 4. What is the machine's own: its name, its network, the modules, and the service that runs run-debian.sh's command.
extra=$work/extra
mkdir -p "$extra/etc/systemd/network" "$extra/etc/systemd/system/systemd-udev-trigger.service.d" "$extra/usr/lib"
take "$extra/usr" virtio_mmio virtio_net virtio_console virtio_rng tpm_tis af_alg algif_rng jitterentropy_rng autofs4
echo board >"$extra/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 board\n' >"$extra/etc/hosts"
echo 'LABEL=board / ext4 defaults 0 0' >"$extra/etc/fstab"
printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n' >"$extra/etc/systemd/network/ether.network"
# At boot udev goes through all devices. Half of them are terminals that nobody looks at, each a twentieth of a second.
cat >"$extra/etc/systemd/system/systemd-udev-trigger.service.d/no-terminals.conf" <<'UDEV'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=all --action=add --prioritized-subsystem=module,block,tpmrm,net --subsystem-nomatch=tty --subsystem-nomatch=vc
UDEV
cat >"$extra/etc/systemd/system/test.service" <<'TEST'
[Unit]
Description=The command of run-debian.sh
After=multi-user.target
DefaultDependencies=no
[Service]
Type=exec
WorkingDirectory=/root
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
ExecStart=/bin/sh -c 'rm -rf /run/test && mkdir /run/test && cd /run/test && tar -x -f /dev/disk/by-id/virtio-command && exec sh ./run'
[Install]
WantedBy=multi-user.target
TEST

# 5. The root file system.
say "unpacking and configuring $(find "$work/apt/cache/archives" -name '*.deb' | wc -l) packages"
"$here/armhf.sh" "$0" --inside "$work" >>"$work/log" 2>&1 || failed "the root file system could not be made"

rm -f "$stamp"
mv "$work/unpacked/boot/vmlinuz-$release" "$directory/kernel"
mv "$work/initrd" "$work/root.tar" "$work/disk" "$directory"
echo "$wanted" >"$stamp"
say "Debian for the board, with Linux $release, is in $directory; made in $(($(date +%s) - started)) s"
