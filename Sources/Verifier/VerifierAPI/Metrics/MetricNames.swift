/// Every metric of the verifier. Labels hold route templates and reason codes, never text from a request.
package enum MetricNames {
    package static let requests = "bootgate_http_requests_total"
    package static let requestSeconds = "bootgate_http_request_duration_seconds"
    package static let refusals = "bootgate_refusals_total"
    package static let connections = "bootgate_connections"
    package static let connectionsRefused = "bootgate_connections_refused_total"
    package static let handshakesFailed = "bootgate_tls_handshakes_failed_total"
    package static let deadlines = "bootgate_deadlines_missed_total"
    package static let trustReloads = "bootgate_trust_reloads_total"
    package static let certificateExpiry = "bootgate_certificate_expiry_timestamp_seconds"
    package static let nodes = "bootgate_nodes"
    package static let verdicts = "bootgate_verdicts_total"
    package static let openAlarms = "bootgate_open_alarms"
    package static let siemBacklog = "bootgate_siem_backlog_events"
    package static let siemOutbox = "bootgate_siem_outbox_bytes"

    static let help: [String: String] = [
        requests: "Requests by route and status.",
        requestSeconds: "Time from a request's head to its answer, by route.",
        refusals: "Refused requests by reason code.",
        connections: "Open connections by listener.",
        connectionsRefused: "Connections closed on arrival because of a cap.",
        handshakesFailed: "TLS handshakes that did not complete.",
        deadlines: "Connections closed at a deadline, by phase.",
        trustReloads: "Reloads of certificates and trust roots by outcome.",
        certificateExpiry: "End of the named certificate, seconds since 1970.",
        nodes: "Nodes by shown state.",
        openAlarms: "Alarms that nobody has acknowledged.",
        verdicts: "Verdicts given to nodes since the start, by verdict; a resend of the same evidence is none.",
        siemBacklog: "Events not yet delivered, by destination.",
        siemOutbox: "Size of all undelivered events.",
    ]
}
