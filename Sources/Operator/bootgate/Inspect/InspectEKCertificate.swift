import ArgumentParser
import Endorsements
import FoundationEssentials
import TPMCryptography

struct InspectEKCertificate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ek-certificate", abstract: "Read an EK certificate and check it against manufacturers' roots.",
        discussion: """
            Without --roots the chain is "unchecked", which is no pass. Further certificates of a PEM file count as issuers \
            that came with it.

            EXAMPLES
              bootgate inspect ek-certificate ek.der
              bootgate inspect ek-certificate ek.pem --roots ReferenceValues/endorsements/roots -o json
            """)
    @Argument(help: "DER, PEM, or the content of the NV index, or - for standard input.") var file: String
    @Option(help: "A folder of PEM or DER certificates, or one file: the roots to trust.") var roots: String?
    @Option(help: "Instant at which the dates must hold (2027-01-31T00:00:00Z); now when left out.") var at: Instant?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let certificates = try CertificateFiles.read(file)
        guard let certificate = certificates.first else {
            throw Failure(.malformedInput, "\(file): no CERTIFICATE block")
        }
        let trusted = try roots.map(CertificateFiles.roots) ?? []
        let policy = EKCertificatePolicy(
            roots: trusted, intermediates: [], denyList: TPMDenyList([]), revocationLists: [],
            validity: .mustHold(at: (at ?? .now).milliseconds / 1000), acceptsSHA1: false)
        let report = EKCertificateView(
            policy.inspect(certificate, sentIssuers: Array(certificates.dropFirst())))
        try output.write(report) { report.text }
    }
}

/// What `inspect ek-certificate -o json` prints.
struct EKCertificateView: Encodable {
    struct Reason: Encodable {
        var id: String
        var tier = "contraindicated"
        var layer = "tpm-identity"
        var detail: String
    }

    /// `valid`, `invalid` or `unchecked`.
    var chain: String
    var manufacturer: String?
    var model: String?
    var version: String?
    var publicKey: String?
    var subject: String
    var issuer: String
    var serialNumber: String
    /// Subjects from the issuer to the root.
    var issuers: [String]
    var findings: [Reason]

    init(_ report: EKCertificateReport) {
        let certificate = report.certificate
        chain = report.chain.rawValue
        manufacturer = certificate.tpm?.manufacturer
        model = certificate.tpm?.model
        version = certificate.tpm?.version
        publicKey = certificate.publicKey?.summary
        subject = certificate.subject
        issuer = certificate.issuer
        serialNumber = certificate.serialNumber
        issuers = report.issuers
        findings = report.findings.map { Reason(id: $0.code.rawValue, detail: $0.detail) }
    }

    var text: String {
        var fields = FieldList()
        fields.add("Chain", chain)
        fields.add("Manufacturer", manufacturer)
        fields.add("Model", model)
        fields.add("Version", version)
        fields.add("Key", publicKey)
        fields.add("Subject", subject)
        fields.add("Issuer", issuer)
        fields.add("Serial number", serialNumber)
        for issuer in issuers { fields.add("Up the chain", issuer) }
        for finding in findings { fields.add(finding.id, finding.detail) }
        return fields.text
    }
}

enum CertificateFiles {
    /// One DER certificate (with an NV index's padding), or every block of a PEM file.
    static func read(_ path: String) throws -> [EKCertificate] {
        let bytes = try InputFile.readInput(path)
        return try reading(path) {
            bytes.starts(with: [0x30])
                ? [try EKCertificate(nvContent: bytes)]
                : try EKCertificate.certificates(pem: String(decoding: bytes, as: UTF8.self))
        }
    }

    /// All certificates of a folder (`.pem .crt .cer .der`), or of one file.
    static func roots(_ path: String) throws -> [EKCertificate] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return try read(path) }
        let suffixes = [".pem", ".crt", ".cer", ".der"]
        return try names.sorted().filter { name in suffixes.contains(where: name.hasSuffix) }
            .flatMap { try read("\(path)/\($0)") }
    }
}
