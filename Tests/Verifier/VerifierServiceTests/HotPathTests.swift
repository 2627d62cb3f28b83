import AttestationMessages
import Synchronization
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Units of work of a pass")
struct HotPathTests {
    @Test("A pass of a boot that is known is one read and one write, without a plan and under one")
    func units() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.bench.attest(node)
        let store = CountingStore(base: fixture.bench.store)
        let service = AttestationService(store: store, policy: fixture.bench.policy)
        func units() async throws -> [Int] {
            var submission = try await node.evidence(fixture.bench)
            submission.pcrs = nil
            let before = (store.reads.load(ordering: .relaxed), store.writes.load(ordering: .relaxed))
            #expect(try await service.submit(submission, node: node.peer).verdict == .pass)
            return [
                store.reads.load(ordering: .relaxed) - before.0, store.writes.load(ordering: .relaxed) - before.1,
            ]
        }
        // The service under test has to judge the boot once itself.
        _ = try await units()
        #expect(try await units() == [1, 1])
        try await fixture.plan([node])
        try node.start(PlanFixture.new)
        #expect(try await fixture.bench.attest(node).verdict == .pass)
        #expect(try await fixture.status(node) == .updated)
        _ = try await units()
        #expect(try await units() == [1, 1])
    }
}

/// Counts what is asked of another store.
private final class CountingStore: TransactionalStore {
    private let base: any TransactionalStore
    let reads = Atomic(0)
    let writes = Atomic(0)

    init(base: any TransactionalStore) { self.base = base }

    var clock: any VerifierClock { base.clock }
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreSnapshot) throws -> Value
    ) async throws -> Value {
        reads.add(1, ordering: .relaxed)
        return try await base.read(body)
    }
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        writes.add(1, ordering: .relaxed)
        return try await base.write(body)
    }
    func verifyAudit() async throws -> AuditChainState { try await base.verifyAudit() }
}
