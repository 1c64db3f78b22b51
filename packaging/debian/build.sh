#!/bin/bash
# Makes a Debian package of a program that was built: `make deb`.
#
#   packaging/debian/build.sh PROGRAM FOLDER      PROGRAM: .build/release/scaleodm; FOLDER: where the package goes
#
# The manual page and the completions come from the program itself, its dependencies from what it is linked against.
# The package is the same, byte for byte, for the same program and commit. Prints the path of the package.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: packaging/debian/build.sh PROGRAM FOLDER" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$(realpath "$1")
mkdir -p "$2"
target=$(realpath "$2")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/debian/scaleodm
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}
umask 022

version=$("$program" --version | sed -n 's/^scaleodm \([0-9][0-9A-Za-z.+~]*\)$/\1/p')
[ -n "$version" ] || { echo "build.sh: $program tells no version" >&2; exit 1; }
architecture=$(dpkg --print-architecture)

# put MODE SOURCE TARGET
put() { install -D --mode="$1" "$2" "$tree/$3"; }

put 755 "$program" usr/bin/scaleodm
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/scaleodm" 2>/dev/null || true
put 644 "$root/packaging/systemd/scaleodm.service" usr/lib/systemd/system/scaleodm.service
put 640 "$here/gateway.yaml" etc/scaleodm/gateway.yaml
put 600 "$here/environment" etc/scaleodm/environment
put 644 "$root/config/gateway.example.yaml" usr/share/doc/scaleodm/examples/gateway.example.yaml
put 644 "$root/config/minimal.yaml" usr/share/doc/scaleodm/examples/minimal.yaml
put 644 "$here/lintian-overrides" usr/share/lintian/overrides/scaleodm

"$program" man | gzip -9n >"$work/scaleodm.1.gz"
put 644 "$work/scaleodm.1.gz" usr/share/man/man1/scaleodm.1.gz
"$program" completions bash >"$work/bash" && put 644 "$work/bash" usr/share/bash-completion/completions/scaleodm
"$program" completions zsh >"$work/zsh" && put 644 "$work/zsh" usr/share/zsh/vendor-completions/_scaleodm
"$program" completions fish >"$work/fish" && put 644 "$work/fish" usr/share/fish/vendor_completions.d/scaleodm.fish

{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: scaleodm"
    echo
    echo "Files: *"
    echo "Copyright: $(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y) the ScaleODM contributors"
    echo "License: Apache-2.0"
    echo " Licensed under the Apache License, Version 2.0; on Debian systems it is in"
    echo " /usr/share/common-licenses/Apache-2.0."
} >"$work/copyright"
put 644 "$work/copyright" usr/share/doc/scaleodm/copyright
{
    echo "scaleodm ($version) stable; urgency=medium"
    echo
    echo "  * Built from the sources: their CHANGELOG.md tells what is new."
    echo
    echo " -- ScaleODM <scaleodm@example.org>  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$work/changelog.gz"
put 644 "$work/changelog.gz" usr/share/doc/scaleodm/changelog.gz

# What it is linked against, with the versions that have every symbol of it.
printf 'Source: scaleodm\nPackage: scaleodm\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "debian/scaleodm/usr/bin/scaleodm" 2>"$work/shlibdeps.log" \
    | sed -n 's/^shlibs:Depends=//p') || { cat "$work/shlibdeps.log" >&2; exit 1; }

mkdir -p "$tree/DEBIAN"
for script in postinst prerm postrm; do install --mode=755 "$here/$script" "$tree/DEBIAN/$script"; done
printf '/etc/scaleodm/gateway.yaml\n/etc/scaleodm/environment\n' >"$tree/DEBIAN/conffiles"
size=$(du --summarize --apparent-size --block-size=1024 --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
    -e "s/@DEPENDS@/${depends:+$depends, }adduser, ca-certificates/" "$here/control.in" >"$tree/DEBIAN/control"
(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) \
    >"$tree/DEBIAN/md5sums"
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

package=$target/scaleodm_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >/dev/null
echo "$package"
