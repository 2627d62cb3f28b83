import Testing
import VerifierService
import VerifierStore

@Suite("Group commit")
struct GroupCommitTests {
    private struct Unwanted: Error {}

    @Test("Writes that arrive together share commits")
    func sharedCommits() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        let count = 2_000
        try await withThrowingTaskGroup { group in
            for index in 0..<count {
                group.addTask { try await store.write { try $0.set("key-\(index)", to: "value") } }
            }
            try await group.waitForAll()
        }
        #expect(store.commitCount < count / 4, "\(store.commitCount) commits for \(count) writes")
        #expect(try folder.committedCount("SELECT count(*) FROM meta WHERE key LIKE 'key-%'") == count)
    }

    @Test("A unit that throws undoes its own writes and nothing else")
    func failureIsolation() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        let failures = await withTaskGroup { group in
            for index in 0..<300 {
                group.addTask {
                    do {
                        try await store.write { tx in
                            try tx.set("key-\(index)", to: "value")
                            try tx.audit(
                                AuditEntry(actor: "verifier", action: "test", subject: nil, outcome: "success"))
                            if index.isMultiple(of: 3) { throw Unwanted() }
                        }
                        return false
                    } catch { return error is Unwanted }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(failures == 100)
        #expect(try folder.committedCount("SELECT count(*) FROM meta WHERE key LIKE 'key-%'") == 200)
        let state = try await store.verifyAudit()
        #expect(state.recordCount == 200)
        #expect(state.firstBadNumber == nil)
    }

    @Test("A write is acknowledged only when another connection can see it")
    func acknowledgedAfterCommit() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        try await withThrowingTaskGroup { group in
            for index in 0..<50 {
                group.addTask {
                    try await store.write { try $0.set("key-\(index)", to: "value") }
                    let seen = try folder.committedCount("SELECT count(*) FROM meta WHERE key = 'key-\(index)'")
                    #expect(seen == 1)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("SA-04: when the audit record cannot be written, the state does not change either")
    func auditFailure() async throws {
        let folder = try StoreInFolder()
        let store = try folder.open()
        try folder.tamper("CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no'); END")
        await #expect(throws: ServiceError.self) {
            try await store.write { tx in
                try tx.set("key", to: "value")
                try tx.audit(AuditEntry(actor: "verifier", action: "test", subject: nil, outcome: "success"))
            }
        }
        #expect(try folder.committedCount("SELECT count(*) FROM meta WHERE key = 'key'") == 0)
    }
}
