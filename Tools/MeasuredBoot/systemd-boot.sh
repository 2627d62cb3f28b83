# Debian's systemd-boot, signed with keys of one's own, and unified kernel images that it finds on the partition (type 2 entries of the
# Boot Loader Specification). Source it after uki.sh.
#
#   attack_systemd_boot_newer_image    three boots: golden, captured and admitted; an entry of a file that chooses the golden image with one
#                                      more parameter, refused; then a second image that calls itself newer, predicted and refused

attack_systemd_boot_newer_image() {
    local GROUP_SET=sdboot evidence=$work/sdboot-evidence.json disk
    NODE=$SDBOOT_NODE
    cp "$OVMF/OVMF_VARS_4M.snakeoil.fd" "$work/sdboot-vars.fd"
    uki_sign "$work/systemd-boot.efi" "$(debian_unpacked systemd-boot-efi)/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    uki_image "$work/sdboot-1.efi" "$KERNEL" "$work/initrd.img" "$UKI_COMMAND_LINE" 1
    uki_image "$work/sdboot-2.efi" "$KERNEL" "$work/initrd.img" "$UKI_COMMAND_LINE apparmor=0" 2
    image_put "$MACHINE_DISK" "$work/systemd-boot.efi" /EFI/BOOT/BOOTX64.EFI
    mmd -i "$MACHINE_DISK@@1M" ::/EFI/Linux ::/loader ::/loader/entries
    image_put "$MACHINE_DISK" "$work/sdboot-1.efi" /EFI/Linux/system-1.efi
    MACHINE_VARS=$work/sdboot-vars.fd MACHINE_SYSTEM=$work/system-$NODE.img
    mark_verdict "$NODE"
    machine_on "$NODE" systemd-boot-golden
    machine_wait_ready || { broken systemd-boot-golden "the guest did not come up"; return 0; }
    await_verdict "$NODE" || { broken systemd-boot-golden "no evidence came"; return 0; }
    uki_references "$evidence"
    judge systemd-boot-golden
    machine_off
    # What somebody with the disk can do without any key: the stub refuses the parameter under Secure Boot, and the loader measures that
    # it was passed.
    disk=$MACHINE_DISK
    cp --sparse=always "$disk" "$work/sdboot-options.img"
    MACHINE_DISK=$work/sdboot-options.img
    printf 'default zz.conf\n' >"$work/loader.conf"
    printf 'title testbed\nefi /EFI/Linux/system-1.efi\noptions %s apparmor=0\n' "$UKI_COMMAND_LINE" >"$work/zz.conf"
    image_put "$MACHINE_DISK" "$work/loader.conf" /loader/loader.conf
    image_put "$MACHINE_DISK" "$work/zz.conf" /loader/entries/zz.conf
    boot_and_judge systemd-boot-options
    machine_off
    clear_if_failed
    MACHINE_DISK=$disk
    image_put "$MACHINE_DISK" "$work/sdboot-2.efi" /EFI/Linux/system-2.efi
    bootgate reference predict --evidence "$evidence" --uki "$work/sdboot-2.efi" --section .sbat=no -o json >"$work/prediction.json"
    boot_and_judge systemd-boot-newer-image
    compare_prediction systemd-boot-newer-image
}
