import AttestationMessages
import ReferenceValues
import SecurityEvents
import TCGEventLog
import TPMStructures
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Imported revocations")
struct RevocationServiceTests {
    private let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "192.0.2.1")

    private func document(_ date: String, components: [RevocationFeed.Component], dbx: [String] = []) throws
        -> WireBytes
    {
        WireBytes(
            try RevocationFeed(date: date, provenance: ["test"], dbx: dbx, sbat: [], components: components).encoded())
    }

    private func shim() throws -> String {
        let log = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        let event = try #require(log.events.first { $0.untrustedEventType == .efiBootServicesApplication })
        return try #require(event.digests.first { $0.algorithm == .sha256 }).description
    }

    @Test("EL-20: from the import on, a node that boots what the feed names fails although its values match")
    func imported() async throws {
        let bench = try await VerifierTestBench()
        let references = ReferenceService(store: bench.store, labMode: false)
        let node = try await bench.enrolled()
        #expect(try await bench.attest(node).verdict == .pass)
        let component = RevocationFeed.Component(name: "shim", digests: [try shim()], cves: ["CVE-2023-40547"])
        let view = try await references.importRevocations(
            RevocationImport(
                document: try document("2023-11-01T00:00:00Z", components: [component]), reason: "monthly"),
            peer: ada)
        #expect(view.componentCount == 1 && view.importedBy == "ada")
        #expect(try await references.revocations(peer: ada) == view)
        try await bench.expectVerdict(.fail, "REF_REVOKED_COMPONENT", .high) { try await bench.attest(node) }
        #expect(try await bench.events().contains { $0.eventID == "REVOCATIONS_CHANGED" && $0.actor == "ada" })
    }

    @Test("EL-20: an older dbx warns and passes, and fails where the group's settings say so")
    func staleDBX() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let hash = String(repeating: "0a", count: 32)
        _ = try await ReferenceService(store: bench.store, labMode: false).importRevocations(
            RevocationImport(
                document: try document("2023-11-01T00:00:00Z", components: [], dbx: [hash]), reason: "monthly"),
            peer: ada)
        // A pass with a warning: its record is a success, its event is raised all the same.
        let warned = try await bench.attest(node)
        #expect(warned.verdict == .pass)
        let record = try await bench.store.read { try $0.verdict(warned.verdictID ?? "") }
        #expect(record?.reasons == ["REF_DBX_STALE"])
        #expect(try await bench.events().contains { $0.eventID == "REF_DBX_STALE" && $0.severity == .medium })
        let fingerprints = FingerprintService(store: bench.store, policy: bench.policy, labMode: false)
        var settings = bench.policy.defaultSettings
        settings.staleRevocations = "sometimes"
        let wrong = settings
        #expect(
            await nodeRefusal { _ = try await fingerprints.setSettings(wrong, group: "default", peer: ada) }?.code
                == "POL_SETTINGS")
        settings.staleRevocations = "fail"
        _ = try await fingerprints.setSettings(settings, group: "default", peer: ada)
        try await bench.expectVerdict(.fail, "REF_DBX_STALE", .medium) { try await bench.attest(node) }
    }

    @Test("A feed never goes back in time, and neither a broken one nor one from the future is taken")
    func order() async throws {
        let bench = try await VerifierTestBench(references: false)
        let references = ReferenceService(store: bench.store, labMode: false)
        let component = RevocationFeed.Component(name: "x", digests: [try shim()], cves: [])
        func take(_ date: String) async throws {
            _ = try await references.importRevocations(
                RevocationImport(document: try document(date, components: [component]), reason: "r"), peer: ada)
        }
        try await take("2023-11-01T00:00:00Z")
        try await take("2023-11-02T00:00:00Z")
        #expect(await nodeRefusal { try await take("2023-11-01T00:00:00Z") }?.code == "REF_ROLLBACK")
        #expect(await nodeRefusal { try await take("2123-11-01T00:00:00Z") }?.code == "POL_SCHEMA")
        let broken = await nodeRefusal {
            _ = try await references.importRevocations(
                RevocationImport(document: WireBytes([0x7B]), reason: "r"), peer: ada)
        }
        #expect(broken?.code == "POL_SCHEMA")
        #expect(try await references.revocations(peer: ada).dateMilliseconds == 1_698_883_200_000)
    }

    @Test("A feed older than the limit raises REVOCATIONS_STALE once a day")
    func age() async throws {
        let bench = try await VerifierTestBench(references: false)
        let component = RevocationFeed.Component(name: "x", digests: [try shim()], cves: [])
        try await bench.monitor.tick()
        _ = try await ReferenceService(store: bench.store, labMode: false).importRevocations(
            RevocationImport(document: try document("2023-11-01T00:00:00Z", components: [component]), reason: "r"),
            peer: ada)
        func alarms() async throws -> Int {
            try await bench.store.read { try $0.alarms(open: nil, node: nil, before: nil, limit: 100) }
                .filter { $0.eventID == "REVOCATIONS_STALE" }.map(\.count).reduce(0, +)
        }
        try await bench.monitor.tick()
        #expect(try await alarms() == 0)
        bench.advance(91 * 86_400_000)
        try await bench.monitor.tick()
        try await bench.monitor.tick()
        #expect(try await alarms() == 1)
        bench.advance(86_400_000)
        try await bench.monitor.tick()
        #expect(try await alarms() == 2)
    }
}
