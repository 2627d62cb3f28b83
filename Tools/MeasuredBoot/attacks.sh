# Each attack, really booted. An attack is a function attack_NAME that starts from a machine that is off and admitted, and ends with
# `judge`. What it changes is undone by the caller: boot disk and firmware variables are copies, the node is cleared.

# boot_and_judge VARIANT: the usual end.
boot_and_judge() {
    mark_verdict "$NODE"
    machine_on "$NODE" "$1"
    if ! await_verdict "$NODE" "$MACHINE_TIMEOUT"; then
        printf 'NO VERDICT    %-24s nothing came in %s s\n' "$1" "$MACHINE_TIMEOUT"
        keep_failure "$1" "$NODE"
        return 0
    fi
    judge "$1"
}

# altered_grub SED: the boot disk with its grub.cfg edited.
altered_grub() {
    sed "$1" "$MODULES/grub-golden.cfg" >"$work/grub.cfg"
    ! cmp -s "$work/grub.cfg" "$MODULES/grub-golden.cfg" || die "the edit $1 changes nothing"
    image_put "$MACHINE_DISK" "$work/grub.cfg" /EFI/debian/grub.cfg
}

attack_command_line() {
    altered_grub '/^linux /s/$/ apparmor=0/'
    boot_and_judge command-line
}

attack_grub_comment() {
    altered_grub '1a # a comment'
    boot_and_judge grub-comment
}

attack_grub_commands() {
    altered_grub '1a set foo=bar\nset bar=foo'
    boot_and_judge grub-commands
}

attack_initrd() {
    mkdir -p "$work/extra/root"
    echo 'echo extra' >"$work/extra/root/extra.sh"
    cp "$work/initrd.img" "$work/initrd-altered.img"
    (cd "$work/extra" && find . | cpio --quiet -o -H newc | gzip -n) >>"$work/initrd-altered.img"
    image_put "$MACHINE_DISK" "$work/initrd-altered.img" /boot/initrd.img
    boot_and_judge initrd
}

attack_kernel_downgrade() {
    image_put "$MACHINE_DISK" "$(echo "$KERNEL_OLD"/boot/vmlinuz-*)" /boot/vmlinuz
    image_initrd "$work/initrd-old.img" "$KERNEL_OLD"
    image_put "$MACHINE_DISK" "$work/initrd-old.img" /boot/initrd.img
    boot_and_judge kernel-downgrade
}

attack_power_cut() {
    boot_and_judge power-cut
    machine_off
    boot_and_judge power-cut
}

attack_warm_reboot() {
    machine_on "$NODE" warm-reboot
    machine_wait_ready || die "the guest did not come up: $BOOT/serial.log"
    mark_verdict "$NODE"
    await_verdict "$NODE" || die "no evidence: $BOOT/serial.log"
    mark_verdict "$NODE"
    guest '(sleep 1; reboot -f) &'
    machine_wait_ready 2 || die "the guest did not come up again: $BOOT/serial.log"
    await_verdict "$NODE" || die "no evidence after the reboot: $BOOT/serial.log"
    judge warm-reboot
}
