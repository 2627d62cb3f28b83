import Appraisal
import ArgumentParser
import ByteParsing
import TPMCryptography
import TPMStructures

struct InspectQuote: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quote", abstract: "Verify a quote with a key and a nonce, and print what it says.",
        discussion: """
            The key may be a TPM2B_PUBLIC, a TPMT_PUBLIC or PEM; the signature a TPMT_SIGNATURE or a plain one. What a quote \
            says is printed only when it verifies.

            EXAMPLES
              bootgate inspect quote --attest quote.msg --signature quote.sig --ak ak.pub --nonce @nonce
              bootgate inspect quote --attest q.msg --signature q.sig --ak ak.pem --nonce 4dc7… --pcrs quote.pcrs -o json
            """)
    @Option(help: "TPMS_ATTEST.") var attest: String
    @Option(help: "TPMT_SIGNATURE, or a plain signature.") var signature: String
    @Option(help: "The attestation key's public part.") var ak: String
    @Option(help: "The qualifying data, in hexadecimal, or @FILE.") var nonce: ValueArgument
    @Option(help: "Register values: quote.pcrs of tpm2_quote, tpm2_pcrread's YAML, or JSON.") var pcrs: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let digits = String(decoding: try nonce.read().filter { !" \t\r\n".utf8.contains($0) }, as: UTF8.self)
        guard let nonceBytes = Hex.decode(digits) else { throw ValidationError("--nonce takes hexadecimal digits") }
        let keyBytes = try InputFile.readInput(ak)
        let key = try reading(ak) { try KeyFile.parse(keyBytes) }
        let signatureBytes = try InputFile.readInput(signature)
        _ = try reading(signature) { try SignatureFile.parse(signatureBytes, key: key) }
        let attestBytes = try InputFile.readInput(attest)
        // A blob without TPM_GENERATED is a finding (QF-01); one with it must parse.
        if attestBytes.starts(with: [0xFF, 0x54, 0x43, 0x47]) || attestBytes.count < 4 {
            _ = try reading(attest) { try TPMSAttest(marshalled: attestBytes) }
        }
        let values = try pcrs.map { path in
            let bytes = try InputFile.readInput(path)
            return try reading(path) { try Self.registers(bytes) }
        }
        let evidence = OfflineEvidence(
            label: attest, attest: attestBytes, signature: signatureBytes, attestationKey: keyBytes,
            nonce: nonceBytes, pcrs: values)
        let check = QuoteCheck(evidence)
        let report = QuoteReport(check, checkedRegisters: values != nil)
        try output.write(report) { report.text }
    }

    private static func registers(_ bytes: [UInt8]) throws -> PCRValues {
        // tpm2_quote's file begins with a count below 17, least significant byte first; no text does.
        bytes.count > 3 && bytes[1...3].allSatisfy { $0 == 0 }
            ? try TPM2ToolsPCRFile.parse(bytes) : try PCRTable.parse(bytes)
    }
}

/// What `inspect quote -o json` prints.
struct QuoteReport: Encodable {
    struct Clock: Encodable {
        var clock: UInt64
        var resetCount: UInt32
        var restartCount: UInt32
        var safe: Bool
    }

    /// Signature, nonce and everything else that was asked agree.
    var verified: Bool
    /// Qualified name of the signing key, hex.
    var signer: String?
    var algorithm: String?
    var pcrSelection: [String: [Int]]?
    var pcrDigest: String?
    var clock: Clock?
    var firmwareVersion: String?
    var findings: [Finding]

    /// - Parameter checkedRegisters: whether register values were given; without them their absence is no finding.
    init(_ check: QuoteCheck, checkedRegisters: Bool) {
        findings = check.findings.filter { checkedRegisters || $0.id != FindingID.evidenceMissing }
        verified = check.quote != nil && !findings.contains { $0.tier == .contraindicated }
        if let key = check.key { algorithm = key.subjectPublicKey?.summary }
        guard let quote = check.quote else { return }
        signer = Hex.encode(quote.qualifiedSigner.bytes)
        pcrSelection = Dictionary(
            quote.pcrSelection.selections.map { ($0.bank.name, $0.pcrs.indices.map { Int($0.rawValue) }) }
        ) { first, _ in first }
        pcrDigest = quote.pcrDigest.description
        clock = Clock(
            clock: quote.clock.clock, resetCount: quote.clock.resetCount, restartCount: quote.clock.restartCount,
            safe: quote.clock.safe)
        firmwareVersion = "0x" + String(quote.firmwareVersion, radix: 16)
    }

    var text: String {
        var fields = FieldList()
        fields.add("Verified", verified ? "yes" : "NO")
        fields.add("Key", algorithm)
        fields.add("Signer", signer)
        for (bank, indices) in (pcrSelection ?? [:]).sorted(by: { $0.key < $1.key }) {
            fields.add("PCRs (\(bank))", indices.map(String.init).joined(separator: ","))
        }
        fields.add("PCR digest", pcrDigest)
        if let clock {
            fields.add("Clock", "\(clock.clock) ms\(clock.safe ? "" : " (not safe)")")
            fields.add("Resets, restarts", "\(clock.resetCount), \(clock.restartCount)")
        }
        fields.add("TPM firmware", firmwareVersion)
        return fields.text + "\n\n" + FindingText.table(findings)
    }
}
