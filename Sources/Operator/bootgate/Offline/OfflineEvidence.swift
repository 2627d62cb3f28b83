import AttestationMessages
import ByteParsing
import Glibc
import TPMStructures

/// Evidence of one node as files hold it: nothing is checked yet, what is missing is nil.
struct OfflineEvidence {
    /// The path as given, for messages and provenance.
    var label: String
    var attest: [UInt8]?
    /// TPMT_SIGNATURE or a plain one.
    var signature: [UInt8]?
    /// TPM2B_PUBLIC, TPMT_PUBLIC or PEM.
    var attestationKey: [UInt8]?
    /// The quote's extraData as it should be.
    var nonce: [UInt8]?
    var pcrs: PCRValues?
    var eventLog: [UInt8]?
    /// The IMA measurement list, binary.
    var measurementList: [UInt8]?
    /// DER, the EK's own first.
    var ekCertificates: [[UInt8]] = []

    /// - Parameter path: a folder (`eventlog.bin ima_binary quote.msg quote.sig quote.pcrs ak.pub nonce`) or an ``EvidenceBundle``.
    static func load(_ path: String) throws -> OfflineEvidence {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return try bundle(path) }
        close(descriptor)
        return try folder(path)
    }

    private static func bundle(_ path: String) throws -> OfflineEvidence {
        let bundle = try reading(path) { try EvidenceBundle(parsing: InputFile.read(path: path)) }
        return OfflineEvidence(
            label: path, attest: bundle.quote.bytes, signature: bundle.signature.bytes,
            attestationKey: bundle.akPublic.bytes, nonce: bundle.nonce.bytes,
            pcrs: try reading("\(path): pcrs") { try PCRTable.values(bundle.pcrs) },
            eventLog: bundle.eventLog?.bytes, measurementList: bundle.measurementList?.bytes,
            ekCertificates: (bundle.ekCertificates ?? []).map(\.bytes))
    }

    private static func folder(_ path: String) throws -> OfflineEvidence {
        func file(_ name: String) throws -> [UInt8]? {
            let file = "\(path)/\(name)"
            guard unsafe access(file, F_OK) == 0 else { return nil }
            return try InputFile.read(path: file)
        }
        var evidence = OfflineEvidence(label: path)
        evidence.attest = try file("quote.msg")
        evidence.signature = try file("quote.sig")
        evidence.attestationKey = try file("ak.pub") ?? file("ak.pem")
        evidence.eventLog = try file("eventlog.bin")
        evidence.measurementList = try file("ima_binary")
        if let certificate = try file("ek.der") { evidence.ekCertificates = [certificate] }
        if let text = try file("nonce") {
            let digits = String(decoding: text.filter { !" \t\r\n".utf8.contains($0) }, as: UTF8.self)
            guard let nonce = Hex.decode(digits) else {
                throw Failure(.malformedInput, "\(path)/nonce: not hexadecimal digits")
            }
            evidence.nonce = nonce
        }
        if let bytes = try file("quote.pcrs") {
            evidence.pcrs = try reading("\(path)/quote.pcrs") { try TPM2ToolsPCRFile.parse(bytes) }
        } else if let bytes = try file("pcrs.yaml") {
            evidence.pcrs = try reading("\(path)/pcrs.yaml") { try PCRTable.parse(bytes) }
        }
        return evidence
    }
}
