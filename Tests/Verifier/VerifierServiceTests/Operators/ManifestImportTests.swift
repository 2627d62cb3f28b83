import AttestationMessages
import ByteParsing
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService

@Suite struct ManifestImportTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    private func entry(_ node: String, ek: UInt8, site: String? = nil, token: String? = nil) -> ManifestEntry {
        ManifestEntry(nodeID: NodeID(node)!, ekName: Hex.encode(OperatorFixture.name(ek)), site: site, token: token)
    }
    private func run(_ entries: [ManifestEntry], dryRun: Bool = false) async throws -> ManifestImportResult {
        try await fixture.nodes.importManifest(ManifestImport(entries: entries, dryRun: dryRun), peer: fixture.ada)
    }

    @Test("The same manifest twice changes nothing the second time; a dry run changes nothing at all")
    func idempotent() async throws {
        let entries = [entry("edge-1", ek: 1, site: "lab", token: "secret-token"), entry("edge-2", ek: 2)]
        #expect(try await run(entries, dryRun: true) == ManifestImportResult(added: 2, unchanged: 0, conflicts: []))
        #expect(try await fixture.store.read { try $0.manifestEntries(after: nil, limit: 10) }.isEmpty)
        #expect(try await run(entries).added == 2)
        #expect(try await run(entries) == ManifestImportResult(added: 0, unchanged: 2, conflicts: []))
        #expect(try await fixture.events().filter { $0.eventID == "MANIFEST_CHANGED" }.count == 1)
    }

    @Test("SA-11: of a token only a salted hash is stored")
    func token() async throws {
        _ = try await run([entry("edge-1", ek: 1, token: "secret-token")])
        let record = try #require(
            try await fixture.store.read { try $0.manifestEntry(for: NodeID("edge-1")!) })
        #expect(record.tokenHash == ManifestToken.hash("secret-token", salt: try #require(record.tokenSalt)))
        for file in ["store.sqlite", "store.sqlite-wal"] {
            let bytes = try fixture.directory.read(file)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("secret-token"))
        }
    }

    @Test("Every conflict is reported at once, and then nothing is written")
    func conflicts() async throws {
        _ = try await run([entry("edge-1", ek: 1)])
        try await fixture.enroll("edge-7", ek: 7)
        var two = entry("edge-4", ek: 4)
        two.ekSPKISHA256 = String(repeating: "0", count: 64)
        var partial = ManifestEntry(nodeID: NodeID("edge-5")!, ekIssuer: "CN=x", ekSerial: "01")
        partial.ekName = nil
        let result = try await run([
            entry("edge-1", ek: 9),  // other content
            entry("edge-2", ek: 1),  // EK of edge-1
            entry("edge-3", ek: 3), entry("edge-3", ek: 33),  // twice
            two, partial, ManifestEntry(nodeID: NodeID("edge-6")!),
            entry("edge-7", ek: 70),  // enrolled with another EK
            entry("edge-8", ek: 7),  // EK of an enrolled node
            ManifestEntry(nodeID: NodeID("edge-9")!, ekSPKISHA256: "zz"),
        ])
        #expect(result.added == 0)
        #expect(
            result.conflicts.map { String($0.prefix(6)) }
                == ["edge-1", "edge-2", "edge-3", "edge-4", "edge-5", "edge-6", "edge-7", "edge-8", "edge-9"])
        #expect(try await fixture.store.read { try $0.manifestEntries(after: nil, limit: 10) }.count == 1)
    }
}
