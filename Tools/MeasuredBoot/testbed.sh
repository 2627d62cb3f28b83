# A verifier on this host's loopback, and what an operator does with the machines. Source it after machine.sh and laboratory.sh.
#
#   testbed_start NODE…             machines for these nodes (and one, spare, that is in no manifest), the verifier, the
#                                   factory manifest, the guests' system disks
#   testbed_configuration NODE TREE  the agent's configuration for that node
#   mark_verdict                    remembers the node's last verdict; await_verdict waits for a newer one
#   await_verdict NODE [SECONDS]    fails when none comes
#   capture_references              a reference set of the machine that is on (boot and what runs), by two operators
#   clear_node NODE                 clears the sticky failure, as an operator who found the cause

GROUP_SET=golden

bootgate() { "$bin/bootgate" "$@"; }

testbed_start() {
    local node
    mkdir -p "$work/machines" "$work/roots"
    for node in "$@" spare; do
        machine_make "$node"
        # Every software TPM has a manufacturer of its own.
        cp "$work/machines/$node/tpm/ca/swtpm-localca-rootca-cert.pem" "$work/roots/$node-root.pem"
        cp "$work/machines/$node/tpm/ca/issuercert.pem" "$work/roots/$node-issuer.pem"
    done
    laboratory_init --operator alice:viewer,enroller,security-admin --operator bob:viewer,approver,auditor
    cat >>"$work/verifier.toml" <<TEXT
[endorsements]
roots-directory = "$work/roots"
require-certificate = true
[defaults]
attestation-interval-seconds = 10
TEXT
    laboratory_start
    laboratory_as alice
    for node in "$@"; do
        bootgate node add "$node" --ek-spki-sha256 "$(endorsement_key "$work/machines/$node")" --site testbed --group "$(node_group "$node")" >/dev/null
    done
    for node in "$@"; do testbed_system_disk "$node" "$work/system-$node.img"; done
    ln -s "system-$1.img" "$work/system.img"
}

# uki-01 is in group uki, and so on; the small guests are in the default group.
node_group() { case $1 in edge-*) echo default ;; *) echo "${1%-*}" ;; esac; }

# The SHA-256 of the RSA endorsement key's SubjectPublicKeyInfo, as a factory's manifest has it.
endorsement_key() {
    openssl x509 -inform der -in "$(ls "$1"/tpm/certificates/ek-rsa*.crt)" -noout -pubkey |
        openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1
}

testbed_configuration() {
    local node=$1 tree=$2
    mkdir -p "$tree/etc/bootgate"
    cp "$work/verifier/ca/server-ca.pem" "$tree/etc/bootgate/server-ca.pem"
    cat >"$tree/etc/bootgate/agent.toml" <<TEXT
[verifier]
url = "https://10.0.2.2:$MAIN_PORT"
enrollment-url = "https://10.0.2.2:$ENROLLMENT_PORT"
name = "localhost"
ca-file = "/etc/bootgate/server-ca.pem"
[node]
id = "$node"
[state]
directory = "/state/bootgate-agent"
TEXT
    chmod 644 "$tree/etc/bootgate/"*
}

kexec_libraries() {
    local package folders=()
    for package in libxenmisc4.17 libxentoollog1 libxencall1 libxenevtchn1 libxengnttab1 libxenforeignmemory1 \
        libxendevicemodel1 libxentoolcore1; do
        folders+=("$(debian_unpacked "$package")/usr/lib/x86_64-linux-gnu")
    done
    (IFS=:; printf '%s' "${folders[*]}")
}

# The small guest's programs and settings; its kernel and /init are on the boot disk.
testbed_system_disk() {
    local node=$1 out=$2 tree
    tree=$work/system-$node
    rm -rf "$tree"
    mkdir -p "$tree/usr/lib/x86_64-linux-gnu" "$tree/usr/sbin" "$tree/etc"
    # As the package has it: symbols would be measured each time.
    strip -o "$work/bootgate-agent" "$AGENT_PROGRAM"
    image_program "$tree" "$work/bootgate-agent" /usr/bin/bootgate-agent
    image_program "$tree" /usr/bin/setpriv /usr/bin/setpriv
    image_program "$tree" "$(debian_unpacked kexec-tools)/sbin/kexec" /usr/sbin/kexec "$(kexec_libraries)"
    # What an attacker brings along: another kernel to kexec, the driver for the firmware's variables.
    install -D -m 644 "$KERNEL"/boot/vmlinuz-* "$tree/boot/vmlinuz"
    install -D -m 644 "$work/initrd.img" "$tree/boot/initrd.img"
    install -D -m 644 "$(find "$KERNEL/lib/modules" -name efivarfs.ko)" "$tree/usr/lib/modules/efivarfs.ko"
    # The TCTI is loaded by name, so that ldd does not see it.
    image_program "$tree" /usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0 /usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0
    printf 'root:x:0:0:root:/root:/bin/sh\nbootgate:x:900:900::/state/bootgate-agent:/bin/false\n' >"$tree/etc/passwd"
    printf 'root:x:0:\nbootgate:x:900:\n' >"$tree/etc/group"
    testbed_configuration "$node" "$tree"
    image_system_disk "$out" "$tree"
    rm -rf "$tree"
}

# Nothing for a node that never enrolled.
last_verdict() { bootgate node show "$1" -o json 2>/dev/null | jq -r '.lastVerdict.verdictID // ""' || true; }

VERDICT_BEFORE=''
mark_verdict() { VERDICT_BEFORE=$(last_verdict "$1"); }
await_verdict() {
    local node=$1 limit=${2:-60} since=$SECONDS now
    while :; do
        now=$(last_verdict "$node")
        [ -z "$now" ] || [ "$now" = "$VERDICT_BEFORE" ] || return 0
        [ $((SECONDS - since)) -lt "$limit" ] || return 1
        sleep 0.3
    done
}

# approve_set FILE: alice proposes, bob approves the exact bytes, alice activates.
approve_set() {
    local file=$1 digest
    digest=$(bootgate reference propose "$GROUP_SET" --group "$(node_group "$NODE")" --document "@$file" --reason 'measured boot' -o json | jq -r .documentSHA256)
    laboratory_as bob
    bootgate reference approve "$GROUP_SET" --sha256 "$digest" --reason 'measured boot' >/dev/null
    laboratory_as alice
}

# evidence_of_guest OUT: a bundle that the agent in the guest writes, with its measurement list.
evidence_of_guest() {
    guest 'as_agent /usr/bin/bootgate-agent capture --config /etc/bootgate/agent.toml' 120 >"$1"
}

capture_references() {
    evidence_of_guest "$work/golden-evidence.json" || die "the agent in the guest wrote no bundle: $(head -c 600 "$work/golden-evidence.json")"
    bootgate reference capture "$GROUP_SET" --runtime --evidence "$work/golden-evidence.json" -o json >"$work/golden-set.json"
    approve_set "$work/golden-set.json"
    bootgate reference activate "$GROUP_SET" --reason 'golden boot' >/dev/null
}

clear_if_failed() {
    [ "$(bootgate node show "$NODE" -o json 2>/dev/null | jq -r .standing || true)" != failed ] || clear_node "$NODE"
}

clear_node() {
    local verdict
    # The fail that stuck; the node may have failed again since.
    verdict=$(bootgate node explain "$1" -o json | jq -r .verdictToClear)
    bootgate node clear "$1" --verdict "$verdict" --reason 'the testbed undid the attack' >/dev/null
}
