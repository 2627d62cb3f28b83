import ArgumentParser
import AssetFingerprints
import AttestationMessages
import AttesterSession
import AttestingEnvironment
import ByteParsing
import ESAPI
import Glibc
import TPMStructures

struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Write an evidence bundle without a verifier.",
        discussion: """
            The quote covers all registers of all allocated banks over a bare nonce: such a bundle serves offline work \
            (bootgate appraise, reference capture) and is never accepted by a verifier.

            EXAMPLES
              bootgate-agent capture --file evidence.json
              bootgate-agent capture --nonce 00112233 --fingerprints > evidence.json
              bootgate-agent capture --fingerprints-only -o json
            """)

    @OptionGroup var options: CommonOptions
    @Option(name: .long, help: "Where to write; - is standard output. An existing file is not overwritten.")
    var file = "-"
    @Option(name: .long, help: "Nonce in hexadecimal, 1 to 32 bytes; random when left out.") var nonce: String?
    @Flag(name: .long, help: "Also collect the asset fingerprints.") var fingerprints = false
    @Flag(name: .long, help: "Collect only the asset fingerprints; needs neither TPM nor configuration.")
    var fingerprintsOnly = false
    @Option(name: [.customShort("o"), .long], help: "json.") var output = OutputFormat.json

    func validate() throws {
        guard output == .json else { throw ValidationError("capture writes json") }
        if let nonce {
            guard let bytes = Hex.decode(nonce), (1...32).contains(bytes.count) else {
                throw ValidationError("--nonce is 1 to 32 bytes in hexadecimal")
            }
        }
    }

    func run() async throws {
        if fingerprintsOnly {
            let hasFile = unsafe options.config != nil || access(SettingsReader.defaultPath, F_OK) == 0
            let root =
                hasFile ? try AgentConfiguration.load(from: options.config, needsVerifier: false).inventoryRoot : "/"
            var reports: [FingerprintReport] = []
            for kind in FingerprintKind.allCases { reports.append(try await NodeInventory(root: root).report(kind)) }
            return try write(FingerprintReport.captureDocument(reports))
        }
        let configuration = try AgentConfiguration.load(from: options.config, needsVerifier: false)
        try write(try await bundle(configuration).encoded())
    }

    /// Bytes; some 100,000 entries, and room for the rest in a bundle.
    private static let measurementListLimit = 24 << 20

    private func bundle(_ configuration: AgentConfiguration) async throws -> EvidenceBundle {
        let inventory = NodeInventory(root: configuration.inventoryRoot)
        var reports: [FingerprintKind: WireBytes]?
        if fingerprints {
            var collected: [FingerprintKind: WireBytes] = [:]
            for kind in FingerprintKind.allCases { collected[kind] = WireBytes(try await inventory.collect(kind)) }
            reports = collected
        }
        let tpm = TPM(tcti: configuration.tcti)
        let keys = try await NodeKeys.load(tpm, configuration.keys)
        let nonceBytes: [UInt8]
        if let given = nonce.flatMap({ Hex.decode($0) }) {
            nonceBytes = given
        } else {
            var generator = SystemRandomNumberGenerator()
            nonceBytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        let banks = try await tpm.pcrBanks().filter { !$0.value.isEmpty }
        guard
            let selection = TPMLPCRSelection(
                banks.sorted { $0.key < $1.key }.map { TPMSPCRSelection(bank: $0.key, pcrs: $0.value) }),
            !selection.isEmpty
        else { throw AgentFailure(75, ["AGENT_TPM: the TPM has no allocated bank of registers"]) }
        let quote = try await tpm.quote(
            by: keys.attestation.handle, selection: selection, qualifyingData: nonceBytes)
        let values = try await tpm.readPCRs(selection)
        let log: [UInt8]?
        do { log = try EvidenceSource.read(configuration.eventLog) } catch {
            StandardStream.error.write("bootgate-agent: \(EscapedText.line("\(error)"))\n")
            log = nil
        }
        // After the quote: the list only grows, so that what the quote covers is in it.
        let list = try? EvidenceSource.read(configuration.measurementList, limit: Self.measurementListLimit)
        var pcrs: [String: [String: String]] = [:]
        for (bank, registers) in values.banks {
            for (index, digest) in registers { pcrs[bank.name, default: [:]][String(index.rawValue)] = digest.hex }
        }
        return EvidenceBundle(
            agentVersion: AgentCommand.version, nonce: WireBytes(nonceBytes), quote: WireBytes(quote.attest),
            signature: WireBytes(quote.signature), akPublic: WireBytes(keys.attestation.publicArea), pcrs: pcrs,
            eventLog: log.map { WireBytes($0) }, measurementList: list.map { WireBytes($0) },
            ekPublic: WireBytes(keys.endorsement.publicArea),
            ekCertificates: keys.endorsementCertificates.map { WireBytes($0) }, fingerprints: reports)
    }

    private func write(_ bytes: [UInt8]) throws {
        guard file != "-" else { return StandardStream.output.write(bytes) }
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AgentFailure(4, ["\(file): \(unsafe String(cString: strerror(errno)))"])
        }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw AgentFailure(4, ["\(file): \(unsafe String(cString: strerror(errno)))"]) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else {
            throw AgentFailure(4, ["\(file): \(unsafe String(cString: strerror(errno)))"])
        }
    }
}
