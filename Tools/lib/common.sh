# Shared by the scripts in Tools: where the house is, how to speak, what to install. Source it; it runs nothing.
set -euo pipefail
BOOTGATE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BOOTGATE_ROOT

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n== %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Debian packages, by what needs them.
PACKAGES_BUILD="libtss2-dev libcurl4-openssl-dev libsqlite3-dev libssl-dev pkg-config"
PACKAGES_RUN="swtpm swtpm-tools libtss2-tcti-swtpm0 tpm2-tools openssl curl jq"
PACKAGES_PACKAGE="dpkg-dev chrpath binutils"
PACKAGES_PACKAGE_TEST="mmdebstrap systemd jq python3 util-linux"
# What Tools/measured-boot builds its guests with; kernels, shim and GRUB are fetched and unpacked, never installed.
PACKAGES_MEASURED_BOOT="binutils dpkg-dev sbsigntool mmdebstrap zstd qemu-system-x86 ovmf mtools dosfstools fdisk e2fsprogs cpio xz-utils busybox-static util-linux libtss2-tcti-device0"
PACKAGES_TEST="rsyslog rsyslog-gnutls rsyslog-openssl sqlite3 iproute2 python3 faketime procps strace passwd rpm libarchive-tools systemd"

# install_packages PACKAGE…: installs those that are missing, with sudo when not root; says what it does.
install_packages() {
    local missing=()
    local package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "these Debian packages are missing and neither root nor sudo is there: ${missing[*]}"
        as_root=(sudo)
    fi
    step "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

require_swift() {
    command -v swift >/dev/null || die "no Swift toolchain on PATH; Bootgate needs Swift 6.3 (https://www.swift.org/install/linux/)"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
    [ "$(printf '6.3\n%s\n' "$version" | sort -V | head -1)" = 6.3 ] ||
        die "Swift $version is too old; Bootgate needs 6.3 or later"
}

# How programs are built that are packaged or measured: generic code is specialised across modules, and the Swift runtime is
# linked in (decisions 0028 and 0031). One set of options for all: another one builds everything anew.
RELEASE_OPTIONS=(-c release -Xswiftc -cross-module-optimization)
release_build() { BOOTGATE_STATIC_RUNTIME=1 swift build "${RELEASE_OPTIONS[@]}" --product "$1"; }

# Leaves of SwiftPM's output what a person should read.
build_noise() { grep -E '^(error|warning: [^'"'"']|Build|/)|: (error|warning):' | grep -v 'CMakeLists' || true; }
