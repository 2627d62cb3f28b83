internal import Foundation
internal import GRDB
internal import Glibc
package import VerifierService

/// The verifier's database: one SQLite file in WAL mode, `synchronous=FULL`, one writer with group commit.
package final class SQLiteStore: TransactionalStore {
    package let clock: any VerifierClock
    private let pool: DatabasePool
    private let committer: GroupCommitter
    private let makeSession: @Sendable (Database) -> SQLiteSession
    private let chain: AuditChain

    /// `BGAT`: marks the file as ours (PRAGMA application_id).
    private static let applicationID: Int = 0x4247_4154
    package static let auditKeySize = 32

    // MARK: Opening

    /// Makes a new store; nothing else ever does (SA-08).
    ///
    /// - Throws: ``StoreOpeningError`` `STORE_EXISTS` where a file is already.
    package static func create(path: String, random: any RandomSource = SystemRandom()) throws {
        let descriptor = unsafe Glibc.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let code: StoreOpeningError.Code = errno == EEXIST ? .exists : .unavailable
            throw StoreOpeningError(code, "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        Glibc.close(descriptor)
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA application_id = \(applicationID)") }
            try migrator.migrate(pool)
            try pool.write { db in
                try db.execute(
                    sql: "INSERT INTO meta (key, value) VALUES (?, ?), (?, ?)",
                    arguments: [
                        MetaKey.instanceID, UUID().uuidString.lowercased(), MetaKey.epoch, "0",
                    ])
            }
            try pool.close()
        } catch {
            throw StoreOpeningError(.unavailable, "\(path): \(error)")
        }
    }

    /// Opens a store that ``create(path:random:)`` made, migrates an older one, and counts this start.
    ///
    /// - Parameter auditKey: ``auditKeySize`` bytes from a file outside the database.
    /// - Throws: ``StoreOpeningError``.
    package init(
        path: String, auditKey: [UInt8], time: TimeSource = .system, random: any RandomSource = SystemRandom()
    ) throws {
        precondition(auditKey.count == Self.auditKeySize, "callers read the key through a length check")
        guard unsafe access(path, F_OK) == 0 else { throw StoreOpeningError(.missing, path) }
        let opened: (pool: DatabasePool, highWater: Int64, epoch: Int64)
        do { opened = try Self.open(path) } catch let error as DatabaseError {
            throw StoreOpeningError(Self.code(of: error), "\(path): \(error)")
        }
        let clock = MonotonicClock(time: time, highWater: opened.highWater, epoch: opened.epoch)
        let chain = AuditChain(key: auditKey)
        let platforms = SharedPlatforms()
        self.clock = clock
        self.chain = chain
        makeSession = { db in SQLiteSession(db, clock: clock, random: random, chain: chain, platforms: platforms) }
        pool = opened.pool
        committer = GroupCommitter(pool: opened.pool, makeSession: makeSession)
    }

    private static func code(of error: DatabaseError) -> StoreOpeningError.Code {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
        default: .unavailable
        }
    }

    private static func open(_ path: String) throws -> (pool: DatabasePool, highWater: Int64, epoch: Int64) {
        let pool = try DatabasePool(path: path, configuration: configuration)
        let (ours, sound) = try pool.read { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA application_id") == applicationID,
                try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok"
            )
        }
        guard ours, sound else { throw StoreOpeningError(.corrupt, path) }
        guard try !pool.read(migrator.hasBeenSuperseded) else {
            throw StoreOpeningError(.schema, "\(path) was made by a newer version")
        }
        try migrator.migrate(pool)
        return try pool.write { db in
            func number(_ key: String) throws -> Int64 {
                let text = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
                return text.flatMap { Int64($0) } ?? 0
            }
            let epoch = try number(MetaKey.epoch) + 1
            try db.execute(
                sql: "UPDATE meta SET value = ? WHERE key = ?", arguments: [String(epoch), MetaKey.epoch])
            return (pool, try number(MetaKey.clockHighWater), epoch)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "bootgate-store"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
        }
        return configuration
    }

    /// Append-only: a released step never changes.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration(InitialSchema.identifier, migrate: InitialSchema.migrate)
        migrator.registerMigration(OverrideSchema.identifier, migrate: OverrideSchema.migrate)
        migrator.registerMigration(KeptRegistersSchema.identifier, migrate: KeptRegistersSchema.migrate)
        migrator.registerMigration(OutboxSizeSchema.identifier, migrate: OutboxSizeSchema.migrate)
        migrator.registerMigration(RebootLedgerSchema.identifier, migrate: RebootLedgerSchema.migrate)
        migrator.registerMigration(RevocationFeedSchema.identifier, migrate: RevocationFeedSchema.migrate)
        migrator.registerMigration(ReferenceHistorySchema.identifier, migrate: ReferenceHistorySchema.migrate)
        migrator.registerMigration(MeasurementListSchema.identifier, migrate: MeasurementListSchema.migrate)
        migrator.registerMigration(ReferenceSignatureSchema.identifier, migrate: ReferenceSignatureSchema.migrate)
        migrator.registerMigration(ChangePlanSchema.identifier, migrate: ChangePlanSchema.migrate)
        migrator.registerMigration(RolloutSchema.identifier, migrate: RolloutSchema.migrate)
        migrator.registerMigration(SelectionSchema.identifier, migrate: SelectionSchema.migrate)
        migrator.registerMigration(KernelStartSchema.identifier, migrate: KernelStartSchema.migrate)
        return migrator
    }

    // MARK: Units of work

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreSnapshot) throws -> Value
    ) async throws -> Value {
        try snapshot(body)
    }

    /// On the caller's own thread: a read of a few pages costs less than the two thread switches around it. Bodies are
    /// bounded (one node, one page of a listing); the whole audit log is read elsewhere.
    private func snapshot<Value>(_ body: @Sendable (any StoreSnapshot) throws -> Value) throws -> Value {
        do {
            return try pool.unsafeRead { [makeSession] db in
                let session = makeSession(db)
                return try session.inSnapshot { try body(session) }
            }
        } catch let error as DatabaseError {
            throw StoreFailure.serviceError(error)
        }
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            committer.enqueue { session in
                do {
                    let value = try session.inSavepoint { try body(session) }
                    return { failure in
                        if let failure {
                            continuation.resume(throwing: failure)
                        } else {
                            continuation.resume(returning: value)
                        }
                    }
                } catch {
                    let own: any Error = error is DatabaseError ? StoreFailure.serviceError(error) : error
                    return { failure in continuation.resume(throwing: failure ?? own) }
                }
            }
        }
    }

    package func verifyAudit() async throws -> AuditChainState {
        do {
            return try await pool.read { [makeSession, chain] db in try chain.verify(makeSession(db)) }
        } catch let error as DatabaseError {
            throw StoreFailure.serviceError(error)
        }
    }

    /// Transactions committed since the start: what group commit saves is seen here.
    package var commitCount: Int { committer.commitCount }

    /// Closes the file. Units that come later are refused with `STORE_UNAVAILABLE`.
    package func close() throws { try pool.close() }
}
