# A machine: a software TPM of its own, disks, firmware variables, and QEMU without KVM. Source it after image.sh.
# Everything of machine NAME lies in $work/machines/NAME; of its Nth boot in boots/N-LABEL there.
#
#   machine_defaults           one golden machine's parts; call it before the settings of each boot
#   machine_make NAME          manufactures the TPM (with an EK certificate) and an empty state disk
#   machine_on NAME LABEL      powers it on. Before: set MACHINE_DISK, and where wanted MACHINE_CODE, MACHINE_VARS,
#                              others of machine_defaults
#   machine_wait_ready         waits until the guest's /init gives a shell; fails after MACHINE_TIMEOUT seconds
#   guest COMMAND [SECONDS]    runs a shell command in the guest, prints what it printed, returns its exit code
#   machine_command TEXT       a command for QEMU's monitor: system_reset, system_wakeup, quit
#   machine_off                powers it off as a power cut does
#   machine_is_on              whether it still runs
#
# MACHINE is the folder of the machine that is on, BOOT the folder of its present boot.

MACHINE='' BOOT='' MACHINE_PID='' MACHINE_TPM_PID='' MACHINE_READERS=() MACHINE_RESET_PID='' GUEST_COUNT=0
MACHINE_TIMEOUT=${MACHINE_TIMEOUT:-120}
OVMF=/usr/share/OVMF

machine_defaults() {
    MACHINE_DISK='' MACHINE_CODE=$OVMF/OVMF_CODE_4M.secboot.fd MACHINE_VARS='' MACHINE_MEMORY=512
    MACHINE_NIC_ROM='romfile=,' MACHINE_STATE='' MACHINE_DISK_MODE='snapshot=on' MACHINE_TPM=''
    MACHINE_SYSTEM=$work/system.img MACHINE_BOOT_INDEX=0 MACHINE_EXTRA=() MACHINE_FLASH_SECURE=on MACHINE_RESET_LINE=no
}

machine_make() {
    local folder=$work/machines/$1
    mkdir -p "$folder/tpm" "$folder/boots"
    software_tpm_create "$folder/tpm"
    image_state_disk "$folder/state.img"
    cp "$OVMF/OVMF_VARS_4M.ms.fd" "$folder/vars.fd"
}

machine_on() {
    MACHINE=$work/machines/$1
    local number
    number=$(find "$MACHINE/boots" -mindepth 1 -maxdepth 1 | wc -l)
    BOOT=$MACHINE/boots/$(printf '%02d' $((number + 1)))-$2
    mkdir "$BOOT"
    mkfifo "$BOOT/control.in" "$BOOT/control.out" "$BOOT/monitor.in" "$BOOT/monitor.out"
    local tpm=${MACHINE_TPM:-$MACHINE/tpm}
    local control=$BOOT/tpm.ctrl
    [ "$MACHINE_RESET_LINE" = no ] || control=$BOOT/tpm-behind.ctrl
    # swtpm ends with QEMU's connection; its power goes off and on with the machine's.
    swtpm socket --tpm2 --tpmstate "dir=$tpm/nvram" --ctrl "type=unixio,path=$control" --terminate \
        --daemon --pid "file=$BOOT/tpm.pid" --log "file=$BOOT/tpm.log"
    MACHINE_TPM_PID=$(cat "$BOOT/tpm.pid")
    MACHINE_RESET_PID=''
    if [ "$MACHINE_RESET_LINE" = yes ]; then
        "$BOOTGATE_ROOT/Tools/MeasuredBoot/reset-line" "$BOOT/tpm.ctrl" "$control" >"$BOOT/reset.log" 2>&1 &
        MACHINE_RESET_PID=$!
        until [ -S "$BOOT/tpm.ctrl" ]; do sleep 0.1; done
    fi
    # shellcheck disable=SC2086
    ${MEASURED_BOOT_LAUNCHER:-} qemu-system-x86_64 -machine q35,accel=tcg,smm=on -cpu max -smp 1 -m "$MACHINE_MEMORY" \
        -nodefaults -display none -pidfile "$BOOT/qemu.pid" \
        -global "driver=cfi.pflash01,property=secure,value=$MACHINE_FLASH_SECURE" \
        -drive "if=pflash,format=raw,unit=0,readonly=on,file=$MACHINE_CODE" \
        -drive "if=pflash,format=raw,unit=1,file=${MACHINE_VARS:-$MACHINE/vars.fd}" \
        -chardev "socket,id=tpm,path=$BOOT/tpm.ctrl" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-crb,tpmdev=tpm0 \
        -drive "if=none,id=boot,format=raw,file=$MACHINE_DISK,$MACHINE_DISK_MODE" -device "virtio-blk-pci,drive=boot,bootindex=$MACHINE_BOOT_INDEX" \
        -drive "if=none,id=system,format=raw,file=$MACHINE_SYSTEM,snapshot=on" -device virtio-blk-pci,drive=system \
        -drive "if=none,id=state,format=raw,file=${MACHINE_STATE:-$MACHINE/state.img}" -device virtio-blk-pci,drive=state \
        -netdev user,id=net0 -device "virtio-net-pci,netdev=net0,${MACHINE_NIC_ROM}mac=52:54:00:12:34:56" \
        -chardev "file,id=log,path=$BOOT/serial.log" -serial chardev:log \
        -chardev "pipe,id=control,path=$BOOT/control" -serial chardev:control \
        -chardev "pipe,id=monitor,path=$BOOT/monitor" -mon monitor,mode=readline "${MACHINE_EXTRA[@]}" \
        >"$BOOT/qemu.log" 2>&1 &
    MACHINE_PID=$!
    # Both ways of each pipe stay open while the machine is on, so that nobody blocks and nobody sees an end.
    exec 7<>"$BOOT/control.in" 8<>"$BOOT/monitor.in"
    cat "$BOOT/control.out" >"$BOOT/control.log" &
    MACHINE_READERS=($!)
    cat "$BOOT/monitor.out" >"$BOOT/monitor.log" &
    MACHINE_READERS+=($!)
    GUEST_COUNT=0
    until [ -s "$BOOT/qemu.pid" ]; do
        kill -0 "$MACHINE_PID" 2>/dev/null || die "QEMU did not start: $(tail -3 "$BOOT/qemu.log")"
        sleep 0.1
    done
}

machine_is_on() { [ -n "$MACHINE_PID" ] && kill -0 "$MACHINE_PID" 2>/dev/null; }

# machine_wait_ready [COUNT]: COUNT boots of the same power-on (a warm reboot is the second).
machine_wait_ready() {
    local count=${1:-1} since=$SECONDS
    until [ "$(grep -a 'guest: ready at' "$BOOT/serial.log" 2>/dev/null | wc -l)" -ge "$count" ]; do
        machine_is_on || return 1
        [ $((SECONDS - since)) -lt "$MACHINE_TIMEOUT" ] || return 1
        sleep 0.2
    done
}

guest() {
    local command=$1 limit=${2:-60} since=$SECONDS mark
    GUEST_COUNT=$((GUEST_COUNT + 1))
    mark=":$GUEST_COUNT:$RANDOM"
    # The guest takes one line at a time.
    command=$(tr '\n' ' ' <<<"${command//\\$'\n'/ }")
    printf '%s\n' "echo begin$mark; ( $command ); echo end$mark \$?" >&7
    until grep -aq "end$mark [0-9]" "$BOOT/control.log"; do
        machine_is_on || return 125
        [ $((SECONDS - since)) -lt "$limit" ] || return 124
        sleep 0.1
    done
    # What the command prints last may have no end of line.
    sed -n "/begin$mark\$/,/end$mark /p" "$BOOT/control.log" | sed "1d; s/end$mark .*//" | sed '${/^$/d}'
    return "$(grep -ao "end$mark [0-9]*" "$BOOT/control.log" | cut -d' ' -f2)"
}

machine_command() { printf '%s\n' "$1" >&8; }

machine_off() {
    [ -n "$MACHINE_PID" ] || return 0
    local pid
    pid=$(cat "$BOOT/qemu.pid" 2>/dev/null || true)
    if [ -n "$pid" ]; then kill -KILL "$pid" 2>/dev/null || true; else kill "$MACHINE_PID" 2>/dev/null || true; fi
    wait "$MACHINE_PID" 2>/dev/null || true
    # shellcheck disable=SC2086
    kill "$MACHINE_TPM_PID" $MACHINE_RESET_PID "${MACHINE_READERS[@]}" 2>/dev/null || true
    wait "${MACHINE_READERS[@]}" 2>/dev/null || true
    exec 7>&- 8>&-
    rm -f "$BOOT"/*.in "$BOOT"/*.out "$BOOT/tpm.ctrl"
    MACHINE_PID=''
}
