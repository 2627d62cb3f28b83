import AttestationTestKit
import ByteParsing
import TCGEventLog
import TestVectors
import Testing

@Suite("Signature databases")
struct SignatureDatabaseTests {
    private static let hash = [UInt8](repeating: 0xAA, count: 32)
    private static let other = [UInt8](repeating: 0xBB, count: 32)
    private static let attributes: [UInt8] = [0x27, 0, 0, 0]

    /// EFI_TIME 2010-03-06T19:17:21 and a WIN_CERTIFICATE_UEFI_GUID around `signature`.
    private static func authentication(
        signature: [UInt8] = [0x30, 0], length: UInt32? = nil, revision: UInt16 = 0x0200, type: UInt16 = 0x0EF1
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write([0xDA, 0x07, 3, 6, 19, 17, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        writer.writeLittleEndian(length ?? UInt32(24 + signature.count))
        writer.writeLittleEndian(revision)
        writer.writeLittleEndian(type)
        writer.write([0x9D, 0xD2, 0xAF, 0x4A, 0xDF, 0x68, 0xEE, 0x49, 0x8A, 0xA9, 0x34, 0x7D, 0x37, 0x56, 0x65, 0xA7])
        writer.write(signature)
        return writer.bytes
    }

    @Test("The three forms of a database hold the same entries, and say which form they are")
    func forms() throws {
        let lists = EventLogData.signatureList(hashes: [Self.hash, Self.other])
        let bare = try SignatureDatabase(parsing: lists)
        let variable = try SignatureDatabase(parsing: Self.attributes + lists)
        let update = try SignatureDatabase(parsing: Self.authentication() + lists)
        let stored = try SignatureDatabase(parsing: Self.attributes + Self.authentication() + lists)
        #expect(
            [bare.form, variable.form, update.form, stored.form] == [.lists, .efivarfs, .signedUpdate, .signedUpdate])
        #expect(Set([bare, variable, update, stored].map(\.entrySetSHA256)).count == 1)
        #expect(variable.attributes == 0x27 && bare.attributes == nil)
        #expect(update.authentication?.timestamp == "2010-03-06T19:17:21")
        #expect(update.authentication?.signature == [0x30, 0])
        #expect(bare.entryLines == [Self.hash, Self.other].map { "sha256:\(Hex.encode($0))" })
        #expect(try SignatureDatabase(parsing: []).entryCount == 0)
    }

    @Test("The set's digest depends on the entries alone, not on their order, repetition or lists")
    func entrySet() throws {
        let one = try SignatureDatabase(
            parsing: EventLogData.signatureList(hashes: [Self.other, Self.hash, Self.other]))
        let two = try SignatureDatabase(
            parsing: EventLogData.signatureList(hashes: [Self.hash]) + EventLogData.signatureList(hashes: [Self.other]))
        #expect(one.entrySetSHA256 == two.entrySetSHA256)
        #expect(one.entryCount == 3 && two.lists.count == 2)
        let less = try SignatureDatabase(parsing: EventLogData.signatureList(hashes: [Self.hash]))
        #expect(less.entrySetSHA256 != one.entrySetSHA256)
    }

    @Test("A list is written as it was read, and built from entries of one size only")
    func codec() throws {
        let bytes = EventLogData.signatureList(
            hashes: [Self.hash, Self.other], header: [1, 2, 3], type: [UInt8](repeating: 0x42, count: 16))
        let list = try #require(try EFISignatureList.parse(bytes.span).first)
        #expect(list.marshalled == bytes)
        let owner = EFIGUID.imageSecurityDatabase
        let entries = [Self.hash, Self.other].map { EFISignatureList.Entry(owner: owner, data: $0) }
        let built = try #require(EFISignatureList(.sha256, entries: entries))
        #expect(try EFISignatureList.parse(built.marshalled.span) == [built])
        #expect(EFISignatureList(.sha384, entries: entries) == nil)
        #expect(EFISignatureList(.sha256, entries: []) == nil)
        #expect(EFISignatureList(.x509, entries: entries + [.init(owner: owner, data: [1])]) == nil)
    }

    @Test("Every type has a GUID of its own, and a list of a known type with entries of another size is refused")
    func types() throws {
        #expect(Set(SignatureType.allCases.map(\.guid)).count == SignatureType.allCases.count)
        for type in SignatureType.allCases {
            #expect(SignatureType(type.guid) == type)
            guard let size = type.dataSize else { continue }
            for wrong in [size - 1, size + 1] where wrong > 0 {
                var writer = ByteWriter()
                writer.write(type.guid.bytes)
                for value in [UInt32(28 + 16 + wrong), 0, UInt32(16 + wrong)] { writer.writeLittleEndian(value) }
                writer.write([UInt8](repeating: 0, count: 16 + wrong))
                #expect(throws: EventDataError.self) { try EFISignatureList.parse(writer.bytes.span) }
            }
        }
    }

    @Test("Every prefix of an update is refused or is an update of fewer lists, and a trailing byte is refused")
    func prefixes() throws {
        let head = Self.authentication()
        let bytes = head + EventLogData.signatureList(hashes: [Self.hash])
        for length in 1..<bytes.count where length != head.count {
            #expect(throws: EventDataError.self, "\(length)") {
                try SignatureDatabase(parsing: Array(bytes[..<length]))
            }
        }
        #expect(try SignatureDatabase(parsing: head).entryCount == 0)
        #expect(throws: EventDataError.self) { try SignatureDatabase(parsing: bytes + [0]) }
    }

    @Test("A certificate's length, revision, type and kind are checked, and a flipped bit never traps")
    func authenticationFields() throws {
        let list = EventLogData.signatureList(hashes: [Self.hash])
        for length in [0, 23, 27, .max] as [UInt32] {
            #expect(throws: EventDataError.self) {
                try SignatureDatabase(parsing: Self.authentication(length: length) + list)
            }
        }
        #expect(throws: EventDataError.self) {
            try SignatureDatabase(parsing: Self.authentication(revision: 0x0100) + list)
        }
        #expect(throws: EventDataError.self) { try SignatureDatabase(parsing: Self.authentication(type: 2) + list) }
        var otherKind = Self.authentication()
        otherKind[24] ^= 1
        #expect(throws: EventDataError.self) { try SignatureDatabase(parsing: otherKind + list) }
        let bytes = Self.authentication() + list
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try? SignatureDatabase(parsing: flipped).entrySetSHA256
        }
    }

    @Test("A database beyond the limit is refused before it is read")
    func limit() {
        #expect(throws: EventDataError.self) {
            try SignatureDatabase(parsing: [UInt8](repeating: 0, count: SignatureDatabase.maximumSize + 1))
        }
    }

    @Test("A certificate's name is read from its subject, and nothing else is taken for a certificate")
    func subject() throws {
        let der = try Self.certificate()
        #expect(CertificateSubject.name(ofDER: der[...]) == "Microsoft Windows Production PCA 2011")
        for length in 0..<min(der.count, 400) { _ = CertificateSubject.name(ofDER: der[..<length]) }
        #expect(CertificateSubject.name(ofDER: [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(CertificateSubject.name(ofDER: []) == nil)
    }

    /// The first certificate of the golden boot's db.
    private static func certificate() throws -> [UInt8] {
        let log = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        for event in log.events {
            guard case .variable(let variable)? = try? event.decoded(), variable.name == "db" else { continue }
            let start = variable.valueRange.lowerBound
            let database = try SignatureDatabase(parsing: Array(log.bytes[start..<variable.valueRange.upperBound]))
            return try #require(database.lists.first?.entries.first?.data)
        }
        return []
    }
}
