#!/bin/bash
# Installs the Debian packages that a part of the project needs; says nothing when all are there.
#
#   scripts/install-packages.sh [--check] GROUP…      groups: build, test, venv, bench, deb
#
# As root, or with sudo where that asks no question, it installs what is missing; otherwise, and with --check, it names it.
# Exit code 0: all are there now; 1: some are missing or could not be installed; 2: wrong usage.
set -euo pipefail

build_packages=(libcurl4-openssl-dev libyaml-dev libpq-dev libsqlite3-dev libssl-dev zlib1g-dev libarchive-dev libexpat1-dev pkg-config)
# prometheus brings promtool, which checks metrics and alerts; nothing needs its service.
# chromium shows the web pages to the tests.
test_packages=(postgresql python3-venv curl unzip zip openssl prometheus chromium)
bench_packages=(wrk curl)
deb_packages=(dpkg-dev binutils lintian git)
# What judges the packaging, in the tests.
judge_packages=(docker-compose systemd dpkg-dev binutils gcc libc6-dev lintian man-db mandoc zsh fish)

check_only=no
wanted=()
for argument in "$@"; do
    case "$argument" in
    --check) check_only=yes ;;
    build) wanted+=("${build_packages[@]}") ;;
    venv) wanted+=(python3-venv) ;;
    test) wanted+=("${test_packages[@]}" "${judge_packages[@]}") ;;
    deb) wanted+=("${deb_packages[@]}") ;;
    bench)
        wanted+=("${bench_packages[@]}")
        # Any build of nginx with the dav module will do: the upload benchmark stores by PUT.
        if ! PATH="$PATH:/usr/sbin" command -v nginx >/dev/null \
            || ! PATH="$PATH:/usr/sbin" nginx -V 2>&1 | grep -q http_dav_module; then
            wanted+=(nginx-light)
        fi
        ;;
    *)
        echo "install-packages.sh: unknown group '$argument' (build, test, venv, bench or deb)" >&2
        exit 2
        ;;
    esac
done
if [ ${#wanted[@]} -eq 0 ]; then
    echo "usage: scripts/install-packages.sh [--check] build|test|venv|bench|deb …" >&2
    exit 2
fi

if [[ " $* " == *" build "* ]] && ! command -v "${SWIFT:-swift}" >/dev/null; then
    echo "The Swift toolchain (6.2 or later) is not in PATH; get it from https://www.swift.org/install/linux/." >&2
    exit 1
fi

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

privilege=()
if [ "$(id -u)" -ne 0 ]; then
    if [ "$check_only" = no ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        privilege=(sudo -n)
    else
        check_only=yes
    fi
fi
if [ "$check_only" = yes ]; then
    echo "Missing Debian packages: ${missing[*]}" >&2
    echo "Install them with:  sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

echo "Installing Debian packages: ${missing[*]}"
install() {
    "${privilege[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
        --yes --quiet=2 --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists may be old or absent: try, refresh them, try again.
if ! install; then
    "${privilege[@]}" apt-get update --quiet=2 </dev/null >"$log" 2>&1 || true
    if ! install; then
        cat "$log" >&2
        echo "Could not install: ${missing[*]}" >&2
        exit 1
    fi
fi
