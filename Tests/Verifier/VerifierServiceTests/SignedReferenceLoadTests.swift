import Appraisal
import AttestationMessages
import AttestationTestKit
import Crypto
import Foundation
import ReferenceValues
import SecurityEvents
import StubVerifier
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("RV-06: signatures are verified whenever a set is loaded")
struct SignedReferenceLoadTests {
    let authority: StubAuthority
    let ada: ReferenceSigner
    let bob: ReferenceSigner

    init() throws {
        authority = try StubAuthority(commonName: "operators")
        ada = try ReferenceSigner("ada", of: authority, notBefore: .distantOld, notAfter: .distantNew)
        bob = try ReferenceSigner("bob", of: authority, notBefore: .distantOld, notAfter: .distantNew)
    }

    private func policy(_ rule: ReferenceSignatureRule) throws -> VerifierPolicy {
        var policy = VerifierPolicy()
        policy.referenceSignatures = rule
        policy.operatorTrust = OperatorTrust(try authority.trust())
        return policy
    }

    /// A verifier whose store holds the golden set as active, approved by ada and bob, with these signatures.
    private func bench(
        _ rule: ReferenceSignatureRule,
        _ signatures: (ReferenceRecord, Int64) throws -> [ReferenceSignatureRecord]
    ) async throws -> VerifierTestBench {
        let bench = try await VerifierTestBench(references: false, policy: try policy(rule))
        let node = try SoftwareNode("reference")
        let document = try ReferenceCapture.draft(
            name: "golden", group: "default",
            from: [.init(pcrs: node.attestedPCRs(), eventLog: node.eventLog, label: "test")]
        ).encoded()
        let now = try await bench.store.read { $0.now }
        let record = ReferenceRecord(
            name: "golden", version: 1, status: .active, group: "default", document: document,
            documentSHA256: Array(SHA256.hash(data: document)), layers: [], createdBy: "ada", proposedBy: "ada",
            proposedByKeySHA256: ada.peer.keySHA256, approvedBy: "bob", approvedByKeySHA256: bob.peer.keySHA256,
            labMode: false, note: nil, createdAtMilliseconds: now, validUntilMilliseconds: nil)
        let records = try signatures(record, now)
        try await bench.store.write { tx in
            try tx.save(record)
            for record in records { try tx.insert(record) }
        }
        return bench
    }

    private func events(_ bench: VerifierTestBench, _ id: String) async throws -> Int {
        try await ReferenceSignatureWatch.check(bench.store, bench.policy)
        return try await bench.events().filter { $0.eventID == id }.count
    }

    private func both(_ record: ReferenceRecord, _ now: Int64) throws -> [ReferenceSignatureRecord] {
        [try ada.record(.propose, on: record, at: now), try bob.record(.approve, on: record, at: now)]
    }

    @Test(
        "Signed by both, the set judges; its signers' certificates may end later",
        arguments: ReferenceSignatureRule.allCases)
    func sound(_ rule: ReferenceSignatureRule) async throws {
        let bench = try await bench(rule) { try both($0, $1) }
        #expect(try await bench.attest(try await bench.enrolled()).verdict == .pass)
        #expect(try await events(bench, "STORE_TAMPERED") == 0)
    }

    enum Tampering: CaseIterable {
        case copy, flipped, stranger, expiredThen, otherSigner, swappedActs
    }

    @Test(
        "A signature over a copy, a flipped one, an unknown, expired or other signer: the set judges nobody, and it is an alarm",
        arguments: Tampering.allCases, ReferenceSignatureRule.allCases)
    func tampered(_ tampering: Tampering, _ rule: ReferenceSignatureRule) async throws {
        let stranger = try ReferenceSigner("bob", of: try StubAuthority(commonName: "operators"))
        let expired = try ReferenceSigner("bob", of: authority, notBefore: .distantOld, notAfter: .distantOld + 60)
        let bench = try await bench(rule) { record, now in
            var records = try both(record, now)
            switch tampering {
            case .copy: records[1] = try bob.record(.approve, on: record, over: record.document + [0x0A], at: now)
            case .flipped: records[1].signature[5] ^= 0x80
            case .stranger: records[1] = try stranger.record(.approve, on: record, at: now)
            case .expiredThen: records[1] = try expired.record(.approve, on: record, at: now)
            case .otherSigner: records[1] = try ada.record(.approve, on: record, at: now)
            case .swappedActs: records[1].signature = records[0].signature
            }
            return records
        }
        let refusal = await nodeRefusal { _ = try await bench.attest(try await bench.enrolled()) }
        #expect(refusal?.code == "STORE_TAMPERED" && refusal?.kind == .unavailable)
        #expect(try await events(bench, "STORE_TAMPERED") == 1)
        // Folded while nobody acknowledged it.
        #expect(try await events(bench, "STORE_TAMPERED") == 1)
    }

    @Test(
        "Signatures' roots that are read again hold from the next evidence on, with what was compiled under them made anew"
    )
    func reloaded() async throws {
        let bench = try await bench(.optional) { try both($0, $1) }
        let node = try await bench.enrolled()
        #expect(try await bench.attest(node).verdict == .pass)
        let trust = bench.policy.operatorTrust
        let good = trust.content
        let other = try StubAuthority(commonName: "operators").trust()
        trust.replace(with: other)
        var next = node
        next.clock.clock += 10
        let refusal = await nodeRefusal { [next] in _ = try await bench.attest(next) }
        #expect(refusal?.code == "STORE_TAMPERED")
        #expect(try await events(bench, "STORE_TAMPERED") == 1)
        // The new CA beside the old one.
        trust.replace(with: .init(roots: other.roots + good.roots))
        next.clock.clock += 10
        #expect(try await bench.attest(next).verdict == .pass)
    }

    @Test(
        "RV-06: a signer revoked before the act, or for a compromised key, voids the set; one revoked later does not",
        arguments: ReferenceSignatureRule.allCases)
    func revoked(_ rule: ReferenceSignatureRule) async throws {
        let bench = try await bench(rule) { try both($0, $1) }
        let now = Date(timeIntervalSince1970: Double(try await bench.store.read { $0.now } / 1000))
        let node = try await bench.enrolled()
        let hour: TimeInterval = 3600
        typealias Entry = RevocationListWriter.Entry
        let cases: [(entry: Entry, isVoid: Bool)] = [
            (Entry(bob.serialNumber, at: now + hour), false),
            (Entry(bob.serialNumber, at: now + hour, reason: [4]), false),
            (Entry([9], at: now - hour, reason: [1]), false), (Entry(bob.serialNumber, at: now - hour), true),
            (Entry(bob.serialNumber, at: now - hour, reason: [5]), true),
            (Entry(ada.serialNumber, at: now + hour, reason: [1]), true),
            (Entry(bob.serialNumber, at: now + hour, reason: [4], invalidSince: "20200101000000Z"), true),
        ]
        var next = node
        for (number, (entry, isVoid)) in cases.enumerated() {
            bench.policy.operatorTrust.replace(with: try authority.trust(revoking: [entry]))
            next.clock.clock += 10
            guard isVoid else {
                #expect(try await bench.attest(next).verdict == .pass, "case \(number)")
                continue
            }
            let refusal = await nodeRefusal { [next] in _ = try await bench.attest(next) }
            #expect(refusal?.code == "REF_SIGNATURE" && refusal?.kind == .unavailable, "case \(number)")
            #expect(refusal?.detail.contains("revoked") == true)
        }
        #expect(try await events(bench, "REF_SIGNATURE") == 1)
        bench.policy.operatorTrust.replace(with: try authority.trust())
        next.clock.clock += 10
        #expect(try await bench.attest(next).verdict == .pass)
    }

    @Test("Without signatures the set judges where they are optional, and nobody where they are required")
    func unsigned() async throws {
        let optional = try await bench(.optional) { _, _ in [] }
        #expect(try await optional.attest(try await optional.enrolled()).verdict == .pass)
        for missing in [0, 1, 2] {
            let required = try await bench(.required) { record, now in
                missing == 2 ? [] : [try both(record, now)[missing]]
            }
            let refusal = await nodeRefusal { _ = try await required.attest(try await required.enrolled()) }
            #expect(refusal?.code == "REF_SIGNATURE" && refusal?.kind == .unavailable)
            #expect(try await events(required, "REF_SIGNATURE") == 1)
        }
    }

    @Test("A document that is not the one whose SHA-256 is recorded judges nobody, signed or not")
    func otherBytes() async throws {
        let bench = try await bench(.optional) { _, _ in [] }
        try await bench.store.write { tx in
            guard var record = try tx.reference("golden", version: 1) else { return }
            record.status = .retired
            try tx.save(record)
            record.version = 2
            record.status = .active
            record.documentSHA256 = [UInt8](repeating: 9, count: 32)
            try tx.save(record)
        }
        let refusal = await nodeRefusal { _ = try await bench.attest(try await bench.enrolled()) }
        #expect(refusal?.code == "STORE_TAMPERED")
    }
}

extension Date {
    fileprivate static var distantOld: Date { Date(timeIntervalSince1970: 1_000_000_000) }
    fileprivate static var distantNew: Date { Date(timeIntervalSince1970: 3_000_000_000) }
}
