# Predictions of the next boot, and the planned update. Source it after attacks.sh.
#
#   predict OPTION…            what `bootgate reference predict` says of the boot to come, from the golden boot's evidence
#   compare_prediction VARIANT compares it, digest for digest, with what the machine that is on has measured; EVIDENCE_OF names
#                              the function that gets its bundle

PREDICTIONS=0

predict() { bootgate reference predict --evidence "$work/golden-evidence.json" "$@" -o json >"$work/prediction.json"; }

# Every event's digests in order, and every predicted register, in every bank.
compare_prediction() {
    local variant=$1 what
    if ! machine_wait_ready || ! "${EVIDENCE_OF:-evidence_of_guest}" "$work/booted-evidence.json"; then
        broken "$variant" "the agent wrote no bundle"
        return 0
    fi
    # Base64url without padding, as all of our JSON has it.
    jq -r '.eventLog | gsub("-"; "+") | gsub("_"; "/") | . + "==="[:(4 - length % 4) % 4]' "$work/booted-evidence.json" |
        base64 -d >"$work/booted-log.bin"
    bootgate inspect eventlog "$work/booted-log.bin" -o json | jq -c '.events[] | select(.untrustedType != "EV_NO_ACTION") | [.pcr, .digests]' >"$work/booted-events"
    jq -c '.events[] | select(.change != "removed" and .untrustedType != "EV_NO_ACTION") | [.pcr, .digests]' "$work/prediction.json" >"$work/predicted-events"
    jq -cS '.pcrs | map_values(with_entries(select((.key | tonumber) != 10)))' "$work/prediction.json" >"$work/predicted-pcrs"
    jq -cS --slurpfile want "$work/predicted-pcrs" '.pcrs as $seen | $want[0] | with_entries(.key as $bank | .value |= with_entries(.key as $pcr | .value = $seen[$bank][$pcr]))' \
        "$work/booted-evidence.json" >"$work/booted-pcrs"
    PREDICTIONS=$((PREDICTIONS + 1))
    for what in events pcrs; do
        [ -s "$work/booted-$what" ] && cmp -s "$work/predicted-$what" "$work/booted-$what" && continue
        printf 'NOT PREDICTED %-24s the %s differ from those that reference predict said\n' "$variant" "$what"
        keep_failure "$variant" "$NODE"
        diff "$work/predicted-$what" "$work/booted-$what" >"$work/failures/$variant/prediction-$what.diff" || true
        cp "$work/prediction.json" "$work/booted-evidence.json" "$work/failures/$variant/"
        return 0
    done
    printf 'as predicted  %-24s %d events and %d registers, digest for digest\n' "$variant" "$(wc -l <"$work/booted-events")" \
        "$(jq 'map(length) | add' "$work/booted-pcrs")"
}

# Of the present node: another one, switched off, may go stale meanwhile. Alarms of one kind are folded into one that counts.
count_alarms() { bootgate alarm list --node "$NODE" -o json | jq '[.items[].count] | add // 0'; }

# New kernel and initrd, as apt would write them: predicted, approved, planned, rebooted into. Nobody may hear an alarm.
attack_planned_update() {
    local version tree
    image_initrd "$work/initrd-new.img" "$KERNEL_NEW"
    predict --kernel "$(echo "$KERNEL_NEW"/boot/vmlinuz-*)" --initrd "$work/initrd-new.img"
    bootgate reference predict --evidence "$work/golden-evidence.json" --kernel "$(echo "$KERNEL_NEW"/boot/vmlinuz-*)" \
        --initrd "$work/initrd-new.img" --references "$work/golden-set.json" -o json >"$work/next-boot.json"
    # The initrd's drivers are measured when they are loaded.
    tree=$work/initrd-new
    rm -rf "$tree"
    mkdir "$tree"
    (cd "$tree" && gzip -dc "$work/initrd-new.img" | cpio --quiet -id --no-absolute-filenames 'init' 'modules/*' 'bin/busybox')
    bootgate reference import --directory "$tree" --into "$work/next-boot.json" -o json >"$work/next-set.json"
    approve_set "$work/next-set.json"
    version=$(bootgate reference list -o json | jq -r --arg name "$GROUP_SET" '[.items[] | select(.name == $name and .status == "approved") | .version] | max')
    bootgate plan create kernel-update "$NODE" --set "$GROUP_SET@$version" --hours 1 --reason 'kernel update' >/dev/null
    local alarms
    alarms=$(count_alarms)
    image_put "$MACHINE_DISK" "$(echo "$KERNEL_NEW"/boot/vmlinuz-*)" /boot/vmlinuz
    image_put "$MACHINE_DISK" "$work/initrd-new.img" /boot/initrd.img
    boot_and_judge planned-update
    compare_prediction planned-update
    plan_is_quiet planned-update kernel-update "$alarms"
    # From here on these are the references of every boot.
    cp --sparse=always "$MACHINE_DISK" "$work/updated.img"
    GOLDEN_DISK=$work/updated.img
}

# plan_is_quiet VARIANT PLAN ALARMS: the plan closed for its one node, and there are no more alarms than before.
plan_is_quiet() {
    local variant=$1 plan=$2 alarms=$3
    [ "$(bootgate plan show "$plan" -o json | jq -r '.nodes[0].status')" = updated ] || broken "$variant" "the plan does not say updated"
    [ "$(count_alarms)" -eq "$alarms" ] && return 0
    broken "$variant" "an alarm was raised"
    bootgate alarm list >"$work/failures/$variant/alarms.txt"
}
