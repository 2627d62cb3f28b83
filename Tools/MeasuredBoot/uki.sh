# The guest with a unified kernel image: no shim, no GRUB; Secure Boot with keys of one's own. Source it after update.sh.
#
#   uki_image OUT KERNEL INITRD CMDLINE [VERSION]    systemd's stub with its sections, of that version of a system, signed as below
#   uki_sign OUT FILE                      FILE signed with the key that OVMF's "snakeoil" variables trust
#   attack_uki_command_line                two boots: golden, captured and admitted after the other references refused it; then one
#                                          more parameter, predicted and refused

UKI_COMMAND_LINE='console=ttyS0 root=/dev/ram0 rdinit=/init ima_policy=tcb ima_template=ima-ng panic=5'

uki_image() {
    local out=$1 kernel=$2 initrd=$3 command_line=$4 version=${5:-1} stub at file name arguments=()
    stub=$(debian_unpacked systemd-boot-efi)/usr/lib/systemd/boot/efi/linuxx64.efi.stub
    # Without a name and a version systemd-boot takes it for no system.
    printf 'ID=bootgate-testbed\nPRETTY_NAME=testbed\nVERSION_ID=%s\n' "$version" >"$out.osrel"
    printf '%s' "$command_line" >"$out.cmdline"
    # Behind the stub's last section, each on a page of its own.
    at=$(objdump -h "$stub" | awk '/^ +[0-9]+ / { size = $3; at = $4 } END { print "0x" size, "0x" at }' | { read -r size vma; echo $((size + vma)); })
    for name in osrel cmdline linux initrd; do
        case $name in
        linux) file=$(echo "$kernel"/boot/vmlinuz-*) ;;
        initrd) file=$initrd ;;
        *) file=$out.$name ;;
        esac
        at=$(((at + 4095) / 4096 * 4096))
        arguments+=(--add-section ".$name=$file" --change-section-vma ".$name=$at")
        at=$((at + $(stat -c %s "$file")))
    done
    objcopy "${arguments[@]}" "$stub" "$out.unsigned"
    uki_sign "$out" "$out.unsigned"
    rm -f "$out".{osrel,cmdline,unsigned}
}

uki_sign() {
    openssl rsa -in /usr/share/ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$1.key" 2>/dev/null
    sbsign --key "$1.key" --cert /usr/share/ovmf/PkKek-1-snakeoil.pem --output "$1" "$2" 2>/dev/null
    rm -f "$1.key"
}

# uki_references EVIDENCE: references of the machine that is on, and the node's first pass under them.
uki_references() {
    evidence_of_guest "$1"
    bootgate reference capture "$GROUP_SET" --group "$(node_group "$NODE")" --runtime --evidence "$1" -o json >"$work/$GROUP_SET-set.json"
    approve_set "$work/$GROUP_SET-set.json"
    bootgate reference activate "$GROUP_SET" --reason 'unified kernel image' >/dev/null
    clear_if_failed
    bootgate node watch "$NODE" --until trusted --interval 0.3 --timeout 60 >/dev/null || true
}

attack_uki_command_line() {
    local GROUP_SET=uki
    NODE=$UKI_NODE
    cp "$OVMF/OVMF_VARS_4M.snakeoil.fd" "$work/uki-vars.fd"
    uki_image "$work/golden.uki" "$KERNEL" "$work/initrd.img" "$UKI_COMMAND_LINE"
    uki_image "$work/altered.uki" "$KERNEL" "$work/initrd.img" "$UKI_COMMAND_LINE apparmor=0"
    image_put "$MACHINE_DISK" "$work/golden.uki" /EFI/BOOT/BOOTX64.EFI
    MACHINE_VARS=$work/uki-vars.fd MACHINE_SYSTEM=$work/system-$UKI_NODE.img
    mark_verdict "$NODE"
    machine_on "$NODE" uki-golden
    machine_wait_ready || { broken uki-golden "the guest did not come up"; return 0; }
    await_verdict "$NODE" || { broken uki-golden "no evidence came"; return 0; }
    # Until it has references of its own, the default group's judge it: another platform key, and everything after it.
    judge own-keys
    local evidence=$work/uki-evidence.json
    uki_references "$evidence"
    judge uki-golden
    machine_off
    image_put "$MACHINE_DISK" "$work/altered.uki" /EFI/BOOT/BOOTX64.EFI
    # systemd 252's stub measures no section .sbat; the last boot cannot tell, it shows none.
    bootgate reference predict --evidence "$evidence" --uki "$work/altered.uki" --section .sbat=no -o json >"$work/prediction.json"
    boot_and_judge uki-command-line
    compare_prediction uki-command-line
}
