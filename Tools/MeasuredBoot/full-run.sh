# The full guest, booted again and again: admitted each time, and what the agent costs there. Source it after full-guest.sh.

FULL_NODE=full-01
# Files that root reads and that are each boot's own; everything else must be in the references.
FULL_OWN='["/var/lib/systemd/random-seed", "/var/log/journal/*/system.journal"]'
# Notes and copies of apt, dpkg, mkinitramfs and update-grub while they work, which no package brings. Their programs and scripts,
# and the files that they leave, are known.
FULL_WORKING='["/var/lib/apt/**", "/var/cache/apt/**", "/var/cache/debconf/*", "/var/lib/dpkg/status*", "/var/lib/dpkg/updates/*",
    "/var/lib/dpkg/triggers/*", "/var/lib/dpkg/tmp.ci/control", "/var/lib/dpkg/info/*.list", "/var/lib/dpkg/info/*.list-new",
    "/var/lib/dpkg/diversions*", "/var/lib/dpkg/lock*", "/var/log/**", "/var/tmp/mkinitramfs*/**", "/var/tmp/mkinitramfs*",
    "/var/lib/initramfs-tools/*", "/tmp/**", "/mnt/archive/*", "/boot/grub/grub.cfg.new"]'

full_evidence() {
    guest 'setpriv --reuid bootgate-agent --regid bootgate-agent --groups tss --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search bootgate-agent capture' 120 >"$1"
    jq -e .quote "$1" >/dev/null || die "the agent in the full guest wrote no bundle: $(head -c 300 "$1")"
}

# full_run PACKAGE BOOTS: two boots to learn from, then BOOTS that must be admitted.
full_run() {
    local package=$1 boots=$2 root boot bundles=()
    root=$(full_root "$package")
    full_disk "$work/full.img" "$root" "$FULL_NODE"
    GROUP_SET=full NODE=$FULL_NODE MACHINE_TIMEOUT=300
    machine_defaults
    full_archive "$work/archive.img" "$(debian_package "$KERNEL_NEW")"
    # The small guest's second disk has no use here.
    MACHINE_SYSTEM=$work/archive.img
    MACHINE_DISK=$work/full.img MACHINE_DISK_MODE=cache=writeback MACHINE_MEMORY=1024
    machine_on "$NODE" full
    for boot in 1 2; do
        full_up
        full_evidence "$work/full-$boot.json"
        bundles+=("$work/full-$boot.json")
        [ "$boot" = 2 ] || full_reboot
    done
    bootgate reference capture "$GROUP_SET" --group full --runtime --evidence "${bundles[@]}" -o json |
        jq --argjson own "$FULL_OWN" --argjson working "$FULL_WORKING" '($own + $working) as $own | .runtime.exclude = $own | .runtime.violations = $own' >"$work/full-captured.json"
    # What is installed and did not run yet, as its packages brought it: a shutdown's programs, say.
    bootgate reference import --directory "$root" --into "$work/full-captured.json" -o json >"$work/full-set.json"
    approve_set "$work/full-set.json"
    bootgate reference activate "$GROUP_SET" --reason 'full guest' >/dev/null
    bootgate node watch "$NODE" --until trusted --interval 0.3 --timeout 60 >/dev/null || die "the full guest is not admitted"
    judge full-golden
    for boot in $(seq 3 $((boots + 2))); do
        full_reboot
        full_up
        judge full-reboot
        full_time "$boot"
        full_first_bytes
    done
    full_costs
    full_update "$root"
    machine_off
}

# A regular shutdown (PID 1 powers off at SIGRTMIN+4), and power on again. Not a warm reboot: QEMU's emulator keeps what it
# translated of the old kernel, and every write to those pages is slow for whatever lies there next.
full_reboot() {
    local since=$SECONDS
    mark_verdict "$NODE"
    guest 'sync; kill -38 1' 5 >/dev/null || true
    while machine_is_on; do
        [ $((SECONDS - since)) -lt 60 ] || die "the full guest does not shut down: $BOOT/serial.log"
        sleep 0.2
    done
    machine_off
    machine_on "$NODE" full
}

full_up() {
    local since=$SECONDS
    until [ -n "$(agent_log AGENT_STARTED)" ]; do
        machine_is_on && [ $((SECONDS - since)) -lt "$MACHINE_TIMEOUT" ] || die "the agent did not start in the full guest: $BOOT/serial.log"
        sleep 0.05
    done
    machine_wait_ready || die "the full guest did not come up: $BOOT/serial.log"
    await_verdict "$NODE" || die "no evidence from the full guest: $BOOT/serial.log"
}

agent_log() { grep -ao '{"time".*}' "$BOOT/serial.log" | jq -c --arg code "$1" 'select(.code == $code)' 2>/dev/null; }

# From the agent's start to its pass, by its own log, and what of it the agent waited for the TPM.
full_time() {
    local started
    started=$(agent_log AGENT_STARTED | jq -r .time)
    grep -ao '{"time".*}' "$BOOT/serial.log" | jq -rnR --arg since "$started" --arg boot "full-reboot, boot $1" '
        def s: capture("(?<t>.*)\\.(?<ms>\\d+)Z") | (.t + "Z" | fromdate) + (.ms | tonumber) / 1000;
        def round3: . * 1000 | round / 1000;
        [inputs | fromjson? | select(.time >= $since)] | (map(.code == "AGENT_ATTESTED" and .verdict == "pass") | index(true)) as $last | .[:$last + 1] |
        ((.[-1].time | s) - ($since | s) | round3) as $total | (map(.["tpm-ms"] // "0" | tonumber) | add / 1000 | round3) as $tpm |
        "agent         \($boot): \($total) s from start to admission, \($tpm) s of it the TPM\u0027s; without them \($total - $tpm | round3) s (bar: 2 s)"'
}

# The logs go over the wire once in each boot; nothing else in the guest sends.
full_first_bytes() {
    local sent logs
    read -r sent logs <<<"$(guest 'echo $(cat /sys/class/net/e*/statistics/tx_bytes) $(cat /sys/kernel/security/tpm0/binary_bios_measurements /sys/kernel/security/ima/binary_runtime_measurements | wc -c)')"
    echo "agent         $sent bytes sent by the machine since it was on, the logs have $logs"
}

# Memory, CPU and bytes for each attestation, steady, as the kernel of the guest counts them.
full_costs() {
    local before after
    full_counters before
    sleep 45
    full_counters after
    jq -rn --argjson a "$before" --argjson b "$after" '($b.attested - $a.attested) as $n |
        "agent         resident \($b.rss) KiB (budget 24576), peak \($b.peak) KiB (36864)",
        "agent         \((($b.ticks - $a.ticks) * 10 / $n) | round) ms of CPU for each of \($n) attestations, under emulation without KVM",
        "agent         \((($b.sent - $a.sent) / $n) | round) bytes sent for each attestation (budget 4096)"'
}

full_counters() {
    local -n into=$1
    local pid='$(systemctl show -p MainPID --value bootgate-agent)'
    into=$(guest "p=$pid; set -- \$(cat /proc/\$p/stat); echo {\\\"ticks\\\": \$((\${14} + \${15})), \
        \\\"rss\\\": \$(sed -n 's/VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/\$p/status), \\\"peak\\\": \$(sed -n 's/VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/\$p/status), \
        \\\"sent\\\": \$(ss -Htin | grep -o 'bytes_sent:[0-9]*' | cut -d: -f2 | sort -n | tail -1)}" |
        jq -c --argjson attested "$(agent_log AGENT_ATTESTED | wc -l)" '.attested = $attested')
}
