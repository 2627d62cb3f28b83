import TPMStructures
import Testing

@testable import ESAPI

@Suite("Encodings of the TPM edge")
struct EncodingTests {
    @Test(
        "ECDSA integers are minimal and non-negative in DER",
        arguments: [
            ([UInt8](), [UInt8]([0x02, 0x01, 0x00])), ([0], [0x02, 0x01, 0x00]), ([0, 0, 5], [0x02, 0x01, 0x05]),
            ([0x7F], [0x02, 0x01, 0x7F]), ([0x80], [0x02, 0x02, 0x00, 0x80]), ([0, 0x80], [0x02, 0x02, 0x00, 0x80]),
        ])
    func integers(magnitude: [UInt8], der: [UInt8]) {
        #expect(ECDSASignatureDER.encode(r: magnitude, s: [1]) == [0x30, UInt8(der.count + 3)] + der + [2, 1, 1])
    }

    @Test("Long signatures get a long length")
    func longSignature() {
        let integer = [UInt8](repeating: 0xFF, count: 66)
        #expect(ECDSASignatureDER.encode(r: integer, s: integer).prefix(3) == [0x30, 0x81, 138])
    }

    @Test("DER sequences are cut apart; fillers and cut-off ends are left")
    func sequences() {
        let short: [UInt8] = [0x30, 2, 5, 0]
        let long: [UInt8] = [0x30, 0x81, 0x80] + [UInt8](repeating: 7, count: 128)
        #expect(DERSequences.split(short + long + [0, 0, 0, 0, 0]) == [short, long])
        #expect(DERSequences.split(short + long.dropLast()) == [short])
        for count in 0..<short.count { #expect(DERSequences.split(Array(short.prefix(count))) == []) }
        #expect(DERSequences.split([0x30, 0x80, 0, 0]) == [])
        #expect(DERSequences.split([0x30, 0x83, 0, 0, 1, 0]) == [])
    }

    @Test("Return codes are decoded by layer")
    func layers() {
        #expect(TSS2ReturnCode(rawValue: 0x1DF).response == TPMResponseCode(rawValue: 0x1DF))
        #expect(TSS2ReturnCode(rawValue: 0x000C_0922).response == .retry)
        #expect(TSS2ReturnCode(rawValue: 0x000A_000A).layer == .tcti)
        #expect(TSS2ReturnCode(rawValue: 0x000A_000A).description == "TCTI: I/O error (0xa000a)")
        #expect(TSS2ReturnCode(rawValue: 0x0007_0018).layer == .esapi)
        #expect(TSS2ReturnCode(rawValue: 0x0007_0018).response == nil)
        #expect(TSS2ReturnCode(rawValue: 0x0042_0001).layer == .other(0x42))
        #expect(TSS2ReturnCode(rawValue: 0x000A_0001).spoilsConnection)
        #expect(!TSS2ReturnCode(rawValue: 0x0922).spoilsConnection)
    }
}
