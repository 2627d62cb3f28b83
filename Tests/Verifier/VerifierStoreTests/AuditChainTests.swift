import AttestationMessages
import Testing
import VerifierService
import VerifierStore

@Suite("The audit chain")
struct AuditChainTests {
    struct Edit: CustomTestStringConvertible {
        var testDescription: String
        var sql: String
        var firstBad: Int64
    }

    static let edits = [
        Edit(
            testDescription: "an edited detail", sql: "UPDATE audit SET detail = '{}' WHERE number = 4", firstBad: 4),
        Edit(testDescription: "another time", sql: "UPDATE audit SET at = at + 1 WHERE number = 1", firstBad: 1),
        Edit(testDescription: "another actor", sql: "UPDATE audit SET actor = 'node:x' WHERE number = 9", firstBad: 9),
        Edit(testDescription: "a removed record", sql: "DELETE FROM audit WHERE number = 5", firstBad: 5),
        Edit(testDescription: "a removed tail", sql: "DELETE FROM audit WHERE number > 7", firstBad: 8),
        Edit(
            testDescription: "two records swapped",
            sql: """
                UPDATE audit SET number = 100 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 6;
                UPDATE audit SET number = 6 WHERE number = 100
                """, firstBad: 3),
        Edit(
            testDescription: "an inserted copy",
            sql: """
                INSERT INTO audit SELECT 11, at, actor, action, subject, outcome, detail, chain FROM audit
                WHERE number = 10
                """, firstBad: 11),
        Edit(
            testDescription: "a removed record, the later ones renumbered",
            sql: """
                DELETE FROM audit WHERE number = 2; UPDATE audit SET number = number - 1 WHERE number = 3;
                UPDATE audit SET number = number - 1 WHERE number > 3
                """, firstBad: 2),
    ]

    private func filled() async throws -> (StoreInFolder, SQLiteStore) {
        let folder = try StoreInFolder()
        let store = try folder.open()
        for index in 1...10 {
            try await store.write { tx in
                try tx.audit(
                    AuditEntry(
                        actor: "operator:o\(index)", action: "node.approve", subject: "n\(index)", outcome: "success",
                        detail: ["reason": "text \(index)"]))
            }
        }
        return (folder, store)
    }

    @Test("SA-02: an untouched chain verifies, also after a restart")
    func untouched() async throws {
        let (folder, store) = try await filled()
        let state = try await store.verifyAudit()
        #expect(state.recordCount == 10)
        #expect(state.firstBadNumber == nil)
        try store.close()
        #expect(try await folder.open().verifyAudit() == state)
    }

    @Test("SA-02: every kind of change is found with the first bad number", arguments: edits)
    func changed(_ edit: Edit) async throws {
        let (folder, store) = try await filled()
        try folder.tamper(edit.sql)
        #expect(try await store.verifyAudit().firstBadNumber == edit.firstBad)
    }

    @Test("The chain does not verify under another key")
    func otherKey() async throws {
        let (folder, store) = try await filled()
        try store.close()
        let other = try SQLiteStore(path: folder.path, auditKey: [UInt8](repeating: 8, count: 32))
        #expect(try await other.verifyAudit().firstBadNumber == 1)
    }

    @Test("Unchanged passes of one commit leave one record with their count")
    func leaves() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        try await store.write { tx in
            try tx.auditLeaf([1])
            try tx.auditLeaf([2])
        }
        let records = try await store.read { try $0.auditRecords(before: nil, limit: 10) }
        #expect(records.map(\.action) == ["verdicts.unchanged"])
        #expect(records.first?.detail["count"] == "2")
    }
}
