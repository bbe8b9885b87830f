#!/bin/sh
# Install missing Debian packages required by Qt and MediaPipe (as root or with sudo).
# On other systems, print the required packages and continue. Usage: install_system_packages.sh [EXTRA_PACKAGE ...]
set -eu

packages="
libglib2.0-0 libgl1 libegl1 libxkbcommon0 libfontconfig1 libdbus-1-3 libgles2
libpulse0 libxrandr2 libxext6 libdrm2 libgssapi-krb5-2
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0
fonts-dejavu-core
$*"

${PYTHON:-python3} -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if [ "$(uname)" = Linux ]; then
        echo "This is not a Debian system. If a library is missing, install your system's equivalent of:" $packages
    fi
    exit 0
fi

missing=""
for package in $packages; do
    # Debian 13 and Ubuntu 24.04 rename some of them to PACKAGEt64
    if ! dpkg-query -W -f='${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q '^install ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "Debian packages are missing, and installing them needs root or sudo. Install them, then run this again:"
    echo "    apt-get install$missing"
    exit 1
fi
echo "Installing Debian packages:$missing"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
