#!/bin/sh
# Compiles the device-tree overlays for a TPM on SPI0 of the BeagleBone Black: two makers of chips, and two forms of base.
#
# usage: make-overlays.sh DIRECTORY
set -eu

say() { echo "make-overlays: $*" >&2; }
here=$(cd "$(dirname "$0")" && pwd)/overlays
mkdir -p "$1"
for source in "$here"/*.dts; do
    name=$(basename "$source" .dts)
    # What only the tree that they are merged into can show is not asked for: how many cells its nodes have.
    dtc -@ -I dts -O dtb -i "$here" -W no-avoid_default_addr_size -o "$1/$name.dtbo" "$source" 2>"$1/log" || {
        cat "$1/log" >&2
        say "dtc refuses $source"
        exit 1
    }
    # A warning is a mistake, here.
    [ ! -s "$1/log" ] || { cat "$1/log" >&2; say "dtc warns of $source"; exit 1; }
done
rm "$1/log"
