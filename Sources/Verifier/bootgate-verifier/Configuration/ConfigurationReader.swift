internal import AssetFingerprints
internal import AttestationMessages
internal import NIOCore
internal import SIEMForwarding
internal import SecurityEvents
internal import VerifierAPI
internal import VerifierService

/// Reads `verifier.toml`, then the drop-ins `verifier.d/*.toml` beside it.
enum ConfigurationReader {
    static let defaultFile = "/etc/bootgate/verifier.toml"
    static let defaultDataDirectory = "/var/lib/bootgate-verifier"

    /// - Throws: ``ConfigurationProblems`` with every problem of every file.
    static func read(file: String, dataDirectory: String? = nil) throws(ConfigurationProblems) -> VerifierConfiguration
    {
        var table = ConfigurationTable()
        for path in [file] + dropIns(of: file) {
            do { table.merge(file: path, text: try FileAccess.text(path)) } catch { table.report("\(error)") }
        }
        let configuration = read(&table, dataDirectory)
        table.refuseRest()
        guard table.problems.isEmpty else { throw ConfigurationProblems(problems: table.problems) }
        return configuration
    }

    private static func dropIns(of file: String) -> [String] {
        guard file.hasSuffix(".toml") else { return [] }
        let directory = String(file.dropLast(".toml".count)) + ".d"
        return FileAccess.names(in: directory, suffix: ".toml").map { "\(directory)/\($0)" }
    }

    private static func read(_ table: inout ConfigurationTable, _ dataDirectory: String?) -> VerifierConfiguration {
        let configured = table.text("data-directory")
        let data = DataDirectory(path: dataDirectory ?? configured ?? defaultDataDirectory)
        let certificate = table.text("tls.certificate")
        let key = table.text("tls.key")
        if (certificate == nil) != (key == nil) { table.report("tls.certificate and tls.key come together") }
        return VerifierConfiguration(
            data: data, servers: servers(&table), serverCertificateFile: certificate, serverKeyFile: key,
            nodeRootFiles: table.list("tls.node-roots") ?? [],
            operatorRootFiles: table.list("tls.operator-roots") ?? [],
            revocationListFiles: table.list("tls.revocation-lists") ?? [],
            endorsements: endorsements(&table), destinations: destinations(&table, data),
            outboxCap: (table.integer("limits.siem-outbox-mebibytes", in: 1...65_536) ?? 256) << 20,
            defaultGroup: defaults(&table), referenceSignatures: referenceSignatures(&table),
            logLevel: logLevel(&table))
    }

    private static func referenceSignatures(_ table: inout ConfigurationTable) -> ReferenceSignatureRule {
        guard let word = table.text("references.signatures") else { return .optional }
        if let rule = ReferenceSignatureRule(rawValue: word) { return rule }
        table.report("references.signatures must be optional or required")
        return .required
    }

    private static func logLevel(_ table: inout ConfigurationTable) -> String {
        let level = table.text("log-level") ?? "info"
        if !["trace", "debug", "info", "notice", "warning", "error"].contains(level) {
            table.report("log-level must be trace, debug, info, notice, warning or error")
        }
        return level
    }

    // MARK: Listeners and limits

    private static func servers(_ table: inout ConfigurationTable) -> ServerSettings {
        let main = address(&table, "listen.main", "0.0.0.0:8443")
        let enrollment = address(&table, "listen.enrollment", "0.0.0.0:8444")
        let loopback = table.text("listen.loopback").map { parse($0, "listen.loopback", &table) }
        if let loopback, !loopback.host.hasPrefix("127."), loopback.host != "::1", loopback.host != "localhost" {
            table.report("listen.loopback is plain HTTP and must be a loopback address")
        }
        var settings = ServerSettings(main: main, enrollment: enrollment, loopback: loopback)
        func seconds(_ key: String, _ amount: inout TimeAmount) {
            if let value = table.integer("limits.\(key)", in: 1...86_400) { amount = .seconds(Int64(value)) }
        }
        seconds("handshake-seconds", &settings.deadlines.handshake)
        seconds("head-seconds", &settings.deadlines.head)
        seconds("body-seconds", &settings.deadlines.body)
        seconds("idle-seconds", &settings.deadlines.idle)
        func count(_ key: String, _ number: inout Int) {
            if let value = table.integer("limits.\(key)", in: 1...1_000_000) { number = value }
        }
        count("connections", &settings.caps.total)
        count("connections-per-address", &settings.caps.perAddress)
        count("pending-per-address", &settings.caps.pendingPerAddress)
        count("enrollment-burst", &settings.load.enrollmentBurst)
        if let rate = table.integer("limits.enrollments-per-second", in: 1...10_000) {
            settings.load.enrollmentsPerSecond = Double(rate)
        }
        return settings
    }

    private static func address(
        _ table: inout ConfigurationTable, _ key: String, _ fallback: String
    ) -> ServerSettings.Address {
        let text = table.text(key) ?? fallback
        return parse(text, key, &table)
    }

    /// `host:port`, IPv6 in brackets.
    private static func parse(_ text: String, _ key: String, _ table: inout ConfigurationTable)
        -> ServerSettings.Address
    {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let host = parts.dropLast().joined(separator: ":")
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard parts.count == 2 || isBracketed, let last = parts.last, let port = UInt16(last), !host.isEmpty else {
            table.report("\(key) must be host:port, not \(text)")
            return ServerSettings.Address(host: "127.0.0.1", port: 0)
        }
        return ServerSettings.Address(host: isBracketed ? String(host.dropFirst().dropLast()) : host, port: Int(port))
    }

    // MARK: Endorsements

    private static func endorsements(_ table: inout ConfigurationTable) -> EndorsementSettings {
        let denied = (table.tables("endorsements.deny") ?? []).compactMap { entry -> EndorsementSettings.DeniedTPM? in
            let texts = entry.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
            let allowed: Set = ["manufacturer", "model", "firmware", "issuer", "reason"]
            guard texts.count == entry.count, allowed.isSuperset(of: entry.keys), let reason = texts["reason"],
                texts.count > 1
            else {
                table.report(
                    "endorsements.deny takes manufacturer, model, firmware, issuer (one at least) and reason, all strings"
                )
                return nil
            }
            return EndorsementSettings.DeniedTPM(
                manufacturer: texts["manufacturer"], model: texts["model"], firmware: texts["firmware"],
                issuer: texts["issuer"], reason: reason)
        }
        return EndorsementSettings(
            rootsDirectory: table.text("endorsements.roots-directory"),
            requiresCertificate: table.flag("endorsements.require-certificate") ?? false,
            checksDates: table.flag("endorsements.check-dates") ?? true,
            acceptsSHA1: table.flag("endorsements.accept-sha1") ?? false, denied: denied)
    }

    // MARK: SIEM

    private static func destinations(_ table: inout ConfigurationTable, _ data: DataDirectory) -> [SIEMDestination] {
        guard let entries = table.tables("siem") else {
            return [SIEMDestination(name: "file", kind: .jsonLines(path: data.siemFile))]
        }
        var destinations: [SIEMDestination] = []
        for (index, entry) in entries.enumerated() {
            guard let destination = destination(entry, "siem[\(index)]", &table) else { continue }
            if destinations.contains(where: { $0.name == destination.name }) {
                table.report("siem[\(index)]: the name \(destination.name) is taken")
            }
            destinations.append(destination)
        }
        return destinations
    }

    private static func destination(
        _ entry: [String: ConfigurationTable.Value], _ place: String, _ table: inout ConfigurationTable
    ) -> SIEMDestination? {
        var texts = entry.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
        var port = 6514
        if case .integer(let number)? = entry["port"] {
            if (1...65_535).contains(number) { port = number } else { table.report("\(place): port \(number)") }
        }
        let kind = texts.removeValue(forKey: "kind")
        let allowed: Set<String> =
            kind == "json-lines"
            ? ["name", "kind", "path"]
            : ["name", "kind", "host", "port", "ca-file", "certificate-file", "key-file", "server-name", "format"]
        for key in entry.keys.sorted() where !allowed.contains(key) { table.report("\(place): unknown key \(key)") }
        guard let name = texts["name"] else {
            table.report("\(place): name is missing")
            return nil
        }
        switch kind {
        case "json-lines":
            guard let path = texts["path"] else {
                table.report("\(place): path is missing")
                return nil
            }
            return SIEMDestination(name: name, kind: .jsonLines(path: path))
        case "syslog-tls":
            guard let host = texts["host"], let caFile = texts["ca-file"] else {
                table.report("\(place): host and ca-file are needed")
                return nil
            }
            if (texts["certificate-file"] == nil) != (texts["key-file"] == nil) {
                table.report("\(place): certificate-file and key-file come together")
            }
            let format = texts["format"] ?? "json"
            let body: SyslogEncoder.Body
            switch format {
            case "json": body = .json
            case "cef": body = .cef
            default:
                table.report("\(place): format must be json or cef")
                return nil
            }
            return SIEMDestination(
                name: name,
                kind: .syslogTLS(
                    SyslogTLSDestination(
                        host: host, port: port, serverName: texts["server-name"], caFile: caFile,
                        certificateFile: texts["certificate-file"], keyFile: texts["key-file"], body: body)))
        default:
            table.report("\(place): kind must be json-lines or syslog-tls")
            return nil
        }
    }

    // MARK: Defaults of groups

    private static func defaults(_ table: inout ConfigurationTable) -> GroupSettings? {
        let interval = table.integer("defaults.attestation-interval-seconds", in: 1...86_400)
        let layers = table.list("defaults.required-layers")
        let warnings = table.list("defaults.warning-passes-in")
        let difference = table.text("defaults.fingerprint-difference")
        if let difference, !["warn", "deny"].contains(difference) {
            table.report("defaults.fingerprint-difference must be warn or deny")
        }
        var intervals: [FingerprintKind: Int] = [:]
        for kind in FingerprintKind.allCases {
            intervals[kind] = table.integer("defaults.fingerprint-intervals.\(kind.slug)", in: 1...604_800)
        }
        guard interval != nil || layers != nil || warnings != nil || difference != nil || !intervals.isEmpty else {
            return nil
        }
        return GroupSettings(
            fingerprintIntervals: intervals, attestationIntervalSeconds: interval ?? 0, requiredLayers: layers ?? [],
            warningPassesIn: warnings ?? [], fingerprintDifference: difference ?? "")
    }
}
