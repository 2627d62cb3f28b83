import ArgumentParser
import ByteParsing
import TPMCryptography
import TPMStructures

struct InspectPublic: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "public", abstract: "Read a TPM public area and say whether it could be an attestation key.",
        discussion: """
            EXAMPLES
              bootgate inspect public ak.pub
              bootgate inspect public ek.pub -o json
            """)
    @Argument(help: "TPM2B_PUBLIC, TPMT_PUBLIC, PEM or DER, or - for standard input.") var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let bytes = try InputFile.readInput(file)
        let key = try reading(file) { try KeyFile.parse(bytes) }
        let report = PublicReport(key)
        try output.write(report) { report.text }
    }
}

/// What `inspect public -o json` prints.
struct PublicReport: Encodable {
    /// `RSA-2048`, `P-256`, or the object type of another kind.
    var key: String
    var name: String?
    var nameAlgorithm: String?
    var attributes: [String]?
    /// Whether it meets every rule for attestation keys (ID-04 to ID-07, ID-12); false for a bare key.
    var attestationKey: Bool
    /// Why not.
    var refusals: [String]
    /// Hex of SHA-256 over the SubjectPublicKeyInfo: what a manifest may name.
    var spkiSHA256: String?

    init(_ file: KeyFile) {
        refusals = []
        attestationKey = false
        if let bare = file.subjectPublicKey {
            key = bare.summary
            spkiSHA256 = MessageDigest.hash(bare.spki, .sha256).hex
        } else {
            key = "no asymmetric key"
        }
        switch file {
        case .area(let area):
            name = area.name.map { Hex.encode($0.bytes) }
            nameAlgorithm = area.nameAlgorithm?.name
            attributes = area.attributes.description.split(separator: "|").map(String.init)
            do throws(AttestationKeyRefusal) {
                _ = try AttestationKey(area)
                attestationKey = true
            } catch {
                refusals = error.reasons.map { "\($0.code.rawValue): \($0.detail)" }
            }
        case .bare:
            refusals = ["ID_AK_ATTRS: a bare key has no attributes"]
        }
    }

    var text: String {
        var fields = FieldList()
        fields.add("Key", key)
        fields.add("Name", name)
        fields.add("Name algorithm", nameAlgorithm)
        fields.add("Attributes", attributes?.joined(separator: " "))
        fields.add("SPKI SHA-256", spkiSHA256)
        fields.add("Attestation key", attestationKey ? "yes" : "no")
        for refusal in refusals { fields.add("Refused for", refusal) }
        return fields.text
    }
}
