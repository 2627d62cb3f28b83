import ByteParsing
import TPMStructures
import TestVectors
import Testing

/// The structures of a real TPM (swtpm's, committed), as bytes.
enum Golden {
    static func attest() throws -> [UInt8] { try TestVectors.golden.quoteMessage }
    static func signature() throws -> [UInt8] { try TestVectors.golden.quoteSignature }
    static func publicArea() throws -> [UInt8] { try TestVectors.golden.attestationKeyPublic }
}

/// One kind of structure: its real bytes, and the parser followed by its marshalling.
struct StructureCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: @Sendable () throws -> [UInt8]
    let roundTrip: @Sendable ([UInt8]) throws -> [UInt8]

    static let all: [StructureCase] = [
        StructureCase(testDescription: "TPMS_ATTEST (quote)", bytes: Golden.attest) {
            try TPMSAttest(marshalled: $0).marshalled
        },
        StructureCase(testDescription: "TPMT_SIGNATURE", bytes: Golden.signature) {
            try TPMTSignature(marshalled: $0).marshalled
        },
        StructureCase(testDescription: "TPM2B_PUBLIC (ECC AK)", bytes: Golden.publicArea) {
            try TPMTPublic(tpm2bPublic: $0).marshalledSized
        },
        StructureCase(
            testDescription: "TPMT_PUBLIC (ECC AK)", bytes: { Array(try Golden.publicArea().dropFirst(2)) },
            roundTrip: { try TPMTPublic(tpmtPublic: $0).marshalled }),
        StructureCase(testDescription: "TPMT_PUBLIC (RSA)", bytes: { rsaArea.marshalled }) {
            try TPMTPublic(tpmtPublic: $0).marshalled
        },
        StructureCase(testDescription: "TPMT_PUBLIC (keyed hash)", bytes: { keyedHashArea.marshalled }) {
            try TPMTPublic(tpmtPublic: $0).marshalled
        },
        StructureCase(testDescription: "TPMT_PUBLIC (symmetric)", bytes: { symmetricArea.marshalled }) {
            try TPMTPublic(tpmtPublic: $0).marshalled
        },
        StructureCase(testDescription: "TPML_PCR_SELECTION", bytes: { selection.marshalled }) {
            try TPMLPCRSelection(marshalled: $0).marshalled
        },
        StructureCase(testDescription: "TPMS_ATTEST (certify)", bytes: { certification.marshalled }) {
            try TPMSAttest(marshalled: $0).marshalled
        },
    ]

    static let selection = TPMLPCRSelection(.all, banks: [.sha1, .sha256, .sha384])
    static let rsaArea = TPMTPublic(
        nameAlgorithm: .sha256, attributes: [.fixedTPM, .restricted, .decrypt],
        authPolicy: [UInt8](repeating: 7, count: 32),
        key: .rsa(
            .init(
                symmetric: .cipher(.aes, keyBits: 128, mode: .cfb), scheme: .init(.oaep, .sha256), keyBits: 2048,
                exponent: 0, modulus: [UInt8](repeating: 0xC1, count: 256))))
    static let keyedHashArea = TPMTPublic(
        nameAlgorithm: nil, attributes: [.sign],
        key: .keyedHash(scheme: .hmac(.sha384), unique: [UInt8](repeating: 1, count: 48)))
    static let symmetricArea = TPMTPublic(
        nameAlgorithm: .sha1, attributes: [.decrypt],
        key: .symCipher(.cipher(.aes, keyBits: 256, mode: .cfb), unique: [1, 2, 3]))
    static let certification = TPMSAttest(
        qualifiedSigner: TPM2BName(.zero(.sha256)), extraData: [1, 2, 3],
        clockInfo: TPMSClockInfo(clock: 9, resetCount: 8, restartCount: 7, safe: false), firmwareVersion: 6,
        attested: .certify(
            TPMSCertifyInfo(name: TPM2BName(.ones(.sha256)), qualifiedName: TPM2BName(.zero(.sha384)))))
}

@Suite struct TPMStructureParsingTests {
    @Test("QF-25: a structure marshals to exactly the bytes that were read", arguments: StructureCase.all)
    func roundTrip(_ structure: StructureCase) throws {
        let bytes = try structure.bytes()
        #expect(try structure.roundTrip(bytes) == bytes)
    }

    @Test("QF-25: every proper prefix is refused", arguments: StructureCase.all)
    func prefixes(_ structure: StructureCase) throws {
        let bytes = try structure.bytes()
        for count in 0..<bytes.count {
            #expect(throws: ParsingError.self, "\(count) of \(bytes.count) bytes") {
                try structure.roundTrip(Array(bytes.prefix(count)))
            }
        }
    }

    @Test("QF-25: an appended byte is refused", arguments: StructureCase.all)
    func trailing(_ structure: StructureCase) throws {
        let bytes = try structure.bytes()
        for byte in [0, 0xFF] as [UInt8] {
            #expect(throws: ParsingError.self) { try structure.roundTrip(bytes + [byte]) }
        }
    }

    @Test("QF-25: 20,000 mutants are refused or marshal to the very bytes that were read")
    func mutants() throws {
        var random = SplitMix(state: 25)
        let cases = try StructureCase.all.map { (try $0.bytes(), $0.roundTrip) }
        for index in 0..<20_000 {
            var (bytes, roundTrip) = cases[index % cases.count]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2 where bytes.count > 1: bytes.remove(at: position)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
                }
            }
            do { #expect(try roundTrip(bytes) == bytes) } catch is ParsingError { continue }
        }
    }
}

/// A generator whose sequence is the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct PCRSelectionTests {
    private func refusal(_ bytes: [UInt8]) -> ParsingError? {
        do throws(ParsingError) {
            _ = try TPMLPCRSelection(marshalled: bytes)
            return nil
        } catch { return error }
    }

    @Test("QF-25: sizeofSelect other than 3 is refused", arguments: [0, 1, 2, 4, 5, 255] as [UInt8])
    func sizeOfSelect(size: UInt8) {
        let bytes = [0, 0, 0, 1, 0, 0x0B, size] + [UInt8](repeating: 1, count: Int(size))
        #expect(refusal(bytes)?.problem == .outOfRange(value: UInt64(size), limit: 3))
    }

    @Test("QF-25: a bank that occurs twice is refused")
    func twice() {
        let entry: [UInt8] = [0, 0x0B, 3, 1, 0, 0]
        #expect(refusal([0, 0, 0, 2] + entry + entry)?.offset == 10)
        let set = TPMSPCRSelection(bank: .sha256, pcrs: .all)
        #expect(TPMLPCRSelection([set, set]) == nil)
    }

    @Test("QF-25: more than 16 entries are refused before any is read", arguments: [17, 0xFFFF, UInt32.max])
    func count(count: UInt32) {
        var writer = ByteWriter()
        writer.writeBigEndian(count)
        #expect(refusal(writer.bytes)?.problem == .outOfRange(value: UInt64(count), limit: 16))
    }

    @Test("An unknown bank is refused")
    func unknownBank() {
        #expect(refusal([0, 0, 0, 1, 0x7F, 0xFF, 3, 0, 0, 0])?.problem == .unknownValue(0x7FFF))
    }

    @Test("Bit n of octet n/8 stands for PCR n")
    func bitOrder() throws {
        let list = try TPMLPCRSelection(marshalled: [0, 0, 0, 1, 0, 0x0B, 3, 0x01, 0x80, 0x80])
        #expect(list[.sha256]?.indices.map(\.rawValue) == [0, 15, 23])
        #expect(list[.sha1] == nil)
    }

    @Test("QF-05: a bank that is not allocated keeps its entry and loses its registers")
    func limited() throws {
        let limited = StructureCase.selection.limited(toAllocated: [.sha256])
        #expect(limited.selections.map(\.bank) == [.sha1, .sha256, .sha384])
        #expect(limited[.sha1]?.isEmpty == true)
        #expect(limited[.sha256] == .all)
        let pcr10 = try #require(PCRIndex(10))
        let added = limited.adding(pcr10, in: [.sha1, .sha512])
        #expect(added.selections.map(\.bank) == [.sha1, .sha256, .sha384], "no entry is made")
        #expect(added[.sha1]?.indices == [pcr10] && added[.sha256] == .all)
    }
}

@Suite struct TPMTPublicTests {
    @Test("The golden AK is what tpm2-tools said it is")
    func golden() throws {
        let area = try TPMTPublic(tpm2bPublic: Golden.publicArea())
        #expect(area.nameAlgorithm == .sha256)
        #expect(
            area.attributes
                == [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .restricted, .sign])
        guard case .ecc(let ecc) = area.key else {
            Issue.record("not an ECC key")
            return
        }
        #expect(ecc.curve == .nistP256)
        #expect(ecc.scheme == TPMTAsymScheme(.ecdsa, .sha256))
        #expect(ecc.x.count == 32)
    }

    @Test("ID-06: a key type that disagrees with the rest of the area is refused")
    func typeSwap() throws {
        var bytes = try Golden.publicArea()
        bytes[3] = 0x01
        #expect(throws: ParsingError.self) { try TPMTPublic(tpm2bPublic: bytes) }
        var scheme = try Golden.publicArea()
        scheme[0x0F] = 0x14  // RSASSA on an ECC key
        #expect(throws: ParsingError.self) { try TPMTPublic(tpm2bPublic: scheme) }
    }

    @Test("Reserved attribute bits are refused", arguments: [0, 3, 12, 15, 20, 31] as [UInt32])
    func reserved(bit: UInt32) {
        var area = StructureCase.rsaArea
        area.attributes.insert(TPMAObject(rawValue: 1 << bit))
        #expect(throws: ParsingError.self) { try TPMTPublic(tpmtPublic: area.marshalled) }
    }

    @Test("Lengths at their limit are read and one above is refused")
    func limits() throws {
        func area(modulus: Int) -> [UInt8] {
            var copy = StructureCase.rsaArea
            copy.key = .rsa(
                .init(
                    symmetric: .none, scheme: .null, keyBits: 2048, exponent: 0,
                    modulus: [UInt8](repeating: 1, count: modulus)))
            return copy.marshalled
        }
        for size in [0, 1, 512] { #expect(try TPMTPublic(tpmtPublic: area(modulus: size)).type == .rsa) }
        #expect(throws: ParsingError.self) { try TPMTPublic(tpmtPublic: area(modulus: 513)) }
        #expect(throws: ParsingError.self) { try TPMTPublic(tpmtPublic: area(modulus: 2048)) }
    }

    @Test("A policy that is no digest of the name algorithm is refused", arguments: [1, 31, 33, 48, 64])
    func policy(size: Int) {
        var area = StructureCase.rsaArea
        area.authPolicy = [UInt8](repeating: 1, count: size)
        #expect(throws: ParsingError.self) { try TPMTPublic(tpmtPublic: area.marshalled) }
    }
}

@Suite struct TPM2BNameTests {
    @Test("A name is empty, a handle, or an algorithm and its digest; nothing else")
    func forms() {
        #expect(TPM2BName([])?.digest == nil)
        #expect(TPM2BName([0x40, 0, 0, 0x0B]) == .endorsementHierarchy)
        #expect(TPM2BName(.zero(.sha384)).bytes.count == 50)
        for size in [1, 2, 3, 5, 35, 66] {
            #expect(TPM2BName([UInt8](repeating: 0, count: size)) == nil)
        }
        #expect(TPM2BName([0, 0x0B] + [UInt8](repeating: 0, count: 31)) == nil)
        #expect(TPM2BName([0, 0x0B] + [UInt8](repeating: 0, count: 33)) == nil)
        #expect(TPM2BName([0x7F, 0x0B] + [UInt8](repeating: 0, count: 32)) == nil)
    }
}

@Suite struct TPMResponseCodeTests {
    @Test("Codes name what they concern")
    func decoding() {
        #expect(TPMResponseCode(rawValue: 0x1C3).description == "TPM_RC_HASH (0x1c3, parameter 1)")
        #expect(TPMResponseCode(rawValue: 0x1DF).base == .integrity)
        #expect(TPMResponseCode(rawValue: 0x98E).description == "TPM_RC_AUTH_FAIL (0x98e, session 1)")
        #expect(TPMResponseCode(rawValue: 0x18B).subject == .handle(1))
        #expect(TPMResponseCode(rawValue: 0x902).name == "TPM_RC_OBJECT_MEMORY")
        #expect(TPMResponseCode(rawValue: 0x14C).base == .nvDefined)
        #expect(TPMResponseCode(rawValue: 0x922).isRetriable)
        #expect(TPMResponseCode(rawValue: 0x922).isWarning)
        #expect(!TPMResponseCode(rawValue: 0x101).isWarning)
        #expect(TPMResponseCode(rawValue: 0x0FF).name == nil)
    }
}
