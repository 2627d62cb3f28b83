/// The verifier's database. The unit of work is a transaction: it is applied whole or not at all.
///
/// Writes are group-committed: units that arrive together share one transaction and one fsync, each inside a savepoint of
/// its own, so that one unit's error undoes only that unit. `write` returns after the COMMIT that holds the unit
/// returned, never before: what it returns may be acknowledged to the outside.
package protocol TransactionalStore: Sendable {
    /// The one source of time (AD-13).
    var clock: any VerifierClock { get }

    /// Reads from one snapshot.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreSnapshot) throws -> Value
    ) async throws -> Value

    /// - Parameter body: runs once, on the writer, serially with all others: keep it short and without waiting.
    /// - Throws: what `body` throws (then nothing of it is stored), or ``ServiceError`` `unavailable`
    ///   `STORE_UNAVAILABLE` when the commit failed.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value

    /// Walks the audit chain and recomputes every keyed hash.
    func verifyAudit() async throws -> AuditChainState
}

/// Everything that can be read. Valid only inside the closure that received it.
package protocol StoreSnapshot: NodeReading, EvidenceReading, OverrideReading, PolicyReading, OversightReading,
    RebootReading, MeasurementListReading, PlanReading, RolloutReading
{
    /// Milliseconds since 1970 by the store's clock when the unit began.
    var now: Int64 { get }
}

/// Everything that can be written. Valid only inside the closure that received it.
package protocol StoreTransaction: StoreSnapshot, NodeWriting, EvidenceWriting, OverrideWriting, PolicyWriting,
    OversightWriting, RebootWriting, MeasurementListWriting, PlanWriting, RolloutWriting
{}

/// What ``TransactionalStore/verifyAudit()`` found.
package struct AuditChainState: Hashable, Sendable {
    package var recordCount: Int64
    /// The first record that does not fit; nil when all do.
    package var firstBadNumber: Int64?
    package var head: [UInt8]

    package init(recordCount: Int64, firstBadNumber: Int64?, head: [UInt8]) {
        self.recordCount = recordCount
        self.firstBadNumber = firstBadNumber
        self.head = head
    }
}
