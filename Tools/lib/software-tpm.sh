# A software TPM (swtpm, a real TPM 2.0 implementation) for scripts. Source it after common.sh.
#
#   software_tpm_create STATE     manufactures a TPM in STATE: EK certificates from a CA of its own, SHA-256 and SHA-1 banks
#   software_tpm_start STATE      powers it on; STATE/tpm is its socket, SOFTWARE_TPM_PID its process
#   software_tpm_reset STATE      a TPM Reset, as a power cycle makes it: PCRs cleared, reset counter up
#   software_tpm_measure STATE LOG BOOTGATE   extends every event of a firmware event log, in order, in each of its banks
#   software_tpm_tcti STATE       prints the TCTI string

software_tpm_tcti() { printf 'swtpm:path=%s/tpm' "$1"; }

software_tpm_create() {
    local state=$1
    mkdir -p "$state/nvram" "$state/config" "$state/ca" "$state/certificates"
    cat >"$state/config/swtpm-localca.conf" <<TEXT
statedir = $state/ca
signingkey = $state/ca/signkey.pem
issuercert = $state/ca/issuercert.pem
certserial = $state/ca/certserial
TEXT
    cat >"$state/config/swtpm-localca.options" <<'TEXT'
--platform-manufacturer Bootgate
--platform-version 1
--platform-model QuickStart
TEXT
    cat >"$state/config/swtpm_setup.conf" <<TEXT
create_certs_tool = /usr/bin/swtpm_localca
create_certs_tool_config = $state/config/swtpm-localca.conf
create_certs_tool_options = $state/config/swtpm-localca.options
TEXT
    swtpm_setup --tpm2 --tpmstate "$state/nvram" --config "$state/config/swtpm_setup.conf" \
        --create-ek-cert --write-ek-cert-files "$state/certificates" --pcr-banks sha1,sha256 --overwrite --logfile "$state/setup.log" >/dev/null ||
        die "swtpm_setup failed: $(tail -3 "$state/setup.log")"
}

software_tpm_start() {
    local state=$1
    swtpm socket --tpm2 --tpmstate "dir=$state/nvram" --server "type=unixio,path=$state/tpm" \
        --ctrl "type=unixio,path=$state/tpm.ctrl" --flags startup-clear --daemon --pid "file=$state/pid" \
        --log "file=$state/swtpm.log"
    SOFTWARE_TPM_PID=$(cat "$state/pid")
    export TPM2TOOLS_TCTI
    TPM2TOOLS_TCTI=$(software_tpm_tcti "$state")
}

software_tpm_reset() {
    local state=$1
    swtpm_ioctl --unix "$state/tpm.ctrl" -i
    tpm2_startup -c
}

software_tpm_measure() {
    local state=$1 log=$2 bootgate=$3
    # One call for each event, as firmware does it; EV_NO_ACTION (3) is never extended.
    "$bootgate" inspect eventlog "$log" -o json |
        jq -r '.events[] | select(.untrustedType != "EV_NO_ACTION")
               | "\(.pcr):" + ([.digests | to_entries[] | select(.key == "sha1" or .key == "sha256") | "\(.key)=\(.value)"] | join(","))' |
        while read -r extend; do tpm2_pcrextend "$extend"; done
}
