package import SecurityEvents

/// Where security events go: one destination, one cursor in the store, one task.
package struct SIEMDestination: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case syslogTLS(SyslogTLSDestination)
        case jsonLines(path: String)
    }
    /// Names the cursor in the store; keep it when the target moves.
    package var name: String
    package var kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    package var kindName: String {
        switch kind {
        case .syslogTLS: "syslog-tls"
        case .jsonLines: "json-lines"
        }
    }

    package var target: String {
        switch kind {
        case .syslogTLS(let syslog): "\(syslog.host):\(syslog.port)"
        case .jsonLines(let path): path
        }
    }
}

/// A syslog receiver on TLS (RFC 5425). Its certificate must chain to `caFile` and hold `serverName`; there is no way to
/// switch that off.
package struct SyslogTLSDestination: Hashable, Sendable {
    package var host: String
    package var port: Int
    /// The name the certificate must hold; `host` where nil.
    package var serverName: String?
    /// PEM file: the only issuers trusted here.
    package var caFile: String
    /// PEM files of the client certificate; both or none.
    package var certificateFile: String?
    package var keyFile: String?
    package var body: SyslogEncoder.Body
    /// Deadline for the handshake and for each step of a delivery.
    package var timeoutSeconds: Int

    package init(
        host: String, port: Int = 6514, serverName: String? = nil, caFile: String, certificateFile: String? = nil,
        keyFile: String? = nil, body: SyslogEncoder.Body = .json, timeoutSeconds: Int = 10
    ) {
        self.host = host
        self.port = port
        self.serverName = serverName
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.body = body
        self.timeoutSeconds = timeoutSeconds
    }
}

/// How the forwarder paces itself.
package struct SIEMForwardingOptions: Hashable, Sendable {
    /// Events of one delivery: also the most that are sent twice after a failure (the resend window).
    package var batchLimit = 512
    package var pollInterval: Duration = .milliseconds(250)
    package var backOffFirst: Duration = .milliseconds(500)
    package var backOffMost: Duration = .seconds(60)
    /// Undelivered events from which on SIEM_BACKLOG is raised and readiness is degraded (SO-05).
    package var backlogAlarmAt = 10_000

    package init() {}
}
