import AttestationMessages
import GRDB
import Testing
import VerifierService
import VerifierStore

@Suite("Change plans in the store")
struct PlanTablesTests {
    private static let nodes = ["a", "b"].compactMap(NodeID.init)

    private func plan(_ name: String) -> PlanRecord {
        PlanRecord(
            name: name, group: "default", referenceName: "golden", referenceVersion: 1, startMilliseconds: 10,
            endMilliseconds: 20, reboots: 3, reason: "update", ticket: "CHG-1", createdBy: "ada",
            createdByKeySHA256: "aa", createdAtMilliseconds: 5)
    }

    private func store(_ folder: StoreInFolder) async throws -> SQLiteStore {
        let store = try folder.open()
        try await store.write { tx in
            try tx.save(
                ReferenceRecord(
                    name: "golden", version: 1, status: .draft, group: "default", document: [1],
                    documentSHA256: [UInt8](repeating: 1, count: 32), layers: [], createdBy: "ada", proposedBy: nil,
                    proposedByKeySHA256: nil, approvedBy: nil, approvedByKeySHA256: nil, labMode: false, note: nil,
                    createdAtMilliseconds: 1, validUntilMilliseconds: nil))
        }
        return store
    }

    private func refuses(_ store: SQLiteStore, _ body: @escaping @Sendable (any StoreTransaction) throws -> Void) async
        -> Bool
    {
        do {
            try await store.write(body)
            return false
        } catch { return true }
    }

    @Test("A plan reads back, raises the policy generation when made and when closed, and is closed once")
    func life() async throws {
        let folder = try StoreInFolder()
        let store = try await store(folder)
        let before = try await store.read { try $0.policyGeneration() }
        let plan = plan("p")
        try await store.write { try $0.insert(plan, nodes: Self.nodes) }
        #expect(try await store.read { try $0.policyGeneration() } == before + 1)
        #expect(try await store.read { try $0.plan("p") } == plan)
        #expect(try await store.read { try $0.openPlans(group: "default") } == [plan])
        #expect(try await store.read { try $0.plans(open: false) }.isEmpty)
        #expect(try await store.read { try $0.plannedNode(Self.nodes[0]) }?.plan == "p")
        #expect(try await store.read { try $0.waitingNodes(inPlansEndedBy: 19, limit: 9) }.isEmpty)
        #expect(try await store.read { try $0.waitingNodes(inPlansEndedBy: 20, limit: 9) }.count == 2)
        var closed = plan
        closed.closedBy = "ada"
        closed.closedAtMilliseconds = store.clock.now()
        closed.closeReason = "done"
        let final = closed
        try await store.write { try $0.close(final) }
        #expect(try await store.read { try $0.policyGeneration() } == before + 2)
        #expect(try await store.read { try $0.plan("p") } == final)
        #expect(try await store.read { try $0.plannedNode(Self.nodes[0]) } == nil)
        #expect(await refuses(store) { try $0.close(final) })
        try await store.write { try $0.purge(Retention()) }
        #expect(try await store.read { try $0.planNodes(of: "p") }.count == 2)
        let reopened = try folder.open()
        #expect(try await reopened.read { try $0.planNodes(of: "p") }.map(\.nodeID) == Self.nodes)
        folder.advance(1_000)
        try await reopened.write { try $0.purge(Retention(failVerdictAge: 0)) }
        #expect(try await reopened.read { try $0.planNodes(of: "p") }.isEmpty)
        #expect(try await reopened.read { try $0.plan("p") } == final)
    }

    @Test("A node is in one open plan, goes forward once, and may be planned again when it missed the window")
    func nodesOfPlans() async throws {
        let folder = try StoreInFolder()
        let store = try await store(folder)
        let (first, second) = (plan("p"), plan("q"))
        try await store.write { try $0.insert(first, nodes: Self.nodes) }
        #expect(await refuses(store) { try $0.insert(second, nodes: [Self.nodes[0]]) })
        let missed = PlanNodeRecord(plan: "p", nodeID: Self.nodes[0], status: .missed, atMilliseconds: 21)
        let updated = PlanNodeRecord(
            plan: "p", nodeID: Self.nodes[1], status: .updated, atMilliseconds: 15, verdictID: "v")
        try await store.write { tx in
            try tx.save(missed)
            try tx.save(updated)
            try tx.insert(second, nodes: [missed.nodeID])
        }
        #expect(try await store.read { try $0.plannedNode(missed.nodeID) }?.plan == "q")
        #expect(try await store.read { try $0.plannedNode(updated.nodeID) } == updated)
        let counts = try await store.read { try $0.planCounts(of: "p") }
        #expect(counts.waiting == 0 && counts.updated == 1 && counts.missed == 1)
        let back = PlanNodeRecord(plan: "p", nodeID: updated.nodeID)
        #expect(await refuses(store) { try $0.save(back) })
        // Somebody with the file cannot widen a window by the schema's leave.
        #expect(throws: DatabaseError.self) { try folder.tamper("UPDATE plans SET ends = 99 WHERE name = 'p'") }
    }

    @Test("A plan's explanation of a boot can be withdrawn once; nothing else of the ledger changes")
    func withdrawal() async throws {
        let folder = try StoreInFolder()
        let store = try await store(folder)
        let node = Self.nodes[0]
        let counters = TPMCounters(clock: 1, resetCount: 1, restartCount: 0, safe: true, firmwareVersion: 1)
        var after = counters
        after.resetCount = 3
        let reboot = RebootRecord(
            nodeID: node, akName: [1], before: counters, after: after, lastEvidenceAtMilliseconds: nil,
            bootIDBefore: nil, bootIDAfter: nil, verdictID: "v", explanation: .plan(id: "p", reason: "update"),
            findings: ["BOOT_NEW"])
        try await store.write { try $0.insert(reboot) }
        #expect(try await store.read { try $0.explainedResets(of: node, by: "p") } == 2)
        #expect(try await store.write { try $0.withdrawPlan(ofBootIn: "v", node: node) })
        #expect(try await !store.write { try $0.withdrawPlan(ofBootIn: "v", node: node) })
        let row = try await store.read { try $0.reboots(of: node, before: nil, limit: 1) }.first
        #expect(row?.explanation == .unexplained && row?.findings == ["BOOT_NEW", "BOOT_UNEXPECTED"])
        #expect(try await store.read { try $0.explainedResets(of: node, by: "p") } == 0)
        for change in ["reset_after = 2", "explanation = 'plan', explained_by = 'p'", "verdict_id = 'w'"] {
            #expect(throws: DatabaseError.self) { try folder.tamper("UPDATE reboots SET \(change)") }
        }
    }
}
