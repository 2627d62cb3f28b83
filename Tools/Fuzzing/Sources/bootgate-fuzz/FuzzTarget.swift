import AssetFingerprints
import AttestationMessages
import BootPrediction
import Endorsements
import IMAMeasurementList
import ReferenceValues
import TCGEventLog
import TPMCryptography
import TPMStructures

/// The parsers of untrusted bytes. A target reads the input and uses what it yields, as the product does.
enum FuzzTarget: String, CaseIterable {
    case eventLog = "event-log"
    case eventData = "event-data"
    case signatureList = "signature-list"
    case signatureDatabase = "signature-database"
    case platformEvent = "platform-event"
    case measurementList = "measurement-list"
    case measurementText = "measurement-text"
    case measurementCheckpoint = "measurement-checkpoint"
    case attest
    case publicArea = "public-area"
    case signature
    case ekCertificate = "ek-certificate"
    case referenceSet = "reference-set"
    case fileSignature = "file-signature"
    case appendedSignature = "appended-signature"
    case measurementPolicy = "measurement-policy"
    case keylimePolicy = "keylime-policy"
    case revocations
    case evidence
    case fingerprint
    case peImage = "pe-image"
    case grubConfiguration = "grub-configuration"
    case keylimeState = "keylime-state"

    /// - Returns: Whether a parser took the input for what the target is named after. Decides nothing in fuzzing: it
    ///   tells whether a seed leads where it should.
    func run(_ input: [UInt8]) -> Bool {
        switch self {
        case .eventLog: Self.read(input)
        case .eventData: Self.read(Self.record(input))
        case .signatureList: accepts { _ = try EFISignatureList.parse(input.span) }
        case .signatureDatabase:
            accepts {
                let database = try SignatureDatabase(parsing: input)
                _ = database.entrySetSHA256
                for entry in database.lists.flatMap(\.entries) { _ = CertificateSubject.name(ofDER: entry.data[...]) }
            }
        case .platformEvent: Self.readPlatform(input)
        case .measurementList: Self.readList(input, .binary)
        case .measurementText: Self.readList(input, .ascii)
        case .measurementCheckpoint: accepts { _ = try IMACheckpoint(parsing: input).replay.findings(attested: nil) }
        case .attest: accepts { _ = try TPMSAttest(marshalled: input) }
        case .publicArea:
            [
                accepts { _ = try TPMTPublic(tpmtPublic: input) }, accepts { _ = try TPMTPublic(tpm2bPublic: input) },
            ].contains(true)
        case .signature: accepts { _ = try TPMTSignature(marshalled: input) }
        case .ekCertificate:
            [
                accepts { _ = try EKCertificate(der: input) }, accepts { _ = try EKCertificate(nvContent: input) },
            ].contains(true)
        case .referenceSet:
            [
                accepts { _ = try ReferenceSet(parsing: input) },
                accepts { _ = try CompiledReferences(parsing: input) },
            ].contains(true)
        case .fileSignature: accepts { _ = try IMAFileSignature(input) }
        case .appendedSignature:
            accepts {
                let message = try DetachedSignature(der: input)
                _ = message.attributes.map { message.signedDigest(of: $0.messageDigest) }
            }
        case .measurementPolicy:
            accepts { _ = try IMAPolicy(String(decoding: input, as: UTF8.self)).weaknesses }
        case .keylimePolicy: accepts { _ = try KeylimeRuntimePolicy(parsing: input).notCarriedOver }
        case .revocations: accepts { _ = try CompiledRevocations(parsing: input) }
        case .evidence: accepts { _ = try EvidenceBundle(parsing: input) }
        case .fingerprint:
            FingerprintKind.allCases.map { kind in
                accepts { _ = try FingerprintReport(canonicalBytes: input, kind: kind) }
            }.contains(true)
        case .peImage:
            accepts {
                let image = try PEImage(parsing: input)
                _ = image.authenticodeDigests([.sha256])
                for section in image.sections { _ = image.content(ofSection: section.name) }
            }
        case .grubConfiguration: accepts { try Self.predict(input) }
        case .keylimeState: accepts { _ = try BootComponent.keylime(parsing: input) }
        }
    }

    /// The input as the configuration of a machine whose last boot read one.
    private static func predict(_ input: [UInt8]) throws {
        let name = Array("/grub.cfg\0".utf8)
        let record =
            littleEndian(9) + littleEndian(0xD) + [UInt8](repeating: 0, count: 20) + littleEndian(UInt32(name.count))
            + name
        var update = BootUpdate()
        update.grubConfiguration = (nil, input)
        update.grub.kernel = [1]
        update.grub.initrd = [2]
        update.grub.variables = ["root": "hd0"]
        _ = try BootPredictor.predict(try TCGEventLog(parsing: record), update)
    }

    private func accepts(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            return false
        }
    }

    private static func read(_ bytes: [UInt8]) -> Bool {
        guard let log = try? TCGEventLog(parsing: bytes) else { return false }
        _ = log.replay()
        _ = log.findings()
        _ = log.quirks()
        for event in log.events { _ = (event.description, event.component) }
        return true
    }

    /// A measurement list in two pieces, cut where its first byte says, and everything that its entries yield.
    private static func readList(_ bytes: [UInt8], _ form: IMAListLayout.Form) -> Bool {
        var replay = IMAReplay(
            lanes: HashAlgorithm.allCases.flatMap { bank in IMAExtension.allCases.compactMap { IMALane(bank, $0) } })
        var parser = IMAListParser()
        let use = { (entry: IMAMeasurement) in
            replay.add(entry)
            for field in IMAField.allCases { _ = (entry.field(field), entry.integer(field)) }
            _ = (entry.fileDigest?.description, entry.modsigDigest, IMAText.escape(entry.eventName ?? []))
        }
        do throws(IMAListError) {
            let cut = min(bytes.count, 2 * Int(bytes.last ?? 0))
            try parser.append(bytes.span.extracting(0..<cut), use)
            try parser.append(bytes.span.extracting(cut..<bytes.count), use)
            try parser.finish(use)
        } catch {
            return false
        }
        _ = replay.findings(attested: PCRValues())
        let checkpoint = IMACheckpoint(layout: parser.layout, offset: parser.offset, replay: replay)
        guard let again = try? IMACheckpoint(parsing: checkpoint.bytes), again == checkpoint else {
            preconditionFailure("a checkpoint does not read back")
        }
        return parser.entryCount > 0 && parser.layout?.form == form
    }

    /// The structures of vendors: manifests, SPDM, Windows' and Linux' tags, firmware descriptions, revocation levels. The
    /// first byte of the input chooses type and register.
    private static func readPlatform(_ input: [UInt8]) -> Bool {
        let kinds: [(register: UInt32, type: UInt32)] = [
            (0, 3), (.max, 3), (2, 0x8000_00E1), (3, 0x8000_00E2), (13, 6), (5, 6), (0, 7), (0, 1), (1, 0x8000_0002),
        ]
        guard let first = input.first else { return false }
        let kind = kinds[Int(first) % kinds.count]
        let data = input.dropFirst()
        _ = SBATLevel(data)
        return Self.read(
            littleEndian(kind.register) + littleEndian(kind.type) + [UInt8](repeating: 0, count: 20)
                + littleEndian(UInt32(data.count)) + data)
    }

    private static let types: [UInt32] = [
        0x8000_0001, 0x8000_0002, 0x8000_0003, 0x8000_0006, 0x8000_000A, 0x8000_0009, 0x8000_000B, 0x8000_00E0, 3, 4, 6,
        8, 0xD,
    ]

    /// A SHA-1 log of one record: the first byte of the input chooses the type, the second the PCR, the rest is the data.
    private static func record(_ input: [UInt8]) -> [UInt8] {
        guard input.count >= 2 else { return [] }
        let size = UInt32(input.count - 2)
        return littleEndian(UInt32(input[1] % 24)) + littleEndian(types[Int(input[0]) % types.count])
            + [UInt8](repeating: 0xA5, count: 20) + littleEndian(size) + input.dropFirst(2)
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
