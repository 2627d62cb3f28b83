import Foundation
import GRDB
import Synchronization
import VerifierService
import VerifierStore

/// A store on a real file in a folder of its own, with clocks that a test moves.
final class StoreInFolder: Sendable {
    let folder: URL
    let boot = Atomic<Int64>(1_000_000)
    let wall = Atomic<Int64>(1_700_000_000_000)
    static let auditKey = [UInt8](repeating: 7, count: 32)

    var path: String { folder.appendingPathComponent("store.sqlite").path }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try SQLiteStore.create(path: path)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func open() throws -> SQLiteStore {
        try SQLiteStore(
            path: path, auditKey: Self.auditKey,
            time: TimeSource(
                bootTime: { self.boot.load(ordering: .relaxed) }, wallTime: { self.wall.load(ordering: .relaxed) }))
    }

    func advance(_ milliseconds: Int64) { boot.add(milliseconds, ordering: .relaxed) }

    /// Changes rows behind the store's back, as somebody with the file would.
    func tamper(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// What another connection sees: committed rows only.
    func committedCount(_ sql: String) throws -> Int {
        var configuration = Configuration()
        // A connection that comes or goes locks the file for a moment.
        configuration.busyMode = .timeout(30)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }
}
