import AttestationMessages
import Logging
import SIEMForwarding
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService
import VerifierStore

@Suite("The outbox and its cap")
struct OutboxKeeperTests {
    private static let cap = 1 << 20
    private let directory: TemporaryDirectory
    private let store: SQLiteStore
    private let keeper: OutboxKeeper

    init() throws {
        directory = try TemporaryDirectory()
        let path = directory.file("store.sqlite")
        try SQLiteStore.create(path: path)
        store = try SQLiteStore(path: path, auditKey: [UInt8](repeating: 7, count: SQLiteStore.auditKeySize))
        keeper = OutboxKeeper(
            store: store, cap: Self.cap, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func raise(_ eventID: String, _ severity: SecurityEventSeverity, _ count: Int, size: Int = 500) async throws
    {
        try await store.write { tx in
            for index in 0..<count {
                try tx.raise(
                    EventDraft(
                        eventID: eventID, severity: severity, outcome: "failure", node: "edge-\(index)",
                        message: String(repeating: "x", count: size)))
            }
        }
    }

    private func register(_ name: String) async throws {
        try await StoreOutbox(store).register(SIEMDestination(name: name, kind: .jsonLines(path: "/dev/null")))
    }

    private func outbox() async throws -> [SecurityEvent] {
        try await store.read { try $0.outbox(after: 0, limit: 100_000) }
    }

    private func size() async throws -> Int { try await store.read { try $0.outboxBytes() } }

    private func audit(_ action: String) async throws -> Int {
        try await store.read { try $0.auditRecords(before: nil, limit: 10_000).count { $0.action == action } }
    }

    @Test("SO-05: over a cap of 1 MiB the quietest level is folded first, oldest first; critical events all stay")
    func foldsQuietFirst() async throws {
        try await register("siem")
        try await raise("STORE_TAMPERED", .critical, 20)
        try await raise("VERIFIER_STARTED", .info, 600)
        try await raise("QUOTE_CLOCK_UNSAFE", .low, 600)
        try await raise("LOG_REPLAY", .high, 300)
        #expect(try await size() > Self.cap)
        try await keeper.keep()
        let left = try await outbox()
        #expect(try await size() <= Self.cap / 4 * 3)
        #expect(left.count { $0.severity == .critical } == 20)
        #expect(left.count { $0.eventID == "LOG_REPLAY" } == 300)
        #expect(left.count { $0.eventID == "VERIFIER_STARTED" } < 600)
        // The low ones were needed only for what the info ones did not free.
        let hasInfo = left.contains { $0.eventID == "VERIFIER_STARTED" }
        if hasInfo { #expect(left.count { $0.eventID == "QUOTE_CLOCK_UNSAFE" } == 600) }
        // Nothing is missing without being counted, and each fold is in the audit log.
        let folds = left.filter { $0.eventID == "SIEM_FOLDED" }
        let folded = folds.compactMap { $0.fields["count"].flatMap { Int($0) } }.reduce(0, +)
        #expect(folded == 1_520 - left.count { $0.eventID != "SIEM_FOLDED" && $0.eventID != "SIEM_BACKLOG" })
        #expect(try await audit("siem.fold") == folds.count)
        // Sequence stays the order of delivery.
        #expect(left.map(\.sequence) == left.map(\.sequence).sorted())
    }

    @Test("SO-05: the cap has its own alarm, once, and readiness is degraded until the outbox is delivered")
    func alarm() async throws {
        try await register("siem")
        try await raise("LOG_REPLAY", .high, 2_500)
        for _ in 0..<5 { try await keeper.keep() }
        #expect(keeper.health.isBehind)
        #expect(try await outbox().count { $0.eventID == "SIEM_BACKLOG" } == 1)
        let alarms = try await store.read { try $0.alarms(open: true, node: nil, before: nil, limit: 3_000) }
        #expect(alarms.first { $0.eventID == "SIEM_BACKLOG" }?.severity == .high)
        // Folding touches what is sent, not what operators see.
        #expect(alarms.count { $0.eventID == "LOG_REPLAY" } == 2_500)
        let last = try #require(try await outbox().last)
        try await StoreOutbox(store).delivered("siem", through: last.sequence)
        #expect(try await size() == 0)
        try await keeper.keep()
        #expect(!keeper.health.isBehind)
        #expect(try await outbox().map(\.eventID) == ["SIEM_DELIVERED"])
    }

    @Test("SO-05: an outbox of critical events alone grows beyond its cap and loses none")
    func onlyCritical() async throws {
        try await register("siem")
        try await raise("STORE_TAMPERED", .critical, 2_500)
        for _ in 0..<3 { try await keeper.keep() }
        #expect(try await outbox().count { $0.severity == .critical } == 2_500)
        #expect(try await size() > Self.cap)
    }

    @Test("The size is that of the events, whoever inserts or deletes, and over a restart")
    func sizeIsKept() async throws {
        try await register("siem")
        try await raise("LOG_REPLAY", .high, 10)
        let first = try await outbox()
        _ = try await store.write { try $0.removeFromOutbox([first[0].sequence, first[1].sequence, 9_999]) }
        let expected = try runProcessSuccessfully(
            "sqlite3",
            [directory.file("store.sqlite"), "SELECT coalesce(sum(length(CAST(event AS BLOB))), 0) FROM outbox"])
        #expect("\(try await size())\n" == expected.text)
        #expect(try await size() > 8 * 500)
    }

    @Test("A destination that the configuration drops keeps its events, is announced once, and may come back")
    func removed() async throws {
        try await register("old")
        try await register("new")
        try await raise("LOG_REPLAY", .high, 5)
        let outbox = StoreOutbox(store)
        for _ in 0..<2 { try await outbox.noteRemoved(configured: ["new"]) }
        let events = try await self.outbox()
        #expect(events.count { $0.eventID == "SIEM_DESTINATION_REMOVED" } == 1)
        #expect(events.last?.fields["backlog"] == "5")
        #expect(try await audit("siem.removed") == 1)
        try await outbox.delivered("new", through: try #require(events.last).sequence)
        #expect(try await outbox.backlog(of: "old") == 6)
        #expect(try await self.outbox().count == 6)
        try await register("old")
        let record = try await store.read { try $0.destinations().first { $0.name == "old" } }
        #expect(record?.removedAtMilliseconds == nil)
    }
}
