import Foundation
import Synchronization
import Testing
import VerifierService
import VerifierStore

@Suite("Opening a store")
struct StoreOpeningTests {
    private static let key = [UInt8](repeating: 7, count: 32)

    @Test("SA-08: a missing file is never made by itself")
    func missing() throws {
        let folder = try StoreInFolder()
        let path = folder.folder.appendingPathComponent("absent.sqlite").path
        let error = #expect(throws: StoreOpeningError.self) { try SQLiteStore(path: path, auditKey: Self.key) }
        #expect(error?.code == .missing)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("SA-08: an existing file is never made anew")
    func exists() throws {
        let folder = try StoreInFolder()
        let error = #expect(throws: StoreOpeningError.self) { try SQLiteStore.create(path: folder.path) }
        #expect(error?.code == .exists)
    }

    @Test("SA-08: a file that is no database of ours is refused", arguments: ["text", "empty", "foreign"])
    func foreign(_ kind: String) throws {
        let folder = try StoreInFolder()
        let path = folder.folder.appendingPathComponent("other.sqlite").path
        switch kind {
        case "text": try Data(repeating: 65, count: 8192).write(to: URL(fileURLWithPath: path))
        case "empty": try Data().write(to: URL(fileURLWithPath: path))
        default:
            try FileManager.default.copyItem(atPath: folder.path, toPath: path)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            // application_id: four bytes at offset 68 of the header.
            bytes[68] ^= 0xFF
            try bytes.write(to: URL(fileURLWithPath: path))
        }
        let error = #expect(throws: StoreOpeningError.self) { try SQLiteStore(path: path, auditKey: Self.key) }
        #expect(error?.code == .corrupt)
    }

    @Test("SA-13: a store of a newer version is refused, its data untouched")
    func newer() throws {
        let folder = try StoreInFolder()
        try folder.tamper("INSERT INTO grdb_migrations (identifier) VALUES ('2099-01 from the future')")
        let error = #expect(throws: StoreOpeningError.self) { try folder.open() }
        #expect(error?.code == .schema)
        #expect(try folder.committedCount("SELECT count(*) FROM meta WHERE key = 'instance-id'") == 1)
    }

    @Test("The files of store and key are readable by their owner only")
    func permissions() throws {
        let folder = try StoreInFolder()
        let key = folder.folder.appendingPathComponent("audit.key").path
        try AuditKeyFile.create(path: key)
        for path in [folder.path, key] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        #expect(try AuditKeyFile.read(path: key).count == 32)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        #expect(throws: StoreOpeningError.self) { try AuditKeyFile.read(path: key) }
    }
}

@Suite("The store's clock")
struct StoreClockTests {
    @Test("AD-13: a wall clock that jumps while the verifier runs changes nothing")
    func jumps() throws {
        let folder = try StoreInFolder()
        let clock = try folder.open().clock
        let before = clock.now()
        folder.wall.store(0, ordering: .relaxed)
        #expect(clock.now() == before)
        folder.advance(5_000)
        folder.wall.store(9_000_000_000_000, ordering: .relaxed)
        #expect(clock.now() == before + 5_000)
    }

    @Test("AD-13: a wall clock that was put back during a stop does not put the store's time back")
    func restart() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        folder.advance(3_600_000)
        try await store.write { try $0.set("key", to: "value") }
        let last = store.clock.now()
        try store.close()
        folder.wall.store(1_000_000_000_000, ordering: .relaxed)
        folder.boot.store(0, ordering: .relaxed)
        let again = try folder.open()
        #expect(again.clock.now() >= last)
        #expect(again.clock.epoch == store.clock.epoch + 1)
    }
}
