import Appraisal
import ArgumentParser
import Endorsements
import ReferenceValues
import TPMCryptography
import TPMStructures

struct AppraiseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "appraise",
        abstract: "Judge evidence against a reference set, offline: the same code and result as the verifier's.",
        discussion: """
            Takes drafts too; the result says so (referenceStatus), and says whether the attestation key was named (--ak: \
            identity enrolled) or taken from the evidence (identity assumed: the verdict is then about the rest). Several sets \
            are alternatives: one of them must hold as a whole. A set that rests on others (extends) is judged over them: give \
            each with --parent, the exact bytes that the child names (reference show NAME --version N --document). Exit code: 0 \
            pass, 2 fail, 75 error.

            EXAMPLES
              bootgate reference capture --evidence measured-boot/golden -o json > golden.json
              bootgate appraise --evidence measured-boot/a-cmdline --references golden.json
              bootgate appraise --evidence measured-boot/golden --references golden.json --revocations feed.json
              bootgate appraise --evidence bundle.json --references a.json --references b.json -o json
              bootgate appraise --evidence bundle.json --references group.json --parent role.json --parent model.json
            """)
    @Option(help: "A folder, or a bundle that bootgate-agent capture wrote.") var evidence: String
    @Option(parsing: .upToNextOption, help: "Reference sets.") var references: [String]
    @Option(help: "A set that a reference set rests on; up to three for each, in any order.") var parent: [String] = []
    @Option(help: "A folder or file of manufacturers' roots: checks the bundle's EK certificate too.") var roots:
        String?
    @Option(
        help: "A revocation feed (bootgate-revocations/v1); an old dbx or SBAT level is then a warning that passes.")
    var revocations: String?
    @Flag(help: "An old dbx or SBAT level fails.") var staleRevocationsFail = false
    @Option(help: "The instant of the appraisal (2027-01-31T00:00:00Z); now when left out.") var at: Instant?
    @Option(help: "The enrolled attestation key; the evidence's own when left out.") var ak: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if staleRevocationsFail, revocations == nil {
            throw ValidationError("--stale-revocations-fail needs --revocations")
        }
        if references.isEmpty { throw ValidationError("name at least one reference set") }
    }

    func run() throws {
        let sets = try referenceSets()
        let enrolled = try ak.map { path in
            let bytes = try InputFile.readInput(path)
            return try reading(path) { try KeyFile.parse(bytes) }
        }
        let evidence = try OfflineEvidence.load(evidence)
        let check = QuoteCheck(evidence, enrolledKey: enrolled)
        let instant = at ?? .now
        let identity = check.findings + (try endorsement(evidence, instant))
        let feed = try revocations.map { path in
            let bytes = try InputFile.readInput(path)
            return try reading(path) { try CompiledRevocations(parsing: bytes) }
        }
        let policy = AppraisalPolicy(
            requiredLayers: [], warningPassesIn: [], staleRevocationsFail: staleRevocationsFail)
        let results = sets.map { set, document in
            Appraiser(references: set, policy: policy, revocations: feed).appraise(
                AppraisalInput(
                    identityFindings: identity, pcrs: check.pcrs, eventLog: evidence.eventLog,
                    fingerprintFindings: nil,
                    reference: AttestationResult.ReferenceIdentity(
                        name: set.set.name, group: set.set.group,
                        documentSHA256: MessageDigest.hash(document, .sha256).hex),
                    referenceStatus: .draft, labMode: false, identity: enrolled == nil ? .assumed : .enrolled,
                    binding: .nonceOnly, atMilliseconds: instant.milliseconds,
                    measurementList: evidence.measurementList))
        }
        guard let result = results.first(where: { $0.verdict == .pass }) ?? results.first else { return }
        try output.write(result) { AttestationResultText.text(result) }
        switch result.verdict {
        case .pass: return
        case .fail: throw Failure(.verdictFail, "")
        case .error: throw Failure(.verdictError, "")
        }
    }

    /// Each set over its parents, and its own document.
    private func referenceSets() throws -> [(CompiledReferences, [UInt8])] {
        let documents = try parent.map { (label: $0, bytes: try InputFile.readInput($0)) }
        let parents: ParentDocuments
        do throws(ParentDocuments.Refusal) {
            parents = try ParentDocuments(documents)
        } catch { throw Failure(.malformedInput, "\(error.label): \(error.error)") }
        var used: Set<String> = []
        let sets = try references.map { path in
            let bytes = try InputFile.readInput(path)
            return try reading(path) {
                (try CompiledReferences(parents.effective(ReferenceSet(parsing: bytes), used: &used)), bytes)
            }
        }
        if let unused = parent.first(where: { !used.contains($0) }) {
            throw Failure(.usage, "\(unused): no set of --references rests on it")
        }
        return sets
    }

    private func endorsement(_ evidence: OfflineEvidence, _ instant: Instant) throws -> [Finding] {
        guard let roots else { return [] }
        let certificates = try evidence.ekCertificates.map { bytes in
            try reading("\(evidence.label): EK certificate") { try EKCertificate(nvContent: bytes) }
        }
        guard let certificate = certificates.first else {
            return [
                Finding(
                    FindingID.evidenceMissing, .none, .tpmIdentity,
                    detail: "--roots is given, the evidence has no EK certificate")
            ]
        }
        let policy = EKCertificatePolicy(
            roots: try CertificateFiles.roots(roots), intermediates: [], denyList: TPMDenyList([]),
            revocationLists: [], validity: .mustHold(at: instant.milliseconds / 1000), acceptsSHA1: false)
        let report = policy.inspect(certificate, sentIssuers: Array(certificates.dropFirst()))
        return report.findings.map {
            Finding($0.code.rawValue, .contraindicated, .tpmIdentity, detail: $0.detail)
        }
    }
}
