# A verifier of its own in a temporary folder, for scripts. Source it after common.sh; set `work` and `bin` before.
#
#   laboratory_init OPERATOR…     makes the data directory (localhost) and a configuration with private ports
#   laboratory_start [PREFIX…]    starts the verifier, with a command before it (taskset -c 0, say); waits until it is ready
#   laboratory_stop               SIGTERM, and waits
#   laboratory_as NAME            makes `bootgate` act as that operator (BOOTGATE_* variables)

LABORATORY_PID=

free_port() {
    # A port that nobody listens on now; the kernel's own choice for outgoing connections stays away from it.
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s' "$port"; return; }
    done
}

laboratory_init() {
    MAIN_PORT=$(free_port)
    ENROLLMENT_PORT=$(free_port)
    LOOPBACK_PORT=$(free_port)
    "$bin/bootgate-verifier" init --data-directory "$work/verifier" --name localhost "$@" >"$work/init.log" ||
        die "bootgate-verifier init: $(cat "$work/init.log")"
    cat >"$work/verifier.toml" <<TEXT
data-directory = "$work/verifier"
log-level = "${LABORATORY_LOG_LEVEL:-info}"
[listen]
main = "127.0.0.1:$MAIN_PORT"
enrollment = "127.0.0.1:$ENROLLMENT_PORT"
loopback = "127.0.0.1:$LOOPBACK_PORT"
TEXT
    export BOOTGATE_VERIFIER_URL="https://localhost:$MAIN_PORT"
    export BOOTGATE_VERIFIER_CA_FILE="$work/verifier/ca/server-ca.pem"
}

laboratory_start() {
    "$@" "$bin/bootgate-verifier" run --config "$work/verifier.toml" >>"$work/verifier.log" 2>&1 &
    LABORATORY_PID=$!
    local tries=0
    until curl -sf -o /dev/null "http://127.0.0.1:$LOOPBACK_PORT/readyz"; do
        kill -0 "$LABORATORY_PID" 2>/dev/null || { tail -5 "$work/verifier.log" >&2; die "the verifier ended"; }
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || die "the verifier is not ready after 30 s"
        sleep 0.1
    done
}

laboratory_stop() {
    [ -n "$LABORATORY_PID" ] || return 0
    kill "$LABORATORY_PID" 2>/dev/null || true
    wait "$LABORATORY_PID" 2>/dev/null || true
    LABORATORY_PID=
}

laboratory_as() {
    export BOOTGATE_OPERATOR_CERTIFICATE="$work/verifier/operators/$1.pem"
    export BOOTGATE_OPERATOR_KEY="$work/verifier/operators/$1.key"
}
