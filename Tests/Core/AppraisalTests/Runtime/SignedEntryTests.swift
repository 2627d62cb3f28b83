import Appraisal
import AttestationTestKit
import IMAMeasurementList
import ReferenceValues
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

/// Whole lists of the templates that hold more than `security.ima`, by what independent programs signed.
@Suite("Signed entries of measurement lists")
struct SignedEntryTests {
    private static func bytes(_ name: String) throws -> [UInt8] { try TestVectors.bytes("file-signatures/\(name)") }

    private func bench(_ signers: [String], denied: [FileDigest] = []) throws -> RuntimeBench {
        try RuntimeBench(denied: denied) { runtime in
            runtime.signers = try? signers.map {
                .init(name: $0, certificate: String(decoding: try Self.bytes("\($0).pem"), as: UTF8.self))
            }
        }
    }

    /// Inside the validity of the vectors' certificates.
    private static let now: Int64 = 1_798_700_000_000

    private func findings(
        _ bench: RuntimeBench, _ template: String, bigEndian: Bool = false, at instant: Int64 = Self.now,
        _ fields: (IMAListBuilder) throws -> [[UInt8]]
    ) throws -> [Finding] {
        var list = IMAListBuilder(bigEndian: bigEndian)
        let values = (0...9).flatMap { bench.boot.pcrs[.sha256, PCRIndex.all[$0]]?.bytes ?? [] }
        let aggregate = IMAListBuilder.digest("sha256", MessageDigest.hash(values, .sha256).bytes)
        let empty = [[UInt8]](repeating: [], count: template == "evm-sig" ? 7 : 3)
        list.add(template, [aggregate, IMAListBuilder.name("boot_aggregate")] + empty)
        list.add(template, try fields(list))
        return RuntimeAppraisal(measurementList: list.bytes, try bench.quoted(list), by: bench.rules, at: instant)
            .findings
    }

    private func modsig(_ message: [UInt8], content: [UInt8]) throws -> [[UInt8]] {
        [
            IMAListBuilder.digest("sha256", MessageDigest.hash(try Self.bytes("module.signed"), .sha256).bytes),
            IMAListBuilder.name("/lib/modules/x.ko"), [],
            IMAListBuilder.digest("sha256", MessageDigest.hash(content, .sha256).bytes), message,
        ]
    }

    @Test("IM-15: an entry of template ima-modsig rests on the signer of what d-modsig is the digest of")
    func modsig() throws {
        let module = try Self.bytes("module")
        let message = try Self.bytes("sign-file.p7s")
        for bigEndian in [false, true] {
            #expect(
                try findings(bench(["rsa"]), "ima-modsig", bigEndian: bigEndian) { _ in
                    try modsig(message, content: module)
                } == [])
        }
        func ids(_ signers: [String], _ message: [UInt8], _ content: [UInt8]) throws -> [String] {
            try findings(bench(signers), "ima-modsig") { _ in try modsig(message, content: content) }.map(\.id)
        }
        #expect(try ids(["other"], message, module) == ["IMA_SIGNATURE"])
        #expect(try ids(["rsa"], message, module + [0]) == ["IMA_SIGNATURE"])
        #expect(try ids(["rsa"], message.dropLast(), module) == ["IMA_SIGNATURE"])
        #expect(try ids(["rsa"], [], module) == ["IMA_UNKNOWN_FILE"])
        let denied = FileDigest(MessageDigest.hash(module, .sha256))
        #expect(
            try findings(bench(["rsa"], denied: [denied]), "ima-modsig") { _ in try modsig(message, content: module) }
                .map(\.id) == ["REF_REVOKED_COMPONENT"])
    }

    @Test("IM-15: a signer whose certificate is over speaks for no appended signature and no metadata any more")
    func expired() throws {
        let later: Int64 = 4_000_000_000_000
        let found = try findings(bench(["rsa"]), "ima-modsig", at: later) { _ in
            try modsig(Self.bytes("sign-file.p7s"), content: Self.bytes("module"))
        }
        #expect(found.map(\.id) == ["IMA_SIGNATURE"] && found.first?.seen == "outside its validity")
        #expect(try findings(bench(["rsa"]), "evm-sig", at: later) { try metadata($0) }.map(\.id) == ["IMA_SIGNATURE"])
    }

    @Test("A denied content beats the references of the file that it is signed into")
    func deniedContent() throws {
        let module = try Self.bytes("module")
        let file = FileDigest(MessageDigest.hash(try Self.bytes("module.signed"), .sha256))
        for (denied, expected) in [
            ([], []), ([FileDigest(MessageDigest.hash(module, .sha256))], ["REF_REVOKED_COMPONENT"]),
        ] {
            let bench = try RuntimeBench(denied: denied) { $0.files?.append("\(file) /lib/modules/x.ko") }
            let message = try Self.bytes("sign-file.p7s")
            #expect(
                try findings(bench, "ima-modsig") { _ in try modsig(message, content: module) }.map(\.id) == expected)
        }
    }

    @Test("IM-15: under a template of the same fields in another order an appended signature is nobody's")
    func otherOrder() throws {
        let found = try findings(bench(["rsa"]), "d-ng|n-ng|sig|modsig|d-modsig") { _ in
            let fields = try modsig(Self.bytes("sign-file.p7s"), content: Self.bytes("module"))
            return [fields[0], fields[1], fields[2], fields[4], fields[3]]
        }
        #expect(found.map(\.id) == ["IMA_UNKNOWN_FILE"])
    }

    private func metadata(_ list: IMAListBuilder, owner: UInt32 = 1000) throws -> [[UInt8]] {
        let attributes = ["selinux", "ima", "capability"]
        let values = try attributes.map { try Self.bytes("evm-rsa.\($0)") }
        return [
            IMAListBuilder.digest("sha256", MessageDigest.hash(try Self.bytes("program"), .sha256).bytes),
            IMAListBuilder.name("/usr/bin/program"), try Self.bytes("evm-rsa.evm"),
            IMAListBuilder.name(attributes.map { "security.\($0)" }.joined(separator: "|")),
            values.flatMap { list.integer(UInt32($0.count)) }, values.flatMap(\.self), list.integer(owner),
            list.integer(1001), Array(list.bigEndian ? [0o211, 0xED] : [0xED, 0o211]),
        ]
    }

    @Test("IM-15: an entry of template evm-sig rests on the signer of its metadata")
    func metadata() throws {
        #expect(try findings(bench(["rsa"]), "evm-sig") { try metadata($0) } == [])
        #expect(try findings(bench(["other"]), "evm-sig") { try metadata($0) }.map(\.id) == ["IMA_SIGNATURE"])
        #expect(try findings(bench(["rsa"]), "evm-sig") { try metadata($0, owner: 0) }.map(\.id) == ["IMA_SIGNATURE"])
        // A big-endian machine signs its own integers.
        #expect(
            try findings(bench(["rsa"]), "evm-sig", bigEndian: true) { try metadata($0) }.map(\.id) == ["IMA_SIGNATURE"]
        )
    }
}
