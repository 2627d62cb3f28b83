internal import ByteParsing
internal import Crypto
internal import Dispatch
internal import GRDB
internal import Synchronization
internal import VerifierService

/// One writer for all: units that arrive while a commit is under way form the next transaction, and share its fsync.
final class GroupCommitter: Sendable {
    /// Runs one unit inside a savepoint; returns what tells its caller, to be called after the commit.
    typealias Unit = @Sendable (SQLiteSession) -> Completion
    /// Called once with nil after COMMIT returned, or with the reason why nothing was stored.
    typealias Completion = @Sendable (ServiceError?) -> Void

    /// Bounds the memory and the time of one transaction.
    static let maxUnitsPerCommit = 512
    /// After a shared commit, how long the next one gathers units: under load an fsync then serves more of them. A lone
    /// unit never waits.
    private static let gatheringTime = DispatchTimeInterval.milliseconds(6)
    /// How far the persisted clock may lag behind, milliseconds.
    private static let clockGranularity: Int64 = 1000

    private struct State {
        var waiting: [Unit] = []
        var isDraining = false
        var commitCount = 0
        var persistedClock: Int64 = 0
    }

    private let pool: DatabasePool
    private let makeSession: @Sendable (Database) -> SQLiteSession
    private let state = Mutex(State())

    init(pool: DatabasePool, makeSession: @escaping @Sendable (Database) -> SQLiteSession) {
        self.pool = pool
        self.makeSession = makeSession
    }

    /// Transactions committed since the start.
    var commitCount: Int { state.withLock(\.commitCount) }

    func enqueue(_ unit: @escaping Unit) {
        let start = state.withLock { state in
            state.waiting.append(unit)
            if state.isDraining { return false }
            state.isDraining = true
            return true
        }
        if start { scheduleBatch() }
    }

    private func scheduleBatch() {
        pool.asyncWriteWithoutTransaction { db in
            let units = self.state.withLock { state in
                let units = Array(state.waiting.prefix(Self.maxUnitsPerCommit))
                state.waiting.removeFirst(units.count)
                if units.isEmpty { state.isDraining = false }
                return units
            }
            if units.isEmpty { return }
            self.commit(units, db)
            if units.count > 1 {
                DispatchQueue.global().asyncAfter(deadline: .now() + Self.gatheringTime) { self.scheduleBatch() }
            } else {
                self.scheduleBatch()
            }
        }
    }

    private func commit(_ units: [Unit], _ db: Database) {
        let session = makeSession(db)
        var completions: [Completion] = []
        var failure: ServiceError?
        do {
            try db.beginTransaction(.immediate)
            for unit in units {
                session.beginUnit()
                completions.append(unit(session))
                // SQLite rolls the whole transaction back on some errors (disk full, I/O): then nothing is stored.
                guard db.isInsideTransaction else {
                    throw ServiceError(.unavailable, "STORE_UNAVAILABLE", "the transaction was rolled back")
                }
            }
            try finishBatch(session)
            try db.commit()
        } catch {
            failure = StoreFailure.serviceError(error)
            if db.isInsideTransaction { try? db.rollback() }
        }
        if failure == nil { state.withLock { $0.commitCount += 1 } }
        for completion in completions { completion(failure) }
        // Units that were not reached are told the same.
        if completions.count < units.count, let failure {
            for unit in units.dropFirst(completions.count) { refuse(unit, failure, session) }
        }
    }

    /// Runs a unit's refusal: the unit sees a closed session and completes with the failure.
    private func refuse(_ unit: Unit, _ failure: ServiceError, _ session: SQLiteSession) {
        session.isClosed = true
        unit(session)(failure)
    }

    private func finishBatch(_ session: SQLiteSession) throws {
        if !session.leaves.isEmpty {
            var hasher = SHA256()
            for leaf in session.leaves { hasher.update(data: SHA256.hash(data: leaf).bytesArray) }
            try session.audit(
                AuditEntry(
                    actor: "verifier", action: "verdicts.unchanged", subject: nil, outcome: "success",
                    detail: [
                        "count": String(session.leaves.count), "leavesSHA256": Hex.encode(hasher.finalize().bytesArray),
                    ]))
        }
        if let head = session.auditHead { try session.set(MetaKey.auditHead, to: Hex.encode(head)) }
        let now = session.clock.now()
        let due = state.withLock { state in
            if now - state.persistedClock < Self.clockGranularity { return false }
            state.persistedClock = now
            return true
        }
        if due { try session.set(MetaKey.clockHighWater, to: String(now)) }
    }
}

extension Digest {
    /// The digest's bytes as an array.
    fileprivate var bytesArray: [UInt8] { Array(self) }
}
