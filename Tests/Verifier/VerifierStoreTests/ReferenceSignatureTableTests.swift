import AttestationMessages
import Testing
import VerifierService
import VerifierStore

@Suite("Stored signatures of reference sets")
struct ReferenceSignatureTableTests {
    private func set(_ now: Int64) -> ReferenceRecord {
        ReferenceRecord(
            name: "golden", version: 1, status: .proposed, group: "g", document: [1],
            documentSHA256: [UInt8](repeating: 1, count: 32), layers: [], createdBy: "ada", proposedBy: "ada",
            proposedByKeySHA256: "aa", approvedBy: nil, approvedByKeySHA256: nil, labMode: false, note: nil,
            createdAtMilliseconds: now, validUntilMilliseconds: nil)
    }

    private func signature(_ act: ReferenceAct, version: Int = 1, size: Int = 64) -> ReferenceSignatureRecord {
        ReferenceSignatureRecord(
            name: "golden", version: version, act: act, signer: "ada", certificates: [[1, 2], [3]],
            signature: [UInt8](repeating: 7, count: size), atMilliseconds: act == .propose ? 1 : 2)
    }

    @Test("RV-06: a signature comes back as it was stored, and stands for ever: no second one, no change, no removal")
    func writeOnce() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        let (propose, approve) = (signature(.propose), signature(.approve))
        let record = set(0)
        try await store.write { tx in
            try tx.save(record)
            try tx.insert(approve)
            try tx.insert(propose)
        }
        #expect(
            try await store.read { try $0.referenceSignatures("golden", version: 1) } == [propose, approve])
        #expect(try await store.read { try $0.referenceSignatures("golden", version: 2) }.isEmpty)
        for wrong in [propose, signature(.reject), signature(.propose, version: 2), signature(.approve, size: 63)] {
            await #expect(throws: (any Error).self) { try await store.write { try $0.insert(wrong) } }
        }
        for sql in [
            "UPDATE reference_signatures SET signer = 'eve'", "DELETE FROM reference_signatures WHERE act = 'approve'",
        ] {
            #expect(throws: (any Error).self) { try folder.tamper(sql) }
        }
        #expect(try await store.read { try $0.referenceSignatures("golden", version: 1) }.count == 2)
    }

    @Test("A store from before the signatures opens, and its sets have none")
    func migrated() async throws {
        let folder = try StoreInFolder()
        try folder.tamper(
            """
            DELETE FROM grdb_migrations WHERE identifier = '2026-11 signatures of reference sets';
            DROP TABLE reference_signatures;
            """)
        let store = try folder.open()
        let record = set(0)
        try await store.write { try $0.save(record) }
        #expect(try await store.read { try $0.referenceSignatures("golden", version: 1) }.isEmpty)
    }
}
