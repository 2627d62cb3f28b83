import AttestationMessages
import GRDB
import Testing
import VerifierService
import VerifierStore

@Suite("Kernels without a reset, in the store")
struct KernelStartTests {
    private static let counters = TPMCounters(
        clock: 1, resetCount: 3, restartCount: 0, safe: true, firmwareVersion: 1)

    private func row(_ node: NodeID, from before: String?, to after: String?) -> RebootRecord {
        RebootRecord(
            nodeID: node, akName: [1], before: Self.counters, after: Self.counters, lastEvidenceAtMilliseconds: 5,
            bootIDBefore: before, bootIDAfter: after, verdictID: "v", explanation: nil,
            findings: ["BOOT_WITHOUT_RESET"])
    }

    @Test("A row in which the boot id alone changed is kept; one in which nothing changed is none")
    func rows() async throws {
        let store = try StoreInFolder().open()
        let node = try #require(NodeID("n1"))
        let (changed, first, same) = (
            row(node, from: "a", to: "b"), row(node, from: nil, to: "a"), row(node, from: "a", to: "a")
        )
        try await store.write { tx in
            try tx.insert(changed)
            try tx.insert(first)
        }
        await #expect(throws: (any Error).self) { try await store.write { try $0.insert(same) } }
        let rows = try await store.read { try $0.reboots(of: node, before: nil, limit: 9) }
        #expect(rows.map(\.bootIDAfter) == ["a", "b"] && rows.allSatisfy(\.isWithoutReset))
    }

    @Test("An older store keeps its ledger with every number, gives none twice, and knows no first boot id")
    func migrated() async throws {
        let folder = try StoreInFolder()
        let name = String(repeating: "04", count: 34)
        // As the version before left it: rows 1 and 3 are kept, 7 was given last and is purged.
        try folder.tamper(
            """
            DELETE FROM grdb_migrations WHERE identifier = '2026-11 kernels without a reset';
            ALTER TABLE attestation_states DROP COLUMN first_boot_id;
            INSERT INTO reboots (number, node_id, ak_name, at, reset_before, restart_before, reset_after, restart_after,
                boot_id_before, boot_id_after, verdict_id, explanation, explained_by, reason, findings)
            VALUES (1, 'n1', x'01', 10, 1, 0, 2, 0, 'a', 'b', 'v1', 'unexplained', NULL, NULL, 'BOOT_NEW,BOOT_UNEXPECTED'),
                (3, 'n1', x'01', 20, 2, 0, 4, 0, 'b', 'c', 'v3', 'plan', 'p', 'update', 'BOOT_NEW');
            UPDATE sqlite_sequence SET seq = 7 WHERE name = 'reboots';
            INSERT INTO attestation_states (ak_name, node_id, boot_id, tiers, lab_mode) VALUES (x'\(name)', 'n1', 'c', '', 0);
            """)
        let store = try folder.open()
        let node = try #require(NodeID("n1"))
        let before = try await store.read { try $0.reboots(of: node, before: nil, limit: 9) }
        #expect(before.map(\.number) == [3, 1])
        #expect(before.map(\.explanation) == [.plan, .unexplained] && before.first?.explainedBy == "p")
        #expect(before.last?.findings == ["BOOT_NEW", "BOOT_UNEXPECTED"] && before.last?.bootIDAfter == "b")
        let state = try await store.read { try $0.attestationState(akName: [UInt8](repeating: 4, count: 34)) }
        #expect(state?.bootID == "c" && state?.firstBootID == nil)
        let next = row(node, from: "c", to: "d")
        try await store.write { try $0.insert(next) }
        #expect(try await store.read { try $0.reboots(of: node, before: nil, limit: 1) }.first?.number == 8)
        #expect(throws: DatabaseError.self) { try folder.tamper("UPDATE reboots SET at = 0") }
        #expect(try await store.write { try $0.withdrawPlan(ofBootIn: "v3", node: node) })
    }
}
