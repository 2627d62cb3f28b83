# The full guest: Debian with systemd on ext4, the agent's package, and nothing else of ours. Source it after testbed.sh.
#
#   full_root DEB               a root file system by mmdebstrap, kept in the cache; prints its folder
#   full_disk OUT ROOT NODE     the disk: EFI partition as in the small guest, and that root with the node's configuration
#
# The host's shell is a unit with one line of sh: a way in for tests, no program.

FULL_ROOT_ID=AAAAAAAA-BBBB-CCCC-DDDD-000000000002
# The file system's, as full-grub-probe and grub-full.cfg have it.
FULL_FILES_ID=aaaaaaaa-bbbb-cccc-dddd-000000000003
FULL_PACKAGES=systemd-sysv,udev,kmod,initramfs-tools,zstd,tpm-udev,iproute2,grub2-common

full_root() {
    local package=$1 key folder kernel
    kernel=$(kernel_package "$KERNEL")
    key=$(cat "$package" "$MODULES/full-guest.sh" <(echo "$kernel") | sha256sum | cut -c1-16)
    folder=$BOOT_CACHE/full-$key
    if [ ! -d "$folder" ]; then
        find "$BOOT_CACHE" -maxdepth 1 -name 'full-*' -exec rm -rf {} +
        rm -rf "$folder.making"
        # Only the drivers that these machines have, so that GRUB does not measure 30 MB.
        mmdebstrap --quiet --variant=minbase --include="$FULL_PACKAGES,$kernel" \
            --setup-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; printf "MODULES=list\nFSTYPE=ext4\n" >"$1/etc/initramfs-tools/conf.d/testbed"' \
            --setup-hook='printf "%s\n" virtio_pci virtio_blk virtio_net ext4 >"$1/etc/initramfs-tools/modules"' \
            --customize-hook="copy-in $package /root" \
            --customize-hook='chroot "$1" sh -c "apt-get install -y -qq --no-install-recommends /root/*.deb && rm /root/*.deb"' \
            --dpkgopt=force-confold bookworm "$folder.making" >"$BOOT_CACHE/full.log" 2>&1 ||
            die "mmdebstrap failed: $(tail -5 "$BOOT_CACHE/full.log")"
        mv -T "$folder.making" "$folder"
    fi
    printf '%s' "$folder"
}

# The package that was unpacked in FOLDER.
kernel_package() { basename "$1" | sed 's/_[^_]*$//'; }

full_configuration() {
    local root=$1 node=$2
    testbed_configuration "$node" "$root"
    # The package's unit gives the agent its state directory.
    sed -i '/^\[state\]/,$d' "$root/etc/bootgate/agent.toml"
    echo edge >"$root/etc/hostname"
    # Made at the first boot otherwise, so that the first and the second boot would differ.
    echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
    echo 'PARTUUID='"${FULL_ROOT_ID,,}"' / ext4 defaults 0 1' >"$root/etc/fstab"
    cat >"$root/etc/systemd/network/testbed.network" <<'TEXT'
[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
TEXT
    cat >"$root/etc/systemd/system/testbed-shell.service" <<'TEXT'
[Unit]
Description=The testbed's way in, on the second serial line
After=bootgate-agent.service
[Service]
ExecStart=/bin/sh -c 'stty raw -echo; echo "guest: ready at $(cut -d" " -f1 /proc/uptime) s" >/dev/ttyS0; while IFS= read -r line; do (eval "$line") 2>&1; done'
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS1
Restart=always
[Install]
WantedBy=multi-user.target
TEXT
    # Where updates come from: a disk of the testbed.
    echo 'deb [trusted=yes] file:/mnt/archive ./' >"$root/etc/apt/sources.list"
    mkdir -p "$root/mnt/archive" "$root/boot/grub"
    cat >"$root/etc/default/grub" <<'TEXT'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX="console=ttyS0 ima_policy=tcb ima_template=ima-ng panic=5 systemd.show_status=0"
GRUB_TERMINAL="serial console"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
TEXT
    mkdir -p "$root/etc/systemd/system/multi-user.target.wants" "$root/etc/systemd/system/bootgate-agent.service.d"
    ln -sf ../testbed-shell.service "$root/etc/systemd/system/multi-user.target.wants/testbed-shell.service"
    ln -sf /lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    # The agent's log to the serial line too, as evidence.
    printf '[Service]\nStandardError=journal+console\n' >"$root/etc/systemd/system/bootgate-agent.service.d/testbed.conf"
}

# full_in_root ROOT COMMAND…: runs it in the root on this host, where grub-probe answers as in the guest; the names of disks in
# /dev and whether firmware has a menu are all that update-grub looks at besides.
full_in_root() {
    local root=$1 probe=$1/usr/sbin/grub-probe names=$1/dev/disk/by-uuid firmware=$1/sys/firmware/efi/efivars status=0
    shift
    mkdir -p "$names" "$firmware"
    : >"$names/$FULL_FILES_ID"
    # EFI_OS_INDICATIONS_BOOT_TO_FW_UI behind four bytes of attributes.
    printf '\6\0\0\0\1\0\0\0\0\0\0\0' >"$firmware/OsIndicationsSupported-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    mv "$probe" "$probe.real"
    cp "$MODULES/full-grub-probe" "$probe"
    chroot "$root" "$@" >"$work/full-root.log" 2>&1 || status=$?
    # The root is kept for the next run, also after a failure: the guest must have the real program.
    mv "$probe.real" "$probe"
    rm -r "$root/dev/disk" "$root/sys/firmware"
    [ "$status" -eq 0 ] || die "$* in the full guest's root: $(tail -3 "$work/full-root.log")"
}

full_disk() {
    local out=$1 root=$2 node=$3 megabytes=1100
    full_configuration "$root" "$node"
    full_in_root "$root" update-grub
    image_boot_disk "$out" "$MODULES/grub-full.cfg"
    # The same EFI partition in a larger disk.
    dd if="$out" of="$out.esp" bs=1M skip=1 count=94 conv=sparse status=none
    rm "$out"
    truncate -s $((96 + megabytes + 1))M "$out"
    sfdisk -q "$out" <<TEXT
label: gpt
label-id: $GUEST_DISK_ID
start=2048, size=94MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$GUEST_ESP_ID, name=ESP
start=196608, size=${megabytes}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$FULL_ROOT_ID, name=root
TEXT
    dd if="$out.esp" of="$out" bs=1M seek=1 conv=notrunc,sparse status=none
    rm "$out.esp"
    mke2fs -q -F -t ext4 -L root -U "$FULL_FILES_ID" -E "offset=$((196608 * 512)),lazy_itable_init=1" -d "$root" "$out" "${megabytes}M"
}
