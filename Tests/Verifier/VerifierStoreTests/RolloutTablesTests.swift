import AttestationMessages
import GRDB
import Testing
import VerifierService
import VerifierStore

@Suite("Staged activations in the store")
struct RolloutTablesTests {
    private static let nodes = (0..<10).compactMap { NodeID("n\($0)") }
    private static let rollout = RolloutRecord(
        group: "default", referenceName: "golden", referenceVersion: 1, stageSinceMilliseconds: 1,
        dwellMilliseconds: 600, size: 10, reason: "update", ticket: nil, startedBy: "ada", startedAtMilliseconds: 1)

    private func store(_ folder: StoreInFolder) async throws -> SQLiteStore {
        let store = try folder.open()
        try await store.write { tx in
            try tx.save(
                ReferenceRecord(
                    name: "golden", version: 1, status: .draft, group: "default", document: [1],
                    documentSHA256: [UInt8](repeating: 1, count: 32), layers: [], createdBy: "ada", proposedBy: nil,
                    proposedByKeySHA256: nil, approvedBy: nil, approvedByKeySHA256: nil, labMode: false, note: nil,
                    createdAtMilliseconds: 1, validUntilMilliseconds: nil))
            try tx.insert(Self.rollout, nodes: Self.nodes)
        }
        return store
    }

    private func refuses(
        _ store: SQLiteStore, _ body: @escaping @Sendable (any StoreTransaction) throws -> Void
    ) async -> Bool {
        do {
            try await store.write(body)
            return false
        } catch { return true }
    }

    @Test("One rollout is open for a group; it goes forward, raises the policy generation, and stays ended")
    func life() async throws {
        let store = try await store(try StoreInFolder())
        let before = try await store.read { try $0.policyGeneration() }
        let open = try #require(try await store.read { try $0.openRollout(group: "default") })
        var expected = Self.rollout
        expected.number = open.number
        #expect(open == expected && open.number > 0)
        #expect(await refuses(store) { try $0.insert(Self.rollout, nodes: Self.nodes) })
        var next = open
        next.stage = 1
        let second = next
        try await store.write { try $0.save(second) }
        #expect(try await store.read { try $0.policyGeneration() } == before + 1)
        #expect(await refuses(store) { try $0.save(open) })
        next.status = .halted
        next.endedBy = "verifier"
        next.endedAtMilliseconds = 9
        let halted = next
        try await store.write { try $0.save(halted) }
        #expect(try await store.read { try $0.openRollout(group: "default") } == nil)
        #expect(try await store.read { try $0.unfinishedRollouts() } == [halted])
        #expect(try await store.read { try $0.latestRollout(of: "golden") } == halted)
        #expect(await refuses(store) { try $0.save(second) })
        try await store.write { try $0.insert(Self.rollout, nodes: Self.nodes) }
    }

    @Test("All sets' rollouts are listed, the newest first, page by page, and the open ones alone")
    func listing() async throws {
        let store = try await store(try StoreInFolder())
        try await store.write { tx in
            guard var first = try tx.openRollout(group: "default") else { return }
            (first.status, first.endedBy, first.endedAtMilliseconds) = (.halted, "ada", 5)
            try tx.save(first)
            for group in ["edge", "core", "default"] {
                var other = Self.rollout
                other.group = group
                try tx.insert(other, nodes: Self.nodes)
            }
        }
        let all = try await store.read { try $0.rollouts(open: nil, before: nil, limit: 10) }
        #expect(all.map(\.group) == ["default", "core", "edge", "default"])
        #expect(all.map(\.status) == [.open, .open, .open, .halted])
        #expect(try await store.read { try $0.rollouts(open: true, before: nil, limit: 10) } == Array(all.prefix(3)))
        #expect(try await store.read { try $0.rollouts(open: false, before: nil, limit: 10) } == Array(all.suffix(1)))
        #expect(
            try await store.read { try $0.rollouts(open: nil, before: all[1].number, limit: 1) } == Array(all[2...2]))
        #expect(try await store.read { try $0.rollouts(open: true, before: all[2].number, limit: 9) } == [])
    }

    @Test("Counts are of the canaries of the present stage, and a verdict is kept for each of them")
    func counts() async throws {
        let store = try await store(try StoreInFolder())
        let open = try #require(try await store.read { try $0.openRollout(group: "default") })
        #expect(open.canaries == 1)
        let first = Self.nodes[0]
        var row = try #require(try await store.read { try $0.rolloutNode(first, in: open.number) })
        #expect(row.position == 0 && row.verdict == nil)
        row.verdict = .fail
        row.verdictID = "v"
        row.isNewlyFailing = true
        let failed = row
        var other = RolloutNodeRecord(rollout: open.number, nodeID: Self.nodes[9], position: 9)
        other.verdict = .pass
        other.verdictID = "w"
        let passed = other
        try await store.write { tx in
            try tx.save(failed)
            try tx.save(passed)
        }
        #expect(try await store.read { try $0.rolloutNode(first, in: open.number) } == failed)
        var counts = try await store.read { try $0.rolloutCounts(open) }
        #expect(counts == RolloutCounts(canaries: 1, judged: 1, newlyFailing: 1, failing: [first]))
        var later = open
        later.stage = 2
        let last = later
        counts = try await store.read { try $0.rolloutCounts(last) }
        #expect(counts == RolloutCounts(canaries: 10, judged: 2, newlyFailing: 1, failing: [first]))
    }

    @Test(
        "Shares of a stage are rounded up, and never none",
        arguments: [(1, 1, 1, 1), (50, 1, 5, 50), (201, 3, 21, 201)])
    func shares(size: Int, one: Int, ten: Int, all: Int) {
        var rollout = Self.rollout
        rollout.size = size
        for (stage, expected) in [one, ten, all].enumerated() {
            rollout.stage = stage
            #expect(rollout.canaries == expected)
        }
    }
}
