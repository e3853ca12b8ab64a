#!/bin/sh
# Merges the overlays into the device tree that Debian's kernel for the board brings along, and looks at each node; and into the same
# with the symbols and pin nodes that BeagleBoard's images have. dtc, fdtoverlay and fdtget are the judges.
#
# usage: test.sh OVERLAYS. The device tree is fetched once and kept in .build-devicetree.
set -eu

overlays=$(cd "$1" && pwd)
project=$(cd "$(dirname "$0")/../.." && pwd)
directory=$project/.build-devicetree
base=$directory/am335x-boneblack.dtb
say() { echo "test-devicetree: $*"; }
. "$project/provisioning/bbb/apt-foreign.sh"

if [ ! -f "$base" ]; then
    say "fetching Debian's kernel for the board (36 MB), for its device tree"
    rm -rf "$directory"
    mkdir -p "$directory/packages"
    prepare_apt "$directory/apt"
    kernel=$(apt-cache depends linux-image-armmp | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
    (cd "$directory/packages" && apt-get -q download "$kernel" >>"$directory/apt/log" 2>&1) ||
        { tail -n 5 "$directory/apt/log" >&2; say "apt could not fetch the kernel"; exit 1; }
    dpkg-deb --fsys-tarfile "$directory"/packages/*.deb |
        tar --extract --to-stdout --wildcards '*/am335x-boneblack.dtb' >"$directory/new"
    rm -rf "$directory/packages" "$directory/apt"
    mv "$directory/new" "$base"
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
. "$project/Tests/checks.sh"
# usage: has NODE PROPERTY TYPE VALUE
has() { check "$1 $2 is $4, not $(fdtget -t "$3" "$merged" "$1" "$2" 2>&1)" test "$(fdtget -t "$3" "$merged" "$1" "$2" 2>/dev/null)" = "$4"; }
decompile() { dtc -q -s -I dtb -O dts "$1" 2>/dev/null; }
# What a device tree says, a line for each property with the path of its node, without the numbers that dtc gives to nodes.
listed() {
    decompile "$1" | awk '
        /\{$/ { path[++depth] = $(NF - 1); next }
        /^[\t ]*\};$/ { depth--; next }
        NF { where = ""; for (i = 2; i <= depth; i++) where = where "/" path[i]; sub(/^[\t ]+/, ""); print where " " $0 }' |
        grep -v ' phandle = ' | sort
}

ocp=/ocp
pinmux=$ocp/interconnect@44c00000/segment@200000/target-module@10000/scm@0/pinmux@800
spi=$ocp/interconnect@48000000/segment@0/target-module@30000/spi@0

# usage: judge OVERLAY BASE CHIP: the merged tree has the TPM, and nothing else that is new.
judge() {
    case=$1
    merged=$place/$1.dtb
    fdtoverlay -i "$2" -o "$merged" "$overlays/$1.dtbo" 2>"$place/errors" || true
    check "it merges: $(cat "$place/errors")" test -s "$merged"
    has "$spi" status s okay
    has "$spi" pinctrl-names s default
    has "$spi" pinctrl-0 x "$(fdtget -t x "$merged" "$pinmux/tpm-spi0-pins" phandle)"
    has "$spi" '#address-cells' u 1
    has "$spi" '#size-cells' u 0
    has "$spi/tpm@0" compatible s "$3 tcg,tpm_tis-spi"
    has "$spi/tpm@0" reg u 0
    has "$spi/tpm@0" spi-max-frequency u 10000000
    check "SPI mode 0" test -z "$(fdtget -p "$merged" "$spi/tpm@0" | grep cph)"
    # From the pads' own addresses, 0x44e10800 and on in the AM335x's reference manual: conf_spi0_sclk, d0, d1, cs0.
    has "$pinmux/tpm-spi0-pins" pinctrl-single,pins x "150 28 0 154 28 0 158 28 0 15c 30 0"
    check "the group has three words for each pin, as its controller counts" test "$(fdtget -t u "$merged" "$pinmux" '#pinctrl-cells')" = 2
    listed "$2" >"$place/before"
    listed "$merged" >"$place/after"
    comm -13 "$place/before" "$place/after" | grep -vE "^($spi|$pinmux/tpm-spi0-pins|/__symbols__|$ocp/P9_(17|18|21|22)_pinmux)" >"$place/stray" || true
    check "nothing else is new: $(head -n 3 "$place/stray")" test ! -s "$place/stray"
    comm -23 "$place/before" "$place/after" | grep -vE "^$spi status|^$ocp/P9_(17|18|21|22)_pinmux status" >"$place/gone" || true
    check "nothing is gone: $(head -n 3 "$place/gone")" test ! -s "$place/gone"
    # Merged once more it is the same, but for the number by which one node names the other.
    fdtoverlay -i "$merged" -o "$merged.twice" "$overlays/$1.dtbo" 2>/dev/null || true
    for tree in "$merged" "$merged.twice"; do listed "$tree" | grep -v "^$spi pinctrl-0 "; done >"$place/both"
    check "twice is once" test -z "$(sort "$place/both" | uniq -u)"
}

# 1. Debian's own.
case=base
merged=$base
has / compatible s "ti,am335x-bone-black ti,am335x-bone ti,am33xx"
has "$spi" status s disabled
check "it has no symbols" test "$(fdtget -l "$base" / | grep -c __symbols__)" = 0
judge debian-tpm-spi0-infineon "$base" infineon,slb9670
judge debian-tpm-spi0-st "$base" st,st33htpm-spi

# 2. As on BeagleBoard's images: the same tree with symbols, and with the nodes that hold the header's pins.
{
    decompile "$base"
    cat <<END
&{$ocp} {
$(for pin in 17 18 21 22 23; do printf '\tP9_%s_pinmux { compatible = "bone-pinmux-helper"; status = "okay"; };\n' $pin; done)
};
END
} | sed "s/^\tocp {/\tocp: ocp {/; s/pinmux@800 {/am33xx_pinmux: pinmux@800 {/" |
    awk '/target-module@30000 \{/ { inside++ } /spi@0 \{/ && inside { sub(/spi@0/, "spi0: spi@0"); inside = 0 } { print }' >"$place/symbols.dts"
dtc -q -@ -I dts -O dtb -o "$place/symbols.dtb" "$place/symbols.dts" 2>"$place/errors" || { cat "$place/errors" >&2; exit 1; }
case=base-with-symbols
merged=$place/symbols.dtb
has /__symbols__ spi0 s "$spi"
has /__symbols__ am33xx_pinmux s "$pinmux"
judge BB-TPM-SPI0-infineon "$place/symbols.dtb" infineon,slb9670
for pin in 17 18 21 22; do has "$ocp/P9_${pin}_pinmux" status s disabled; done
has "$ocp/P9_23_pinmux" status s okay
judge BB-TPM-SPI0-st "$place/symbols.dtb" st,st33htpm-spi

# 3. Why there are two forms.
for chip in infineon st; do
    case=BB-TPM-SPI0-$chip
    check "not for a tree without symbols" sh -c "! fdtoverlay -i '$base' -o '$place/none' '$overlays/$case.dtbo' 2>/dev/null"
done

conclude
