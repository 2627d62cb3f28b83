# Each variant, really booted. It is a function attack_NAME that starts from an admitted node whose machine is off (on, for those in
# ATTACKS_ON_A_RUNNING_MACHINE) and ends with `judge` or `judge_refused`. Disks and firmware variables are copies; whoever calls powers
# off and clears the node afterwards.

# In the order of the day: these go on with the golden boot that is on anyway.
ATTACKS_ON_A_RUNNING_MACHINE=' warm-reboot '

# boot_and_judge VARIANT: power on, wait for the first verdict, compare it.
boot_and_judge() {
    mark_verdict "$NODE"
    machine_on "$NODE" "$1"
    judge_next "$1" "$MACHINE_TIMEOUT"
}

judge_next() {
    if await_verdict "$NODE" "${2:-60}"; then judge "$1"; else broken "$1" "no evidence came"; fi
}

# up VARIANT: power on, until the node passed in this boot. What follows is clean only if the node was.
up() {
    mark_verdict "$NODE"
    machine_on "$NODE" "$1"
    if ! machine_wait_ready; then broken "$1" "the guest did not come up in $MACHINE_TIMEOUT s"; return 1; fi
    if ! await_verdict "$NODE"; then broken "$1" "no evidence came"; return 1; fi
    count_good_boot "$(last_outcome)"
    if [ "$(last_outcome)" != pass ]; then broken "$1" "the node does not pass before the attack"; return 1; fi
}

last_outcome() { bootgate node show "$NODE" -o json | jq -r .lastVerdict.verdict; }

# judge_change VARIANT: the first verdict that is not the one from before the attack. One more pass may be on its way.
judge_change() {
    local variant=$1 since=$SECONDS
    while [ $((SECONDS - since)) -lt 60 ]; do
        mark_verdict "$NODE"
        await_verdict "$NODE" 40 || break
        [ "$(last_outcome)" = pass ] || break
    done
    judge "$variant"
}

# MARK: the boot chain, altered on the disk

# altered_grub SED: the boot disk with its grub.cfg edited.
altered_grub() {
    sed "$1" "$MODULES/grub-golden.cfg" >"$work/grub.cfg"
    ! cmp -s "$work/grub.cfg" "$MODULES/grub-golden.cfg" || die "the edit $1 changes nothing"
    image_put "$MACHINE_DISK" "$work/grub.cfg" /EFI/debian/grub.cfg
}

attack_command_line() {
    altered_grub '/^linux /s/$/ apparmor=0/'
    predict --grub-config "$work/grub.cfg=/EFI/debian/grub.cfg"
    boot_and_judge command-line
    compare_prediction command-line
}

attack_grub_comment() {
    altered_grub '1a # a comment'
    predict --grub-config "$work/grub.cfg=/EFI/debian/grub.cfg"
    boot_and_judge grub-comment
    compare_prediction grub-comment
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
    predict --initrd "$work/initrd-altered.img"
    boot_and_judge initrd
    compare_prediction initrd
}

attack_kernel_downgrade() {
    image_put "$MACHINE_DISK" "$(echo "$KERNEL_OLD"/boot/vmlinuz-*)" /boot/vmlinuz
    image_initrd "$work/initrd-old.img" "$KERNEL_OLD"
    image_put "$MACHINE_DISK" "$work/initrd-old.img" /boot/initrd.img
    boot_and_judge kernel-downgrade
}

attack_partition_table() {
    # Into the gap behind the EFI partition, as somebody does who hides a second system.
    echo 'start=194560, size=1024, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=AAAAAAAA-BBBB-CCCC-DDDD-000000000099' |
        sfdisk -q --append "$MACHINE_DISK"
    boot_and_judge partition-table
}

# MARK: firmware and its settings

attack_secure_boot_off() {
    cp "$OVMF/OVMF_VARS_4M.fd" "$work/vars.fd"
    MACHINE_VARS=$work/vars.fd
    boot_and_judge secure-boot-off
}

attack_unsigned_boot_loader() {
    cp "$OVMF/OVMF_VARS_4M.fd" "$work/vars.fd"
    MACHINE_VARS=$work/vars.fd
    image_put "$MACHINE_DISK" "$(debian_unpacked grub-efi-amd64-bin)/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi" /EFI/BOOT/grubx64.efi
    boot_and_judge unsigned-boot-loader
}

attack_old_firmware() {
    local version
    version=$(apt-cache madison ovmf | awk -F '[| ]+' '{ print $3 }' | sort -V | head -1)
    if [ "$version" != "$(dpkg-query -W -f='${Version}' ovmf)" ]; then
        MACHINE_CODE=$(debian_unpacked "ovmf=$version")/usr/share/OVMF/OVMF_CODE_4M.secboot.fd
    else
        say "apt offers no other version of ovmf: the build without SMM stands for it"
        MACHINE_CODE=$OVMF/OVMF_CODE_4M.fd MACHINE_FLASH_SECURE=off
    fi
    boot_and_judge old-firmware
}

attack_option_rom() {
    MACHINE_NIC_ROM=''
    boot_and_judge option-rom
}

attack_other_medium() {
    cp --sparse=always "$MACHINE_DISK" "$work/other-medium.img"
    sed '/^linux /s/$/ apparmor=0/' "$MODULES/grub-golden.cfg" >"$work/grub.cfg"
    image_put "$work/other-medium.img" "$work/grub.cfg" /EFI/debian/grub.cfg
    MACHINE_EXTRA=(-drive "if=none,id=other,format=raw,file=$work/other-medium.img,snapshot=on"
        -device 'virtio-blk-pci,drive=other,bootindex=0')
    MACHINE_BOOT_INDEX=1
    boot_and_judge other-medium
}

attack_boot_entry() {
    cp "$MACHINE/vars.fd" "$work/vars.fd"
    MACHINE_VARS=$work/vars.fd
    up boot-entry-adding || return 0
    # A copy of the first entry under a free number, in front of the others, as efibootmgr writes it.
    guest 'insmod /system/usr/lib/modules/efivarfs.ko && mkdir -p /run/efivars && mount -t efivarfs efivarfs /run/efivars &&
        cd /run/efivars && id=8be4df61-93ca-11d2-aa0d-00e098032b8c && first=$(ls | grep "^Boot0" | head -1) &&
        cat $first >/tmp/entry && cat /tmp/entry >Boot0099-$id &&
        (head -c 4 BootOrder-$id; printf "\231\000"; tail -c +5 BootOrder-$id) >/tmp/order && cat /tmp/order >BootOrder-$id &&
        sync' >&2 || { broken boot-entry "the guest could not write the firmware's variables"; return 0; }
    machine_off
    clear_if_failed
    boot_and_judge boot-entry
}

# MARK: the running system

attack_ima_new_executable() {
    up ima-new-executable || return 0
    guest 'mkdir -p /root/evil && cp /bin/busybox /root/evil/true && echo evil >>/root/evil/true && /root/evil/true' ||
        { broken ima-new-executable "the program did not run"; return 0; }
    judge_change ima-new-executable
}

attack_ima_modified_executable() {
    up ima-modified-executable || return 0
    guest 'cp /bin/busybox /bin/altered && echo evil >>/bin/altered && mv /bin/altered /bin/busybox && /bin/busybox true' ||
        { broken ima-modified-executable "the program did not run"; return 0; }
    judge_change ima-modified-executable
}

attack_agent_replaced() {
    up agent-replaced || return 0
    guest 'mount -o remount,rw /system && kill $(cat /run/agent.pid) && sleep 2 &&
        cp /system/usr/bin/bootgate-agent /system/usr/bin/altered && echo evil >>/system/usr/bin/altered &&
        mv /system/usr/bin/altered /system/usr/bin/bootgate-agent && (start_agent)' ||
        { broken agent-replaced "the agent was not replaced"; return 0; }
    judge_change agent-replaced
}

# extend PCR VARIANT: TPM2_PCR_Extend in the SHA-256 bank, written to the device as any program of root can.
extend() {
    local pcr
    pcr=$(printf '\\x%02x' "$1")
    guest "exec 5<>/dev/tpmrm0; printf '\\x80\\x02\\x00\\x00\\x00\\x41\\x00\\x00\\x01\\x82\\x00\\x00\\x00$pcr\\x00\\x00\\x00\\x09\\x40\\x00\\x00\\x09\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x0bextended-by-hand-extended-by-hand' >&5; head -c 10 <&5 | hexdump -v -e '1/1 \"%02x\"'" | grep -q '^8002........00000000$' ||
        { broken "$2" "the TPM refused the extension of PCR $1"; return 1; }
}

attack_pcr_extended() {
    up pcr-extended || return 0
    extend 8 pcr-extended || return 0
    judge_change pcr-extended
}

attack_ima_pcr_extended() {
    up ima-pcr-extended || return 0
    extend 10 ima-pcr-extended || return 0
    judge_change ima-pcr-extended
}

attack_kexec() {
    up kexec || return 0
    # The agent would tell of the program kexec; whoever does this stops it first.
    guest 'kill $(cat /run/agent.pid); /usr/sbin/kexec -s -l /system/boot/vmlinuz --initrd=/system/boot/initrd.img \
        --append="console=ttyS0 root=/dev/ram0 rdinit=/init ima_policy=tcb ima_template=ima-ng panic=5 apparmor=0"' >&2 ||
        { broken kexec "the kernel was not loaded"; return 0; }
    mark_verdict "$NODE"
    guest '(sleep 1; /usr/sbin/kexec -e) >/dev/null 2>&1 &'
    machine_wait_ready 2 || { broken kexec "the second kernel did not come up"; return 0; }
    judge_next kexec
}

attack_tpm_reset() {
    MACHINE_RESET_LINE=yes
    up tpm-reset || return 0
    kill -USR1 "$MACHINE_RESET_PID"
    sleep 1
    # The firmware's part: TPM2_Startup(CLEAR).
    guest "exec 5<>/dev/tpm0; printf '\\x80\\x01\\x00\\x00\\x00\\x0c\\x00\\x00\\x01\\x44\\x00\\x00' >&5; head -c 10 <&5 | hexdump -v -e '1/1 \"%02x\"'" >&2
    judge_change tpm-reset
}

attack_suspend() {
    up suspend || return 0
    (sleep 8; machine_command system_wakeup) &
    guest 'echo mem >/sys/power/state; echo resumed' 60 >/dev/null || { broken suspend "the guest did not wake up"; return 0; }
    judge_change suspend
}

# MARK: power, TPM and network

attack_warm_reboot() {
    machine_is_on || up warm-reboot || return 0
    mark_verdict "$NODE"
    guest '(sleep 1; reboot -f) &'
    machine_wait_ready 2 || { broken warm-reboot "the guest did not come up again"; return 0; }
    judge_next warm-reboot
}

attack_power_cut() {
    up power-cut || return 0
    guest 'dd if=/dev/zero of=/state/half-written bs=64k count=64 2>/dev/null & sleep 0.3'
    machine_off
    boot_and_judge power-cut
}

attack_tpm_swapped() {
    # Its maker is trusted, but no manifest has it.
    MACHINE_TPM=$work/machines/spare/tpm
    judge_refused tpm-swapped
}

attack_disk_cloned() {
    # A copy of the state disk, in a machine that the manifest has under another name.
    cp --sparse=always "$work/machines/$NODE/state.img" "$work/cloned-state.img"
    MACHINE_STATE=$work/cloned-state.img MACHINE_TPM=$work/machines/$OTHER_NODE/tpm
    judge_refused disk-cloned
}

attack_reboot_while_enrolling() {
    NODE=$OTHER_NODE
    MACHINE_SYSTEM=$work/system-$OTHER_NODE.img
    machine_on "$NODE" reboot-while-enrolling
    local since=$SECONDS
    until grep -q AGENT_STARTED "$BOOT/serial.log" 2>/dev/null; do
        [ $((SECONDS - since)) -lt "$MACHINE_TIMEOUT" ] || { broken reboot-while-enrolling "the guest did not come up"; return 0; }
        sleep 0.1
    done
    sleep 0.7
    machine_off
    ! grep -q AGENT_ATTESTED "$BOOT/serial.log" || say "              (it was faster than the power cut)"
    boot_and_judge reboot-while-enrolling
}

attack_verifier_down() {
    mark_verdict "$NODE"
    laboratory_stop
    machine_on "$NODE" verifier-down
    machine_wait_ready || { broken verifier-down "the guest did not come up"; return 0; }
    sleep 10
    grep -q '"step failed"' "$BOOT/serial.log" || { broken verifier-down "the agent missed nothing"; return 0; }
    laboratory_start
    judge_next verifier-down 120
}
