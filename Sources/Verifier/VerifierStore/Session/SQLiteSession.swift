internal import ByteParsing
internal import Foundation
internal import GRDB
internal import VerifierService

/// The transaction of one unit of work, over one connection: the port's methods are in the extensions beside this file.
///
/// Valid on the connection's queue only, and only while the unit runs; never stored.
final class SQLiteSession: StoreTransaction {
    let db: Database
    let clock: any VerifierClock
    let random: any RandomSource
    let chain: AuditChain
    let platforms: SharedPlatforms
    /// Time of the current unit.
    private(set) var now: Int64
    /// Leaves of unchanged passes of this group commit.
    var leaves: [[UInt8]] = []
    /// Hash of the last audit record that this group commit wrote.
    var auditHead: [UInt8]?
    /// Set when the transaction is gone: units that come later are refused before they run.
    var isClosed = false

    init(
        _ db: Database, clock: any VerifierClock, random: any RandomSource, chain: AuditChain,
        platforms: SharedPlatforms
    ) {
        self.db = db
        self.clock = clock
        self.random = random
        self.chain = chain
        self.platforms = platforms
        now = clock.now()
    }

    func beginUnit() { now = clock.now() }

    /// Runs reads that all see one state of the database. As GRDB's own `read`, with statements that are prepared once for
    /// each connection instead of at every call.
    func inSnapshot<Value>(_ body: () throws -> Value) throws -> Value {
        try execute("BEGIN DEFERRED TRANSACTION")
        do {
            let value = try body()
            try execute("COMMIT TRANSACTION")
            return value
        } catch {
            try? db.rollback()
            throw error
        }
    }

    /// Runs a unit so that its error undoes what it wrote, and nothing else.
    func inSavepoint<Value>(_ body: () throws -> Value) throws -> Value {
        if isClosed { throw ServiceError(.unavailable, "STORE_UNAVAILABLE", "the transaction is gone") }
        let leafCount = leaves.count
        let head = auditHead
        try execute("SAVEPOINT unit")
        do {
            let value = try body()
            try execute("RELEASE SAVEPOINT unit")
            return value
        } catch {
            leaves.removeSubrange(leafCount...)
            auditHead = head
            if db.isInsideTransaction {
                try execute("ROLLBACK TRANSACTION TO SAVEPOINT unit")
                try execute("RELEASE SAVEPOINT unit")
            }
            throw error
        }
    }

    // MARK: Statements; each text is prepared once for each connection

    func rows(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> [StoredRow] {
        try StoredRow.fetchAll(db.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }

    func row(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> StoredRow? {
        try StoredRow.fetchCursor(db.cachedStatement(sql: sql), arguments: StatementArguments(arguments)).next()
    }

    func integer(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }

    /// - Returns: how many rows changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> Int {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
        return db.changesCount
    }

    /// Sorts by time, so that indexes grow at their end; 80 random bits make it unguessable within a millisecond.
    func newID() -> String { Identifier.make(at: now, random) }
}
