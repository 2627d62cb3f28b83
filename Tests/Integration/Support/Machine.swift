import AttestationTestKit
import Foundation
import SoftwareTPM
import TCGEventLog
import TPMStructures
import Testing

/// A server: a software TPM whose registers a real firmware event log filled, and an agent on it.
final class Machine {
    let id: String
    let tpm: SoftwareTPM
    private let place: any VerifierPlace
    private let endorsementKey: String
    private(set) var agent: SpawnedProcess?
    /// Of the present boot; nil on a kernel without IMA.
    var measurements: IMAListBuilder?

    /// A verifier, and a machine that is in the manifest, captured, and passes by its own references.
    static func admitted(_ id: String) async throws -> (Laboratory, Machine) {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine(id, in: laboratory)
        _ = try laboratory.run("node", "add", id, "--ek-spki-sha256", try machine.endorsementKeySPKI())
        _ = try machine.once()
        try laboratory.activateReferences(from: id)
        #expect(try machine.once().status == 0)
        return (laboratory, machine)
    }

    init(_ id: String, in place: any VerifierPlace, endorsementKey: String = "rsa", boot: String = "golden") throws {
        self.id = id
        self.place = place
        self.endorsementKey = endorsementKey
        tpm = try SoftwareTPM(.fresh)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let configuration = """
            [verifier]
            url = "https://localhost:\(place.mainPort)"
            enrollment-url = "https://localhost:\(place.enrollmentPort)"
            ca-file = "\(place.caFile)"
            [node]
            id = "\(id)"
            [tpm]
            tcti = "\(tpm.tcti)"
            ek = "\(endorsementKey)"
            [evidence]
            event-log = "\(eventLog)"
            measurement-list = "\(measurementList)"
            boot-id = "\(bootID)"
            [state]
            directory = "\(directory)"
            [log]
            format = "logfmt"

            """
        try place.directory.write(Array(configuration.utf8), to: "agent-\(id).toml")
        try measure(boot)
    }

    deinit { agent?.stop(atOnce: true) }

    var directory: String { place.directory.file("state-\(id)") }
    private var eventLog: String { place.directory.file("event-log-\(id)") }
    var measurementList: String { place.directory.file("ima-\(id)") }
    private var bootID: String { place.directory.file("boot-id-\(id)") }

    /// Writes the log of a boot and extends each of its events, in order, in the banks that this TPM has.
    private func measure(_ boot: String, newKernelBoot: Bool = true) throws {
        let bytes = try readFile(Programs.exampleBoot(boot))
        try writeFile(bytes, to: eventLog)
        if newKernelBoot { try startKernel() }
        let log = try TCGEventLog(parsing: bytes)
        for event in log.events where event.isExtended {
            guard let pcr = event.pcr else { continue }
            for digest in event.digests {
                // A bank that this TPM does not have refuses; those that it has must all be extended.
                try? tpm.extend(
                    pcr: Int(pcr.rawValue), algorithm: digest.algorithm.algorithmID.rawValue, digest: digest.bytes)
            }
        }
    }

    /// A power cycle into another boot.
    func reboot(into boot: String) throws {
        stopAgent()
        try tpm.reset()
        try tpm.startup()
        try measure(boot)
    }

    /// What an attacker with a reset line does: the TPM alone starts anew, the registers are extended again.
    func resetTPMOnly(measuring boot: String) throws {
        try tpm.reset()
        try tpm.startup()
        try measure(boot, newKernelBoot: false)
    }

    /// Another kernel without a reset: firmware, log and registers are those of the boot before.
    func kexec() throws {
        stopAgent()
        try startKernel()
    }

    private func startKernel() throws {
        try writeFile(Array((UUID().uuidString.lowercased() + "\n").utf8), to: bootID)
    }

    /// The end of what the agent wrote.
    var log: String {
        let bytes = (try? readFile(place.directory.file("agent-\(id).log"))) ?? []
        return String(decoding: bytes.suffix(3000), as: UTF8.self)
    }

    func startAgent(environment: [String: String] = [:]) throws {
        agent = try SpawnedProcess(
            Programs.agent, ["run", "--config", configuration], environment: environment,
            outputPath: place.directory.file("agent-\(id).log"))
    }

    /// The agent's configuration file.
    var configuration: String { place.directory.file("agent-\(id).toml") }

    /// Another verb of the agent's program beside the running one.
    func run(_ arguments: String...) throws -> ProcessResult {
        try runProcess(Programs.agent, arguments + ["--config", configuration])
    }

    @discardableResult
    func stopAgent(atOnce: Bool = false) -> Int32? {
        defer { agent = nil }
        return agent?.stop(atOnce: atOnce)
    }

    /// `bootgate-agent once`; the exit status is the verdict's.
    func once(environment: [String: String] = [:]) throws -> ProcessResult {
        try runProcess(
            Programs.agent, ["once", "--config", place.directory.file("agent-\(id).toml")], environment: environment)
    }

    /// The same beside the test, so that it can be killed.
    func startOnce() throws -> SpawnedProcess {
        try SpawnedProcess(
            Programs.agent, ["once", "--config", place.directory.file("agent-\(id).toml")],
            outputPath: place.directory.file("agent-\(id).log"))
    }

    /// What the kernel's resource manager does when a process dies: its sessions and loaded objects go.
    func forgetDeadProcess() throws {
        for kind in ["--transient-object", "--loaded-session", "--saved-session"] {
            _ = try tpm.tool("tpm2_flushcontext", [kind])
        }
    }

    /// SHA-256 of the EK's SubjectPublicKeyInfo, as a manifest names it.
    func endorsementKeySPKI() throws -> String {
        let handle = endorsementKey == "rsa" ? "0x81010001" : "0x81010016"
        let file = tpm.directory.file("ek.der")
        _ = try tpm.tool("tpm2_readpublic", ["-c", handle, "-f", "der", "-o", file])
        let sum = try runProcessSuccessfully("sha256sum", [file]).text
        return String(sum.prefix(64))
    }
}
