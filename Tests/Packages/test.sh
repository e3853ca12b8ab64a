#!/bin/sh
# Judges the Debian packages in .build-packages: lintian, what they hold, what they depend on; those for amd64 are installed, upgraded,
# removed, installed again and purged in a fresh Debian 12, one by one, with nothing there but what they depend on; the programs for
# armhf run under an emulated Cortex-A8, with the libraries of the SDK.
#
# At the end piuparts, Debian's own tool for this, judges them together.
#
# usage: test.sh
#
# The fresh Debian is made once, in .build-packages/root; to have it made anew, remove it. That, and the installations, need root, the
# network, and some minutes the first time. Without root they are left out, and it is said; where CI is true, that is a failure.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
packages=$project/.build-packages
sdk=$project/.build-board/sdk
sysroot=$sdk/bbb.artifactbundle/bbb/sysroot
root=$packages/root
say() { echo "test-packages: $*"; }
place=$(mktemp -d "$packages/test.XXXXXX")
trap 'rm -rf "$place"' EXIT
trap 'exit 1' HUP INT TERM

. "$project/Tests/checks.sh"
attempt() { "$@" >"$place/output" 2>&1; }
told() { cat "$place/output"; }
# usage: same EXPECTED FOUND, two files.
same() { diff -u "$1" "$2"; }
not() { ! "$@"; }
# usage: is EXPECTED COMMAND...
is() {
    expected=$1
    shift
    found=$("$@") || return 1
    [ "$found" = "$expected" ] || { echo "\"$expected\" is expected, \"$found\" was found"; return 1; }
}

# 1. Each package as a file.

holds() {
    awk -v package="$1" -v architecture="$2" '$1 == package && ($2 == "any" || $2 == architecture) { print $3, $4 }' \
        "$here/contents.text" | LC_ALL=C sort >"$place/expected"
    (cd "$place/files" && find . -type f ! -path './usr/share/doc/*' -printf '%m /%P\n') | LC_ALL=C sort >"$place/found"
    same "$place/expected" "$place/found"
}
belongs_to_root() {
    dpkg-deb --contents "$1" >"$place/contents"
    awk '$2 != "root/root" || $1 !~ /^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|lrwxrwxrwx)$/ { print; bad = 1 } END { exit bad }' "$place/contents"
}
has_conffiles() {
    (cd "$place/files" && find . -path './etc/*' -type f -printf '/%P\n') | LC_ALL=C sort >"$place/expected"
    if [ -f "$place/control/conffiles" ]; then LC_ALL=C sort "$place/control/conffiles"; fi >"$place/found"
    same "$place/expected" "$place/found"
}
described() {
    dpkg-deb --field "$1" Description >"$place/description"
    awk 'NR == 1 && (length > 60 || /\.$/ || /^(A|An|The) /) { print "synopsis: " $0; bad = 1 }
        NR > 1 && length > 80 { print "long line: " $0; bad = 1 }
        END { if (NR < 3) { print "no long description"; bad = 1 } exit bad }' "$place/description"
}
documented() {
    for name in copyright changelog.gz; do
        [ -s "$place/files/usr/share/doc/$1/$name" ] || { echo "no $name"; return 1; }
    done
    gzip -dc "$place/files/usr/share/doc/$1/changelog.gz" | dpkg-parsechangelog --file - --show-field Source | grep -qx entropyshare
}
renders() {
    for page in "$place"/files/usr/share/man/man*/*.gz; do
        gzip -dc "$page" >"$place/page"
        # mandoc says where it is not sure what is meant; man warns where groff is not.
        mandoc -T lint -W error "$place/page" || { echo "${page##*/}: mandoc"; return 1; }
        MANROFFSEQ='' MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 "$place/page" 2>"$place/warnings" >"$place/rendered"
        [ ! -s "$place/warnings" ] || { echo "${page##*/}:"; cat "$place/warnings"; return 1; }
        grep -qi "^$(basename "$page" | cut -d . -f 1)(" "$place/rendered" || { echo "${page##*/}: nothing was rendered"; return 1; }
    done
}
# Every program has a page of its own, and so has every completion its program.
has_pages() {
    for program in "$place"/files/usr/bin/* "$place"/files/usr/sbin/*; do
        [ -f "$program" ] || continue
        name=${program##*/}
        ls "$place"/files/usr/share/man/man?/"$name".?.gz >/dev/null || return 1
        bash -n "$place/files/usr/share/bash-completion/completions/$name" || return 1
    done
}
# usage: met_for_the_board DEPENDS. Each package that is depended on is in the SDK, which is made of Debian's own, in a version that
# will do; and each library that a program names is from one of them. Those that are no libraries to link with are not in the SDK.
met_for_the_board() {
    echo "$1" | tr ',' '\n' | sed 's/|.*//' | while read -r name version; do
        case $name in libtss2-tcti-device0 | tpm-udev | systemd | entropyshare-*) continue ;; esac
        there=$(dpkg-query --admindir="$sdk/dpkg" --show --showformat '${Version}\n' "$name:armhf" 2>/dev/null) ||
            { echo "$name is not among the packages of the SDK"; exit 1; }
        version=$(echo "$version" | tr -d '()')
        # shellcheck disable=SC2086
        [ -z "$version" ] || dpkg --compare-versions "$there" $version || { echo "$name: $there, and not $version"; exit 1; }
    done || return 1
    for program in "$place"/files/usr/bin/*; do
        for library in $(objdump -p "$program" 2>/dev/null | awk '$1 == "NEEDED" { print $2 }'); do
            found=$(grep -lE "/$library\$" "$sdk"/dpkg/info/*.list | sed 's|.*/||; s/[:.].*list$//; s/:armhf//' | head -n 1)
            echo "$1" | grep -qw "$found" || { echo "${program##*/} needs $library of ${found:-no package}, which is not depended on"; return 1; }
        done
    done
}
runs_on_the_board() {
    for program in "$place"/files/usr/bin/*; do
        for option in --version --help; do
            timeout 60 qemu-arm-static -cpu cortex-a8 -L "$sysroot" \
                -E LD_LIBRARY_PATH="$sysroot/lib/arm-linux-gnueabihf:$sysroot/usr/lib/arm-linux-gnueabihf" "$program" "$option" ||
                { echo "${program##*/} $option failed"; return 1; }
        done
    done
}
overlays_are_overlays() {
    for overlay in "$place"/files/usr/lib/entropyshare/overlays/*.dtbo; do
        dtc -q -I dtb -O dts "$overlay" | grep -q __overlay__ || { echo "$overlay"; return 1; }
    done
    sh -n "$place/files/usr/sbin/entropyshare-setup"
}

for package in source_amd64 sink_amd64 tools_amd64 source_armhf tools_armhf; do
    ls "$packages"/entropyshare-"${package%_*}"_*_"${package#*_}".deb >/dev/null 2>&1 ||
        { say "make packages has to run before; there is no entropyshare-$package"; exit 1; }
done
version=$(dpkg-parsechangelog --file "$project/provisioning/debian/changelog" --show-field Version)
for file in "$packages"/*.deb; do
    case=${file##*/}
    say "$case"
    package=$(dpkg-deb --field "$file" Package)
    architecture=$(dpkg-deb --field "$file" Architecture)
    rm -rf "$place/files" "$place/control"
    dpkg-deb --extract "$file" "$place/files"
    dpkg-deb --control "$file" "$place/control"
    check "lintian" lintian --allow-root --fail-on error,warning "$file"
    check "version" is "$version" dpkg-deb --field "$file" Version
    check "what it holds" holds "$package" "$architecture"
    check "owners and modes" belongs_to_root "$file"
    check "conffiles" has_conffiles
    check "description" described "$file"
    check "copyright and changelog" documented "$package"
    check "pages and completions" has_pages
    check "manual pages render" renders
    if [ "$architecture" = armhf ]; then
        check "dependencies on the board" met_for_the_board "$(dpkg-deb --field "$file" Depends)"
        check "under an emulated Cortex-A8" runs_on_the_board
        [ "$package" != entropyshare-source ] || check "overlays and setup" overlays_are_overlays
    fi
done

# 2. The packages for amd64 in a fresh Debian.

if [ "$(id -u)" -ne 0 ]; then
    if [ "${CI:-}" = true ]; then
        failed=$((failed + 1))
        say "FAILED: installation in a fresh Debian: CI is true, and this is not root"
    fi
    conclude "without installation in a fresh Debian, which needs root"
    exit
fi
if [ ! -f "$root.complete" ]; then
    say "making a fresh Debian 12 in $root (a minute or two)"
    rm -rf "$root"
    if ! { debootstrap --variant=minbase bookworm "$root" && cp /etc/resolv.conf "$root/etc/" && chroot "$root" apt-get -q update; } \
        >"$packages/root.log" 2>&1; then
        tail -n 20 "$packages/root.log" >&2
        say "debootstrap failed; the whole log is $packages/root.log"
        exit 1
    fi
    touch "$root.complete"
fi
debian=$place/debian
# What is mounted goes away with the command.
inside() {
    unshare --mount sh -c 'mount -t proc proc "$1/proc"; root=$1; shift; exec chroot "$root" "$@"' sh "$debian" \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}
# As on a machine with systemd: what packages ask of it is written down, and nothing is started. What only changes files is done.
stand_in() {
    mkdir -p "$debian/run/systemd/system"
    cat >"$debian/usr/local/sbin/systemctl" <<'SYSTEMCTL'
#!/bin/sh
case "$*" in --root=*) exec /bin/systemctl "$@" ;; esac
echo "$*" >>/run/asked
case " $* " in *" is-enabled "*) echo enabled ;; esac
SYSTEMCTL
    chmod +x "$debian/usr/local/sbin/systemctl"
}
asked() { grep -qx -- "$*" "$debian/run/asked" || { cat "$debian/run/asked"; return 1; }; }
# usage: photograph FILE. Every file with its kind, mode, owner and, if it is one of settings, its contents; and users and groups.
photograph() {
    (
        cd "$debian"
        find . -xdev \( -path ./proc -o -path ./sys -o -path ./run -o -path ./tmp -o -path ./var/log -o -path ./var/cache \
            -o -path ./var/lib/apt -o -path './var/lib/dpkg/*-old' -o -path './etc/*-' -o -path ./etc/.pwd.lock \) -prune -o -printf '%M %U %G %p -> %l\n' | LC_ALL=C sort
        find etc var/lib/systemd var/lib/dpkg/alternatives var/lib/dpkg/diversions -type f \
            ! -name '*-' ! -name .pwd.lock ! -name shadow ! -name gshadow -exec md5sum {} + | LC_ALL=C sort -k 2
        cat etc/passwd etc/group
    ) >"$1"
}
# The users stay, as Debian's own packages leave theirs: files may still be theirs. All else is as before.
nothing_left() {
    photograph "$place/after"
    for file in before after; do
        grep -vE "etc/(passwd|group|subuid|subgid)$|^entropy-(source|sink):|^tss:" "$place/$file" >"$place/$file.rest"
    done
    same "$place/before.rest" "$place/after.rest"
}
# The same package in a later version, with other defaults.
later() {
    rm -rf "$place/later"
    dpkg-deb --raw-extract "$1" "$place/later"
    sed -i "s/^Version: .*/Version: $version+later/" "$place/later/DEBIAN/control"
    for file in "$place"/later/etc/default/*; do [ ! -f "$file" ] || echo "# New in this version." >>"$file"; done
    (cd "$place/later" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -Znone --build "$place/later" "$debian/tmp/later.deb"
}
tools_work() {
    inside sh -euc 'cd /tmp; curve25519gen -o one; entropy-target -a sink.example.org:9437 -k one.pub --append targets.json
        entropy-config -k one.key -s signer.pub >config.json; rsagen --help >/dev/null; test -s targets.json; test -s config.json'
}

for file in "$packages"/*_"$version"_amd64.deb; do
    case="${file##*/} in a fresh Debian"
    say "$case"
    package=$(dpkg-deb --field "$file" Package)
    program=entropy-${package#entropyshare-}
    rm -rf "$debian"
    cp -a "$root" "$debian"
    check "what it depends on is to be had" inside apt-get -q -y --no-install-recommends satisfy "$(dpkg-deb --field "$file" Depends)"
    cp "$debian"/var/cache/apt/archives/*.deb "$root/var/cache/apt/archives/" 2>/dev/null || true
    stand_in
    cp "$file" "$debian/tmp/this.deb"
    check "make a later version" later "$file"
    openssl genrsa 2048 2>/dev/null | openssl rsa -pubout -out "$debian/tmp/signer.pub" 2>/dev/null
    photograph "$place/before"

    check "install" inside dpkg --install /tmp/this.deb
    for path in "$debian"/usr/bin/entropy-* "$debian"/usr/bin/rsagen "$debian"/usr/bin/curve25519gen; do
        [ -x "$path" ] || continue
        check "${path##*/} --version" inside "${path##*/}" --version
        check "${path##*/} --help" inside "${path##*/}" --help
    done
    case $package in
    entropyshare-tools) check "the tools make their files" tools_work ;;
    *)
        check "owner of the state" is "700 $program $program" inside stat -c '%a %U %G' "/var/lib/$program"
        check "the user cannot log in" is "$program:/var/lib/$program:/usr/sbin/nologin" \
            sh -c "grep '^$program:' '$debian/etc/passwd' | cut -d : -f 1,6,7"
        check "the unit is enabled" test -L "$debian/etc/systemd/system/multi-user.target.wants/$program.service"
        check "the unit is started, where its condition lets it" asked "--quiet --system start $program.service"
        check "the unit does nothing without its files" grep -q '^ConditionPathExists=/' "$debian/lib/systemd/system/$program.service"
        echo "OPTIONS=--interval 1h" >"$debian/etc/default/$program"
        echo mine >"$debian/var/lib/$program/of-the-administrator"
        ;;
    esac
    case $package in
    entropyshare-source) check "the user may use the TPM" inside sh -c "id -nG $program | grep -qw tss" ;;
    entropyshare-sink)
        check "owner of the configuration" is "750 root $program" inside stat -c '%a %U %G' /etc/entropy-sink
        # The tools are not there: the configuration is made with those of make packages.
        tools=$packages/amd64/entropyshare/programs
        (cd "$debian/tmp" && "$tools/curve25519gen" -o one >/dev/null 2>&1 && "$tools/entropy-config" -k one.key -s signer.pub \
            --state /var/lib/entropy-sink/counters.json >"$debian/etc/entropy-sink/config.json")
        inside chown root:entropy-sink /etc/entropy-sink/config.json
        chmod 640 "$debian/etc/entropy-sink/config.json"
        check "a configuration is read by the service's user" inside setpriv --reuid entropy-sink --regid entropy-sink --clear-groups \
            sh -c 'cd /var/lib/entropy-sink && exec entropy-sink --file /etc/entropy-sink/config.json --check'
        check "the configuration is hidden from others" not inside setpriv --reuid nobody --regid nogroup --clear-groups \
            cat /etc/entropy-sink/config.json
        ;;
    esac

    rm -f "$debian/run/asked"
    check "upgrade" inside dpkg --force-confold --install /tmp/later.deb
    check "the later version is there" is "$version+later" inside dpkg-query --show --showformat '${Version}' "$package"
    if [ "$package" != entropyshare-tools ]; then
        check "changed options are kept" grep -qx "OPTIONS=--interval 1h" "$debian/etc/default/$program"
        check "new defaults are beside them" grep -q "New in this version" "$debian/etc/default/$program.dpkg-dist"
        check "the state is kept" grep -q mine "$debian/var/lib/$program/of-the-administrator"
        check "the unit is restarted" asked "--quiet --system restart $program.service"
        check "the unit is not stopped before" not asked "stop $program.service"
        # An administrator who has disabled it does not find it enabled by the next upgrade.
        inside systemctl --root=/ --quiet disable "$program.service"
        check "upgrade again" inside dpkg --force-confold --install /tmp/later.deb
        check "a disabled unit stays disabled" not test -L "$debian/etc/systemd/system/multi-user.target.wants/$program.service"
        inside systemctl --root=/ --quiet enable "$program.service"
    fi

    rm -f "$debian/run/asked"
    check "remove" inside dpkg --remove "$package"
    check "no program is left" not ls "$debian/usr/bin/$program" "$debian/usr/bin/rsagen"
    if [ "$package" != entropyshare-tools ]; then
        check "the unit is stopped" asked "stop $program.service"
        check "removal keeps the state" grep -q mine "$debian/var/lib/$program/of-the-administrator"
        check "removal keeps the options" grep -qx "OPTIONS=--interval 1h" "$debian/etc/default/$program"
        [ "$package" != entropyshare-sink ] || check "removal keeps the configuration" test -s "$debian/etc/entropy-sink/config.json"
    fi
    check "install after removal" inside dpkg --force-confold --install /tmp/this.deb
    if [ "$package" != entropyshare-tools ]; then
        check "enabled again" test -L "$debian/etc/systemd/system/multi-user.target.wants/$program.service"
        check "the state is its owner's as before" is "700 $program $program" inside stat -c '%a %U %G' "/var/lib/$program"
    fi
    check "purge" inside dpkg --purge "$package"
    check "nothing is left behind" nothing_left
    check "install after purge" inside dpkg --install /tmp/this.deb
    check "purge without removal before" inside dpkg --purge "$package"
    check "nothing is left behind again" nothing_left
done

# 3. Debian's own judge of the same, all three together. What it does not forgive systemd, which the packages bring along, is left out.
case="all three together"
say "$case, by piuparts"
piuparts_passes() {
    set --
    for path in /root/.ssh/ /var/cache/private/ /var/lib/private/ /var/lib/systemd/coredump/ /var/lib/systemd/pstore/ /var/log/private/; do
        set -- "$@" --ignore "$path"
    done
    timeout 600 piuparts --existing-chroot "$root" --distribution bookworm --keep-sources-list --no-eatmydata --skip-logrotatefiles-test \
        --tmpdir "$place" --log-file "$packages/piuparts.log" "$@" "$packages"/*_"$version"_amd64.deb >/dev/null 2>&1 ||
        { grep -A 9 ERROR "$packages/piuparts.log" || true; echo "the whole log is $packages/piuparts.log"; return 1; }
}
check "piuparts" piuparts_passes
conclude
