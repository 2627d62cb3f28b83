# The full guest, booted again and again: admitted each time, and what the agent costs there. Source it after full-guest.sh.

FULL_NODE=full-01
# Files that root reads and that are each boot's own; everything else must be in the references.
FULL_OWN='["/var/lib/systemd/random-seed", "/var/log/journal/*/system.journal"]'

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
    MACHINE_DISK=$work/full.img MACHINE_DISK_MODE=cache=writeback MACHINE_MEMORY=1024
    machine_on "$NODE" full
    for boot in 1 2; do
        full_up "$boot"
        full_evidence "$work/full-$boot.json"
        bundles+=("$work/full-$boot.json")
        [ "$boot" = 2 ] || full_reboot
    done
    bootgate reference capture "$GROUP_SET" --group full --runtime --evidence "${bundles[@]}" -o json |
        jq --argjson own "$FULL_OWN" '.runtime.exclude = $own | .runtime.violations = $own' >"$work/full-captured.json"
    # What is installed and did not run yet, as its packages brought it: a shutdown's programs, say.
    bootgate reference import --directory "$root" --into "$work/full-captured.json" -o json >"$work/full-set.json"
    approve_set "$work/full-set.json"
    bootgate reference activate "$GROUP_SET" --reason 'full guest' >/dev/null
    bootgate node watch "$NODE" --until trusted --interval 0.3 --timeout 60 >/dev/null || die "the full guest is not admitted"
    judge full-golden
    for boot in $(seq 3 $((boots + 2))); do
        full_reboot
        full_up "$boot"
        judge full-reboot
        full_time "$boot"
    done
    full_costs
    machine_off
}

# A regular shutdown and restart: PID 1 takes SIGINT for Ctrl-Alt-Del.
full_reboot() {
    mark_verdict "$NODE"
    guest 'sync; kill -INT 1' 5 >/dev/null || true
}

# What the TPM has computed so far, in ticks: swtpm does nothing else.
tpm_ticks() { awk '{ print $14 + $15 }' "/proc/$MACHINE_TPM_PID/stat"; }

full_up() {
    local since=$SECONDS
    until [ "$(agent_log AGENT_STARTED | wc -l)" -ge "$1" ]; do
        [ $((SECONDS - since)) -lt "$MACHINE_TIMEOUT" ] || die "the agent did not start in boot $1 of the full guest: $BOOT/serial.log"
        sleep 0.05
    done
    TPM_BEFORE=$(tpm_ticks)
    machine_wait_ready "$1" || die "boot $1 of the full guest did not come up: $BOOT/serial.log"
    await_verdict "$NODE" || die "no evidence from boot $1 of the full guest: $BOOT/serial.log"
    TPM_AFTER=$(tpm_ticks)
}

agent_log() { grep -ao '{"time".*}' "$BOOT/serial.log" | jq -c --arg code "$1" 'select(.code == $code)' 2>/dev/null; }

# From the agent's start to its pass, by its own log.
full_time() {
    local started admitted
    started=$(agent_log AGENT_STARTED | tail -1 | jq -r .time)
    admitted=$(agent_log AGENT_ATTESTED | jq -r --arg since "$started" 'select(.time >= $since and .verdict == "pass") | .time' | head -1)
    printf 'agent         %-24s %s s from start to admission, of it %s s of the TPM (bar: 2 s and the TPM'"'"'s)\n' "full-reboot, boot $1" \
        "$(jq -n --arg from "$started" --arg to "$admitted" 'def s: capture("(?<t>.*)\\.(?<ms>\\d+)Z") | (.t + "Z" | fromdate) + (.ms | tonumber) / 1000; (($to | s) - ($from | s)) * 1000 | round / 1000')" \
        "$(jq -n "($TPM_AFTER - $TPM_BEFORE) / $(getconf CLK_TCK)")"
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
