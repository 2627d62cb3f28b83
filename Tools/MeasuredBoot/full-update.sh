# The planned kernel update of the full guest, by apt in the guest: predicted from a copy of the root on this host, planned,
# installed, rebooted into. Source it after full-run.sh.
#
#   full_archive OUT DEB…      a disk with a local apt archive of these packages
#   full_updated_root ROOT DEB a copy of the root in which that package is installed by apt; prints its folder
#   full_update ROOT           plans, updates the guest that is on, reboots, judges

# Makes the initrd the same bytes here and there (mkinitramfs(8) passes it on to cpio).
FULL_UPDATE_ENVIRONMENT="DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$GUEST_EPOCH"

full_archive() {
    local out=$1 tree=$work/archive
    shift
    rm -rf "$tree"
    mkdir -p "$tree"
    cp "$@" "$tree/"
    (cd "$tree" && dpkg-scanpackages --multiversion . 2>/dev/null >Packages)
    image_ext4 "$out" $(($(du -sm "$tree" | cut -f1) + 32)) "$tree" archive
}

full_updated_root() {
    local root=$1 deb=$2 copy=$work/full-updated release
    release=$(kernel_release "$KERNEL_NEW")
    cp -a "$root" "$copy"
    cp "$deb" "$copy/root/update.deb"
    # shellcheck disable=SC2086
    full_in_root "$copy" env $FULL_UPDATE_ENVIRONMENT apt-get install -y -qq --no-install-recommends /root/update.deb
    rm "$copy/root/update.deb"
    # What the initrd brings runs and is read under its own paths.
    chroot "$copy" unmkinitramfs "/boot/initrd.img-$release" /root/initrd
    mv "$copy/root/initrd" "$work/full-updated-initrd"
    printf '%s' "$copy"
}

full_update() {
    local root=$1 deb updated release version alarms at files
    deb=$(debian_package "$KERNEL_NEW")
    release=$(kernel_release "$KERNEL_NEW")
    step "kernel update of the full guest by apt: $release"
    updated=$(full_updated_root "$root" "$deb")
    files=(--kernel "$updated/boot/vmlinuz-$release" --initrd "$updated/boot/initrd.img-$release" --grub-config "$updated/boot/grub/grub.cfg=/boot/grub/grub.cfg" --file "(hd0,gpt1)/EFI/debian/grub.cfg=$MODULES/grub-full.cfg")
    bootgate reference predict --evidence "$work/full-2.json" "${files[@]}" -o json >"$work/prediction.json"
    bootgate reference predict --evidence "$work/full-2.json" "${files[@]}" --references "$work/full-set.json" -o json >"$work/full-next-boot.json"
    bootgate reference import --directory "$updated" "$work/full-updated-initrd" --deb "$deb" --into "$work/full-next-boot.json" -o json >"$work/full-next.json"
    approve_set "$work/full-next.json"
    version=$(bootgate reference list -o json | jq -r --arg name "$GROUP_SET" '[.items[] | select(.name == $name and .status == "approved") | .version] | max')
    bootgate plan create full-kernel-update "$NODE" --set "$GROUP_SET@$version" --hours 1 --reason 'kernel update' >/dev/null
    alarms=$(count_alarms)
    at=$SECONDS
    guest "mount -o ro /dev/vdb /mnt/archive && apt-get update -qq && \
        $FULL_UPDATE_ENVIRONMENT apt-get install -y -qq --no-install-recommends $(kernel_package "$KERNEL_NEW") && sync" 900 >"$work/full-apt.log" 2>&1 || {
        broken full-update "apt-get in the guest: $(tail -3 "$work/full-apt.log")"
        return 0
    }
    say "apt took $((SECONDS - at)) s in the guest"
    # What the installation ran and read must be known too: a verdict from after it.
    mark_verdict "$NODE"
    await_verdict "$NODE" || die "no evidence from the full guest after apt: $BOOT/serial.log"
    judge full-updating
    full_reboot
    full_up
    judge full-update
    EVIDENCE_OF=full_evidence compare_prediction full-update
    plan_is_quiet full-update full-kernel-update "$alarms"
}
