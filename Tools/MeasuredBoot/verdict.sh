# What the verifier said beside what expected.tsv predicts. Source it after testbed.sh.
#
#   judge VARIANT [NODE]     the node's last verdict, first broken layer, first divergent event and reasons, against the table
#   expectation VARIANT COLUMN
#   variants [PART]          the names in the table, or those of a part
#
# A mismatch keeps what a person needs in $evidence/VARIANT and counts in MISMATCHES.

EXPECTED=$BOOTGATE_ROOT/Tools/MeasuredBoot/expected.tsv
MISMATCHES=() JUDGED=0
# Boots of what the references know: none may be refused.
GOOD_BOOTS=0 FALSE_REFUSALS=0

variants() {
    # A run of all boots everything but what another variant boots on the way, and the full guest's.
    grep -v '^#' "$EXPECTED" | tail -n +2 | awk -F '\t' -v part="${1:-every}" '
        part == "every" || $2 == part || $2 == "ci" && part != "full" || part == "all" && $2 == "bar" { print $1 }'
}

expectation() {
    awk -F '\t' -v name="$1" -v column="$2" '
        /^#/ { next }
        !head { for (i = 1; i <= NF; i++) at[$i] = i; head = 1; next }
        $1 == name { print $at[column]; found = 1 }
        END { exit !found }' "$EXPECTED" || die "expected.tsv has no row $1"
}

judge() {
    local variant=$1 node=${2:-$NODE} explained seen want admission field differences=()
    explained=$(bootgate node explain "$node" -o json) || die "node explain $node failed"
    admission=$(bootgate admission show "$node" -o json 2>/dev/null | jq -r .decision || true)
    seen=$(jq -r --arg admission "$admission" '[
        .verdict.verdict, .firstBrokenLayer // "-", (.firstDivergentEvent.pcr // "-" | tostring), .firstDivergentEvent.name // "-",
        ((.verdict.reasons // []) | if length == 0 then "-" else sort | join(",") end), $admission] | join("\t")' <<<"$explained")
    local names=(verdict layer pcr event reasons admission) values
    IFS=$'\t' read -ra values <<<"$seen"
    [ "$(expectation "$variant" verdict)" != pass ] || count_good_boot "${values[0]}"
    local index=0
    for field in "${names[@]}"; do
        want=$(expectation "$variant" "$field")
        # The table may leave out with * what each build makes anew.
        # shellcheck disable=SC2053
        [[ ${values[$index]} == $want ]] || differences+=("$field is ${values[$index]}, predicted was $want")
        index=$((index + 1))
    done
    JUDGED=$((JUDGED + 1))
    if [ ${#differences[@]} -eq 0 ]; then
        printf 'as predicted  %-24s %s\n' "$variant" "$(tr '\t' ' ' <<<"$seen")"
        return 0
    fi
    printf 'NOT PREDICTED %-24s %s\n' "$variant" "$(printf '%s; ' "${differences[@]}")"
    keep_failure "$variant" "$node"
}

count_good_boot() {
    GOOD_BOOTS=$((GOOD_BOOTS + 1))
    [ "$1" = pass ] || FALSE_REFUSALS=$((FALSE_REFUSALS + 1))
}

# broken VARIANT WHY: there is nothing to judge.
broken() {
    printf 'NOT PREDICTED %-24s %s\n' "$1" "$2"
    keep_failure "$1" "$NODE"
}

# judge_refused VARIANT: powers on; the agent must be turned away with the predicted code, and the node must not get a verdict by it.
judge_refused() {
    local variant=$1 want seen=''
    want=$(expectation "$variant" event)
    mark_verdict "$NODE"
    machine_on "$NODE" "$variant"
    machine_wait_ready || { broken "$variant" "the guest did not come up"; return 0; }
    local since=$SECONDS
    while [ $((SECONDS - since)) -lt 30 ]; do
        seen=$(grep -ao '{"time".*"step failed".*}' "$BOOT/serial.log" | head -1 | jq -r .code 2>/dev/null || true)
        [ -z "$seen" ] || break
        sleep 0.5
    done
    JUDGED=$((JUDGED + 1))
    # shellcheck disable=SC2053
    if [[ $seen == $want ]] && [ "$(last_verdict "$NODE")" = "$VERDICT_BEFORE" ]; then
        printf 'as predicted  %-24s refused %s\n' "$variant" "$seen"
        return 0
    fi
    printf 'NOT PREDICTED %-24s the agent logged %s, predicted was %s\n' "$variant" "${seen:-nothing}" "$want"
    keep_failure "$variant" "$NODE"
}

# keep_failure VARIANT NODE: what a person needs to find out why.
keep_failure() {
    local variant=$1 node=$2 folder
    MISMATCHES+=("$variant")
    folder=$work/failures/$variant
    mkdir -p "$folder"
    bootgate node explain "$node" --all >"$folder/explain.txt" 2>&1 || true
    bootgate node explain "$node" -o json >"$folder/explain.json" 2>/dev/null || true
    bootgate node history "$node" >"$folder/history.txt" 2>&1 || true
    [ -z "$BOOT" ] || cp "$BOOT"/*.log "$folder/" 2>/dev/null || true
    tail -50 "$work/verifier.log" >"$folder/verifier.log" 2>/dev/null || true
    KEEP=yes
}
