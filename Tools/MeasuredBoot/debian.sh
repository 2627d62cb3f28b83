# Debian packages as files for the guests: fetched with apt, unpacked into the cache, never installed here. Source it after common.sh.
#
#   debian_unpacked NAME[=VERSION]   prints the folder in which that package (its candidate, without VERSION) is unpacked
#   debian_package FOLDER            prints the package file that an unpacked folder came from
#   debian_lists                     makes sure that apt knows packages at all
#   debian_kernels                   prints the cloud kernels that apt offers, oldest first; the 6.1 line before others
#   kernel_release FOLDER            prints the release of the kernel that is unpacked in FOLDER

debian_lists() {
    # A machine that never ran apt-get update knows no package.
    [ -z "$(apt-cache pkgnames linux-image-6 2>/dev/null | head -1)" ] || return 0
    if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
}

debian_unpacked() {
    local name=${1%%=*} version=
    [ "$name" = "$1" ] || version=${1#*=}
    [ -n "$version" ] || version=$(debian_candidate "$name")
    local folder=$BOOT_CACHE/debian/${name}_${version//:/%}
    if [ ! -d "$folder" ]; then
        local fresh
        fresh=$(mktemp -d "$BOOT_CACHE/debian/fetch.XXXXXX")
        (cd "$fresh" && apt-get download -qq "$name=$version" >"$fresh/log" 2>&1) || die "apt-get download $name=$version: $(tail -2 "$fresh/log")"
        mkdir "$fresh/tree"
        dpkg-deb -x "$fresh"/*.deb "$fresh/tree"
        mv -T "$fresh/tree" "$folder" 2>/dev/null || [ -d "$folder" ] || die "cannot make $folder"
        rm -rf "$fresh"
    fi
    printf '%s' "$folder"
}

debian_package() {
    local folder=$1 name fresh
    if [ ! -f "$folder.deb" ]; then
        name=$(basename "$folder" | sed 's/%/:/g')
        fresh=$(mktemp -d "$BOOT_CACHE/debian/fetch.XXXXXX")
        (cd "$fresh" && apt-get download -qq "${name%_*}=${name##*_}" >"$fresh/log" 2>&1) || die "apt-get download $name: $(tail -2 "$fresh/log")"
        mv "$fresh"/*.deb "$folder.deb"
        rm -rf "$fresh"
    fi
    printf '%s' "$folder.deb"
}

# The version that apt would install. apt-cache takes half a second for each question, so that answers are kept for a day.
debian_candidate() {
    local kept=$BOOT_CACHE/debian/$1.candidate version
    if [ -z "$(find "$kept" -mmin -1440 2>/dev/null)" ]; then
        version=$(apt-cache policy "$1" | awk '/Candidate:/ { print $2 }')
        case $version in '' | '(none)') die "apt offers no package $1; is bookworm in its sources?" ;; esac
        printf '%s' "$version" >"$kept"
    fi
    cat "$kept"
}

debian_kernels() {
    local pattern
    for pattern in '^linux-image-6\.1\.0-[0-9]+-cloud-amd64$' '^linux-image-6\.12\.[0-9]+\+deb12-cloud-amd64$'; do
        apt-cache pkgnames linux-image-6 | grep -E "$pattern" | sort -V || true
    done
}

kernel_release() { basename "$1"/lib/modules/*; }
