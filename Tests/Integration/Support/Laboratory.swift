import AttestationMessages
import Foundation
import SoftwareTPM

/// A real verifier of its own, with two operators: alice proposes, bob approves.
final class Laboratory: VerifierPlace {
    let directory: TemporaryDirectory
    let mainPort: Int
    let enrollmentPort: Int
    let loopbackPort: Int
    private(set) var verifier: SpawnedProcess?

    /// - Parameters:
    ///   - configuration: more TOML, behind the listeners.
    ///   - person: one operator with all roles in the place of the two: lab mode.
    init(configuration: String = "", oneOperator person: String? = nil) throws {
        directory = try TemporaryDirectory()
        let ports = try Self.freePorts(3)
        (mainPort, enrollmentPort, loopbackPort) = (ports[0], ports[1], ports[2])
        let operators =
            person.map {
                ["--lab-one-operator", "--operator", "\($0):viewer,enroller,approver,security-admin,auditor"]
            }
            ?? [
                "--operator", "alice:viewer,enroller,security-admin", "--operator",
                "bob:viewer,enroller,approver,auditor",
            ]
        try runProcessSuccessfully(
            Programs.verifier, ["init", "--data-directory", data, "--name", "localhost"] + operators)
        let roots = directory.file("roots")
        try FileManager.default.createDirectory(atPath: roots, withIntermediateDirectories: true)
        let authority = try TPMManufacturer.shared.certificateAuthority()
        try writeFile(authority.rootPEM, to: "\(roots)/root.pem")
        try writeFile(authority.issuerPEM, to: "\(roots)/issuer.pem")
        let text = """
            data-directory = "\(data)"
            [listen]
            main = "127.0.0.1:\(mainPort)"
            enrollment = "127.0.0.1:\(enrollmentPort)"
            loopback = "127.0.0.1:\(loopbackPort)"
            [endorsements]
            roots-directory = "\(roots)"
            [defaults]
            attestation-interval-seconds = 10

            """
        try directory.write(Array((text + configuration).utf8), to: "verifier.toml")
    }

    deinit { verifier?.stop(atOnce: true) }

    var data: String { directory.file("verifier") }
    var caFile: String { "\(data)/ca/server-ca.pem" }

    private static func freePorts(_ count: Int) throws -> [Int] {
        let sockets = try (0..<count).map { _ -> (Int32, Int) in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
                }
            }
            guard descriptor >= 0, bound else { throw LaboratoryError("no free port") }
            return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
        }
        for (descriptor, _) in sockets { close(descriptor) }
        return sockets.map(\.1)
    }

    func start(environment: [String: String] = [:]) async throws {
        let process = try SpawnedProcess(
            Programs.verifier, ["run", "--config", directory.file("verifier.toml")], environment: environment,
            outputPath: directory.file("verifier.log"))
        verifier = process
        _ = try await eventually("the verifier is ready") { () -> Bool? in
            guard process.isRunning else { throw LaboratoryError("the verifier ended: \(log("verifier"))") }
            let probe = try runProcess("curl", ["-sf", "-o", "/dev/null", "http://127.0.0.1:\(loopbackPort)/readyz"])
            // The loopback listener is the first of three.
            return probe.succeeded && Link.accepts(enrollmentPort) && Link.accepts(mainPort) ? true : nil
        }
    }

    @discardableResult
    func stop(atOnce: Bool = false) -> Int32? {
        defer { verifier = nil }
        return verifier?.stop(atOnce: atOnce)
    }

    func log(_ name: String) -> String {
        let bytes = (try? readFile(directory.file("\(name).log"))) ?? []
        return String(decoding: bytes.suffix(3000), as: UTF8.self)
    }

    // MARK: The operators' command

    func run(as person: String = "alice", _ arguments: String...) throws -> ProcessResult {
        try run(as: person, arguments)
    }

    func run(as person: String = "alice", _ arguments: [String]) throws -> ProcessResult {
        try runProcess(Programs.command, arguments, environment: environment(person))
    }

    /// With another certificate than the one that the verifier's own CA issued.
    func run(with identity: Identity, _ arguments: String...) throws -> ProcessResult {
        try run(with: identity, arguments)
    }

    func run(with identity: Identity, _ arguments: [String]) throws -> ProcessResult {
        try runProcess(Programs.command, arguments, environment: environment(identity))
    }

    private func environment(_ person: String) -> [String: String] { environment(identity(person)) }

    private func environment(_ identity: Identity) -> [String: String] {
        [
            "BOOTGATE_VERIFIER_URL": "https://localhost:\(mainPort)", "BOOTGATE_VERIFIER_CA_FILE": caFile,
            "BOOTGATE_OPERATOR_CERTIFICATE": identity.certificate, "BOOTGATE_OPERATOR_KEY": identity.key,
            "HOME": directory.path,
        ]
    }

    /// Runs a verb with `-o json`; any exit code of `allowed` is fine.
    func json<Value: Decodable>(
        as person: String = "alice", _ arguments: [String], allowed: Set<Int32> = [0], of type: Value.Type
    ) throws -> Value {
        let result = try runProcess(Programs.command, arguments + ["-o", "json"], environment: environment(person))
        guard allowed.contains(result.status) else {
            throw LaboratoryError("\(arguments): exit \(result.status): \(result.errorText) \(log("verifier"))")
        }
        return try JSONDecoder().decode(Value.self, from: Data(result.stdout))
    }

    func node(_ id: String) throws -> NodeView { try json(["node", "show", id], of: NodeView.self) }

    func admission(_ id: String) throws -> AdmissionReply {
        try json(["admission", "show", id], allowed: [0, 2], of: AdmissionReply.self)
    }

    /// The node's last verdict, when it is another than `previous`.
    func nextVerdict(
        of id: String, after previous: String? = nil, where accept: (VerdictSummary) -> Bool = { _ in true }
    )
        async throws -> VerdictSummary
    {
        try await eventually("a verdict of \(id); agent: \(log("agent-\(id)"))") {
            guard let verdict = try? node(id).lastVerdict, verdict.verdictID != previous, accept(verdict) else {
                return nil
            }
            return verdict
        }
    }

    /// Captures from a node, proposes as alice, approves as bob, activates.
    func activateReferences(from id: String, name: String = "mec-server", group: String = "default") throws {
        let draft = try json(
            ["reference", "capture", name, "--group", group, "--node", id], of: ReferenceDetail.self)
        _ = try json(["reference", "propose", name, "--reason", "test"], of: ReferenceView.self)
        _ = try json(
            as: "bob", ["reference", "approve", name, "--sha256", draft.view.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
        _ = try json(["reference", "activate", name, "--reason", "test"], of: ReferenceView.self)
    }

    // MARK: Bare clients

    /// An operator's certificate and key.
    func identity(_ person: String) -> Identity {
        Identity(certificate: "\(data)/operators/\(person).pem", key: "\(data)/operators/\(person).key")
    }

    /// curl's exit status, the HTTP status (0 without one), the body and the whole call's seconds.
    func curl(
        _ path: String, as identity: Identity?, port: Int? = nil, _ arguments: [String] = []
    ) throws -> (exit: Int32, status: Int, body: String, seconds: Double) {
        let credentials = identity.map { ["--cert", $0.certificate, "--key", $0.key] } ?? []
        let scheme = port == loopbackPort ? "http" : "https"
        let result = try runProcess(
            "curl",
            ["-sS", "--path-as-is", "--cacert", caFile, "-w", "\n%{http_code} %{time_total}"] + credentials + arguments
                + ["\(scheme)://localhost:\(port ?? mainPort)\(path)"])
        let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        let figures = (lines.last ?? "").split(separator: " ")
        return (
            result.status, figures.first.flatMap { Int($0) } ?? 0, lines.dropLast().joined(separator: "\n"),
            figures.last.flatMap { Double($0) } ?? 0
        )
    }

    /// Resident memory of the verifier in KiB: what it has now, or the most since ``forgetPeak()``.
    func memory(peak: Bool = false) throws -> Int {
        let name = peak ? "VmHWM:" : "VmRSS:"
        let text = String(decoding: try readFile("/proc/\(verifier?.pid ?? 0)/status"), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        guard let kibibytes = line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) })
        else { throw LaboratoryError("no \(name) of the verifier") }
        return kibibytes
    }

    func forgetPeak() throws { try writeFile(Array("5".utf8), to: "/proc/\(verifier?.pid ?? 0)/clear_refs") }

    /// Events as the SIEM's file has them.
    func events() -> [[String: Any]] {
        let bytes = (try? readFile("\(data)/events.jsonl")) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }
}
