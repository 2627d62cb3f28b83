# Files and disks of the small guest, made without root, loop devices or mounts. Source it after debian.sh.
#
#   image_initrd OUT KERNEL          the initramfs for the kernel unpacked in KERNEL: busybox, drivers, guest-init; reproducible
#   image_boot_disk OUT GRUBCFG [KERNEL INITRD]   GPT with an EFI system partition: shim, GRUB, kernel, initrd
#   image_put DISK FILE PATH         replaces one file of that partition
#   image_get DISK PATH OUT          reads one
#   image_system_disk OUT TREE       the ext4 disk with agent, libraries and configuration
#   image_state_disk OUT             the empty ext4 disk for the agent's state
#   image_program TREE FILE PATH [FOLDERS]   copies a program, and every library that it loads, into TREE; looks for them in FOLDERS first

# Fixed, so that two builds of the same inputs are the same bytes.
GUEST_DISK_ID=11111111-2222-3333-4444-555555555555
GUEST_ESP_ID=AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE
GUEST_EPOCH=1700000000
# In the order in which they are loaded; those that a kernel has built in are left out.
GUEST_MODULES="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk failover net_failover virtio_net"

image_initrd() {
    local out=$1 kernel=$2 root number=10 module file
    root=$(mktemp -d "$BOOT_CACHE/initrd.XXXXXX")
    mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,system,state,modules}
    cp /bin/busybox "$root/bin/busybox"
    cp "$BOOTGATE_ROOT/Tools/MeasuredBoot/guest-init" "$root/init"
    chmod 755 "$root/init" "$root/bin/busybox"
    for module in $GUEST_MODULES; do
        file=$(find "$kernel/lib/modules" -name "$module.ko" -o -name "$module.ko.xz" | head -1)
        [ -n "$file" ] || continue
        case $file in
        *.xz) xz -dc "$file" >"$root/modules/$number-$module.ko" ;;
        *) cp "$file" "$root/modules/$number-$module.ko" ;;
        esac
        number=$((number + 1))
    done
    # Programs, libraries and settings are on the system disk; here are only the ways to them.
    ln -s system/usr "$root/usr"
    ln -s system/usr/lib "$root/lib"
    ln -s system/usr/lib64 "$root/lib64"
    ln -s system/usr/sbin "$root/sbin"
    ln -s system/etc "$root/etc"
    # The agent is not root and has to pass through here.
    chmod 755 "$root"
    find "$root" -exec touch -h -d "@$GUEST_EPOCH" {} +
    (cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --quiet --null -o -H newc --reproducible -R 0:0 | gzip -n -9) >"$out"
    rm -rf "$root"
}

image_boot_disk() {
    local out=$1 grub_configuration=$2 kernel=${3:-} initrd=${4:-} shim grub
    shim=$(debian_unpacked shim-signed)/usr/lib/shim/shimx64.efi.signed
    grub=$(debian_unpacked grub-efi-amd64-signed)/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
    rm -f "$out"
    truncate -s 96M "$out"
    sfdisk -q "$out" <<TEXT
label: gpt
label-id: $GUEST_DISK_ID
start=2048, size=94MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$GUEST_ESP_ID, name=ESP
TEXT
    truncate -s 94M "$out.esp"
    mkfs.vfat -F 32 --invariant -n ESP "$out.esp" >/dev/null
    export SOURCE_DATE_EPOCH=$GUEST_EPOCH
    mmd -i "$out.esp" ::/EFI ::/EFI/BOOT ::/EFI/debian ::/boot
    mcopy -i "$out.esp" "$shim" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i "$out.esp" "$grub" ::/EFI/BOOT/grubx64.efi
    mcopy -i "$out.esp" "$grub_configuration" ::/EFI/debian/grub.cfg
    [ -z "$kernel" ] || mcopy -i "$out.esp" "$kernel"/boot/vmlinuz-* ::/boot/vmlinuz
    [ -z "$initrd" ] || mcopy -i "$out.esp" "$initrd" ::/boot/initrd.img
    dd if="$out.esp" of="$out" bs=1M seek=1 conv=notrunc,sparse status=none
    rm "$out.esp"
}

image_put() { mcopy -D o -i "$1@@1M" "$2" "::$3"; }
image_get() { mcopy -n -i "$1@@1M" "::$2" "$3"; }

image_program() {
    local tree=$1 file=$2 path=$3 libraries=${4:-} library needed
    needed=$(LD_LIBRARY_PATH=$libraries ldd "$file")
    ! grep 'not found' <<<"$needed" >&2 || die "$file: these libraries are not here"
    install -D -m 755 "$file" "$tree$path"
    while read -r library; do
        case $library in
        */ld-linux*) install -D -m 755 "$library" "$tree/usr/lib64/$(basename "$library")" ;;
        *) install -D -m 755 "$library" "$tree/usr/lib/x86_64-linux-gnu/$(basename "$library")" ;;
        esac
    done < <(grep -oE '/[^ ]*/[^ /]+\.so[^ ]*' <<<"$needed")
}

image_ext4() {
    local out=$1 megabytes=$2 tree=$3 label=$4
    rm -f "$out"
    truncate -s "${megabytes}M" "$out"
    E2FSPROGS_FAKE_TIME=$GUEST_EPOCH mke2fs -q -t ext4 -L "$label" -E root_owner=0:0,lazy_itable_init=1 -d "$tree" "$out"
}

image_system_disk() {
    local out=$1 tree=$2 size
    chown -R 0:0 "$tree" 2>/dev/null || true
    size=$(du -sm "$tree" | cut -f1)
    image_ext4 "$out" $((size * 5 / 4 + 80)) "$tree" system
}

image_state_disk() {
    local out=$1 empty
    empty=$(mktemp -d "$BOOT_CACHE/state.XXXXXX")
    chmod 755 "$empty"
    image_ext4 "$out" 24 "$empty" state
    rmdir "$empty"
}
