import Foundation
import SoftwareTPM
import Synchronization
import Testing

/// TA-21: the verifier's own certificate, near its end and replaced under load.
@Suite(
    "The verifier's certificate ends, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct CertificateEndTests {
    /// A CA whose server certificates last as long as a test says. The verifier reads `server.pem` and `server.key`.
    private struct ServerFiles {
        let authority: ExternalAuthority
        let directory: TemporaryDirectory
        var certificate: String { directory.file("server.pem") }

        init() throws {
            authority = try ExternalAuthority("Server CA")
            directory = try TemporaryDirectory()
        }

        /// Puts a new key and certificate in the place of the last ones.
        func replace(_ name: String, endsIn seconds: TimeInterval) throws {
            let time = Date(timeIntervalSinceNow: seconds).formatted(
                .verbatim(
                    "\(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z",
                    timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
            let identity = try authority.issue(name, uri: "DNS:localhost", usage: "serverAuth", until: time)
            try install(identity)
        }

        private func install(_ identity: Identity) throws {
            // Key and certificate change with one rename each, as an operator's tool does it.
            for (source, name) in [(identity.key, "server.key"), (identity.certificate, "server.pem")] {
                try writeFile(try readFile(source), to: directory.file(name + ".new"))
                guard rename(directory.file(name + ".new"), directory.file(name)) == 0 else {
                    throw LaboratoryError("rename: \(String(cString: strerror(errno)))")
                }
            }
        }

        func configuration() -> String {
            "[tls]\ncertificate = \"\(certificate)\"\nkey = \"\(directory.file("server.key"))\"\n"
        }
    }

    private static let day: TimeInterval = 86_400

    private func announced(_ laboratory: Laboratory) -> [String] {
        laboratory.events().filter { ($0["event"] as? String) == "API_CERTIFICATE_ENDS" }
            .compactMap { event in (event["severity"] as? String) }
    }

    @Test("TA-21: 30, 7 and 1 days before its end the server's certificate is announced: medium, high, critical")
    func announcements() async throws {
        let files = try ServerFiles()
        try files.replace("long", endsIn: 40 * Self.day)
        let laboratory = try Laboratory(configuration: files.configuration())
        try await laboratory.start()
        #expect(announced(laboratory).isEmpty)
        let steps: [(String, Double, String)] = [
            ("month", 29, "medium"), ("two", 2, "high"), ("hours", 0.5, "critical"),
        ]
        for (index, (name, days, severity)) in steps.enumerated() {
            try files.replace(name, endsIn: days * Self.day)
            laboratory.verifier?.signal(SIGHUP)
            try await eventually("the announcement of \(days) days") {
                announced(laboratory).count > index ? true : nil
            }
            #expect(announced(laboratory).last == severity)
        }
        // Once each, over a restart too.
        laboratory.stop()
        try await laboratory.start()
        #expect(announced(laboratory) == ["medium", "high", "critical"])
    }

    @Test("TA-21: the end of an external CA is announced like our own, and all ends are in the metrics")
    func externalAuthority() async throws {
        let authority = try ExternalAuthority("External CA", days: 6)
        let laboratory = try Laboratory(configuration: "[tls]\nnode-roots = [\"\(authority.certificate)\"]\n")
        try await laboratory.start()
        try await eventually("the announcement") { announced(laboratory) == ["high"] ? true : nil }
        let metrics = try laboratory.curl("/metrics", as: nil, port: laboratory.loopbackPort).body
        let ends = metrics.split(separator: "\n").filter {
            $0.hasPrefix("bootgate_certificate_expiry_timestamp_seconds{")
        }
        for name in [
            "server", "identity-ca", "operator-ca", "admission-ca", "server-ca", "node-root \(authority.certificate)",
        ] {
            #expect(ends.contains { $0.contains("certificate=\"\(name)\"") }, "\(name): \(ends)")
        }
        // What else an operator's dashboard needs.
        for state in ["pending", "trusted", "untrusted", "stale", "suspended", "revoked"] {
            #expect(metrics.contains("bootgate_nodes{state=\"\(state)\"} 0.0"))
        }
        #expect(metrics.contains("bootgate_siem_backlog_events{destination=\"file\"}"))
        #expect(metrics.contains("bootgate_siem_outbox_bytes"))
    }

    @Test("TA-21: with 2 days left it is high; after files are swapped and SIGHUP under load no post has failed")
    func swappedUnderLoad() async throws {
        let files = try ServerFiles()
        try files.replace("old", endsIn: 2 * Self.day)
        let laboratory = try Laboratory(configuration: files.configuration())
        try await laboratory.start()
        try await eventually("the announcement") { announced(laboratory) == ["high"] ? true : nil }

        let url = "https://localhost:\(laboratory.mainPort)/v1/siem/test"
        let alice = laboratory.identity("alice")
        let common =
            ["-sS", "--cacert", files.authority.certificate, "--cert", alice.certificate, "--key", alice.key]
            + ["-X", "POST", "-w", "%{http_code}\n"]
        let stopped = Flag()
        // Two posters on kept connections, two that make a new one for each post.
        let posters = (0..<4).map { index in
            Task.detached { () throws -> [String] in
                var outcomes: [String] = []
                while !stopped.isSet {
                    let count = index < 2 ? 50 : 1
                    let urls = (0..<count).flatMap { _ in ["-o", "/dev/null", url] }
                    let result = try runProcess("curl", common + urls)
                    outcomes += result.text.split(separator: "\n").map(String.init)
                    if !result.succeeded { outcomes.append("curl \(result.status): \(result.errorText)") }
                }
                return outcomes
            }
        }
        for round in 0..<10 {
            try files.replace("new\(round)", endsIn: Double(90 + round) * Self.day)
            laboratory.verifier?.signal(SIGHUP)
            // The next handshake shows the certificate that was made last.
            try await eventually("certificate \(round) is served") {
                let shown = try runProcess(
                    "sh",
                    [
                        "-c",
                        "openssl s_client -connect 127.0.0.1:\(laboratory.mainPort) < /dev/null 2>/dev/null | openssl x509 -noout -subject",
                    ])
                return shown.text.contains("new\(round)") ? true : nil
            }
        }
        stopped.set()
        var outcomes: [String] = []
        for poster in posters { outcomes += try await poster.value }
        print("TA-21: \(outcomes.count) posts over 10 swaps")
        #expect(outcomes.count > 50)
        #expect(outcomes.filter { $0 != "200" } == [])
        #expect(announced(laboratory) == ["high"])
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
