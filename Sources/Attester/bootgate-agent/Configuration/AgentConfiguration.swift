import AttestationMessages
import AttesterSession
import AttestingEnvironment
import ESAPI
import Glibc
import Logging
import VerifierClient

/// The settings in effect, checked as far as a verb needs them.
struct AgentConfiguration: Sendable {
    var tcti: String
    var keys: KeyChoice
    var eventLog: String
    var measurementList: String
    var bootIDFile: String
    var stateDirectory: String
    /// Where the agent shows other processes its status.
    var statusDirectory: String
    var inventoryRoot: String
    var logger: Logger
    /// Present when the verb talks to the verifier.
    var session: SessionConfiguration?

    /// - Throws: ``AgentFailure`` 78 with a line for each problem.
    static func load(from path: String?, needsVerifier: Bool) throws -> AgentConfiguration {
        var reader = SettingsReader(path: path)
        let values = reader.values
        func required(_ key: SettingKey) -> String {
            if let value = values[key], !value.isEmpty { return value }
            reader.report("\(key.rawValue) is not set")
            return ""
        }
        func absolute(_ key: SettingKey) -> String {
            let path = required(key)
            if !path.isEmpty, !path.hasPrefix("/") { reader.report("\(key.rawValue) is not an absolute path") }
            return path
        }
        let level = Logger.Level(rawValue: required(.logLevel))
        if level == nil { reader.report("log.level is one of trace, debug, info, notice, warning, error, critical") }
        let format = LineLogHandler.Format(rawValue: required(.logFormat))
        if format == nil { reader.report("log.format is json or logfmt") }
        var keys = KeyChoice()
        switch values[.endorsementKey] {
        case nil: break
        case "rsa": keys.endorsement = [.rsa2048, .rsa2048High]
        case "ecc": keys.endorsement = [.eccP256, .eccP384, .eccP256High]
        case .some(let name):
            if let kind = EndorsementKeyKind(rawValue: name) {
                keys.endorsement = [kind]
            } else {
                let names = EndorsementKeyKind.allCases.map(\.rawValue).joined(separator: ", ")
                reader.report("tpm.ek is rsa, ecc, or one of \(names)")
            }
        }
        switch values[.attestationKey] {
        case "p256": keys.attestation = .attestationP256
        case "rsa": keys.attestation = .attestationRSA2048
        default: reader.report("tpm.ak is p256 or rsa")
        }
        let tcti = required(.tcti)
        let eventLog = absolute(.eventLog)
        let measurementList = absolute(.measurementList)
        let bootIDFile = absolute(.bootID)
        let stateDirectory = absolute(.stateDirectory)
        let statusDirectory = absolute(.statusDirectory)
        let inventoryRoot = absolute(.inventoryRoot)
        var session: SessionConfiguration?
        if needsVerifier { session = Self.session(&reader, keys, eventLog, measurementList) }
        guard reader.problems.isEmpty, let level, let format else { throw AgentFailure(78, reader.problems) }
        return AgentConfiguration(
            tcti: tcti, keys: keys, eventLog: eventLog, measurementList: measurementList, bootIDFile: bootIDFile,
            stateDirectory: stateDirectory, statusDirectory: statusDirectory, inventoryRoot: inventoryRoot,
            logger: Logger(label: "bootgate-agent") { _ in LineLogHandler(format: format, logLevel: level) },
            session: session)
    }

    private static func session(
        _ reader: inout SettingsReader, _ keys: KeyChoice, _ eventLog: String, _ measurementList: String
    ) -> SessionConfiguration? {
        let values = reader.values
        for key in [SettingKey.enrollmentURL, .verifierURL, .caFile, .nodeID] where values[key]?.isEmpty ?? true {
            reader.report("\(key.rawValue) is not set")
        }
        let node = values[.nodeID].flatMap { NodeID($0) }
        if node == nil, values[.nodeID]?.isEmpty == false { reader.report("node.id is [a-z0-9][a-z0-9-]{0,62}") }
        func endpoint(_ key: SettingKey) -> VerifierEndpoint? {
            guard let url = values[key], let ca = values[.caFile], !url.isEmpty, !ca.isEmpty else { return nil }
            do {
                return try VerifierEndpoint(
                    url: url, caFile: ca, name: values[.verifierName],
                    pins: values[.pins]?.split(separator: ",").map(String.init) ?? [], checksDates: false)
            } catch {
                reader.report("\(key.rawValue): \(error.message)")
                return nil
            }
        }
        let enrollment = endpoint(.enrollmentURL)
        let verifier = endpoint(.verifierURL)
        if let ca = values[.caFile], !ca.isEmpty, unsafe access(ca, R_OK) != 0 {
            reader.report("verifier.ca-file: \(ca): \(unsafe String(cString: strerror(errno)))")
        }
        let timeout = values[.timeout].flatMap { Int($0) } ?? 0
        if !(1...3600).contains(timeout) { reader.report("verifier.timeout-seconds is 1 to 3600") }
        var token: String?
        if let path = values[.manifestTokenFile] {
            do { token = try Self.token(path) } catch { reader.report("node.manifest-token-file: \(error)") }
        }
        guard let node, let enrollment, let verifier else { return nil }
        let settings = Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
        return SessionConfiguration(
            nodeID: node, manifestToken: token, enrollment: enrollment, verifier: verifier, keys: keys,
            eventLogPath: eventLog, measurementListPath: measurementList, agentVersion: AgentCommand.version,
            configurationDigest: SessionConfiguration.digest(settings), callTimeoutSeconds: timeout)
    }

    /// The token serves once; the file may be gone after the enrollment.
    private static func token(_ path: String) throws -> String? {
        guard unsafe access(path, F_OK) == 0 else { return nil }
        let bytes = try EvidenceSource.read(path, limit: 4096)
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        return text.map(String.init)
    }
}
