import AttestationMessages
import ReferenceValues
import Testing
import VerifierService

@Suite("Reference sets that rest on others, at the verifier")
struct ReferenceLineageTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    private let digest = String(repeating: "ab", count: 32)

    private func draft(_ set: ReferenceSet) async throws -> ReferenceDetail {
        try await fixture.references().draft(
            ReferenceDraftRequest(
                name: set.name, group: set.group, document: WireBytes(try set.encoded()), captureFrom: [], note: nil),
            peer: fixture.ada)
    }

    private func act(_ act: ReferenceAct, _ view: ReferenceView, by peer: OperatorPeer) async throws -> ReferenceView {
        try await fixture.references().act(
            act, on: view.name, version: view.version, OperatorFixture.acts(view), peer: peer)
    }

    private func approved(_ set: ReferenceSet) async throws -> ReferenceView {
        let view = try await draft(set).view
        _ = try await act(.propose, view, by: fixture.ada)
        return try await act(.approve, view, by: fixture.bob)
    }

    private func model(_ name: String = "model") -> ReferenceSet {
        ReferenceSet(
            name: name, group: "models", provenance: ["test"], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .firmware)],
            pcrs: [.init(values: [["sha256": digest]], pcr: 0), .init(values: [["sha256": digest]], pcr: 2)])
    }

    private func child(_ name: String, of parent: ReferenceView) -> ReferenceSet {
        ReferenceSet(
            name: name, group: "default", provenance: ["test"], banks: ["sha256"], layers: [.init(id: .secureBoot)],
            pcrs: [.init(values: [["sha256": digest]], pcr: 7), .init(ignoring: "no shim", pcr: 14)],
            extends: .init(name: parent.name, version: parent.version, documentSHA256: parent.documentSHA256))
    }

    @Test("A child over an approved parent covers the layers of both, is activated and shown as what judges")
    func effective() async throws {
        let parent = try await approved(model())
        let view = try await approved(child("site", of: parent))
        #expect(view.layers == ["tpm-identity", "firmware", "secure-boot"])
        #expect(try await act(.activate, view, by: fixture.ada).status == .active)
        let detail = try await fixture.references().reference("site", version: nil, peer: fixture.ada)
        #expect(detail.signatureProblem == nil)
        let effective = try ReferenceSet(parsing: try #require(detail.effective).bytes)
        #expect(effective.pcrs.map(\.pcr) == [0, 2, 7, 14] && effective.extends == nil)
        let own = try await fixture.references().reference("model", version: nil, peer: fixture.ada)
        #expect(own.effective == nil)
    }

    @Test("A parent that is missing, only a draft, of other bytes or rejected is POL_PARENT")
    func parents() async throws {
        let parent = try await approved(model())
        var missing = child("site", of: parent)
        missing.extends?.version = 9
        var bytes = child("site", of: parent)
        bytes.extends?.documentSHA256 = digest
        let draft = try await draft(model("other")).view
        let rejected = try await act(.reject, try await approved(model("third")), by: fixture.bob)
        for set in [missing, bytes, child("site", of: draft), child("site", of: rejected)] {
            #expect(try await refusalCode { try await self.draft(set) } == "POL_PARENT")
        }
    }

    @Test("Four sets may rest on each other, five may not")
    func depth() async throws {
        var parent = try await approved(model())
        for name in ["role", "group", "node"] { parent = try await approved(child(name, of: parent)) }
        #expect(try await refusalCode { try await draft(child("fifth", of: parent)) } == "POL_PARENT")
    }

    @Test("A parent that is rejected later lets nobody be judged by a part of the line")
    func lostParent() async throws {
        let parent = try await approved(model())
        let view = try await approved(child("site", of: parent))
        _ = try await act(.reject, parent, by: fixture.bob)
        let detail = try await fixture.references().reference("site", version: nil, peer: fixture.ada)
        #expect(detail.effective == nil && detail.signatureProblem?.contains("rejected") == true)
        #expect(view.status == .approved)
    }
}
