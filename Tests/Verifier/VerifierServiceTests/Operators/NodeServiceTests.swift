import AttestationMessages
import ByteParsing
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService

@Suite struct NodeServiceTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    private func act(
        _ act: NodeAct, _ node: NodeID, by peer: OperatorPeer? = nil, reason: String = "test", verdict: String? = nil,
        replacement: ManifestEntry? = nil
    ) async throws -> NodeView {
        try await fixture.nodes.act(
            act, on: node, NodeActRequest(reason: reason, verdictID: verdict, replacement: replacement),
            peer: peer ?? fixture.ada)
    }

    @Test("ID-22: a node that waits is pending until it is approved and passes; approval alone trusts nobody")
    func approval() async throws {
        let node = try await fixture.enroll("edge-1", lifecycle: .pending)
        #expect(try await fixture.nodes.node(node, peer: fixture.ada).state == .pending)
        let approved = try await act(.approve, node, reason: "")
        #expect(approved.lifecycle == .enrolled && approved.standing == .unproven && approved.state == .pending)
        #expect(try await refusalCode { try await act(.approve, node) } == "NODE_STATE")
        let event = try #require(try await fixture.events().last { $0.eventID == "NODE_APPROVED" })
        #expect(event.node == "edge-1" && event.actor == "ada")
        let record = try await fixture.store.read { try $0.auditRecords(before: nil, limit: 10) }
        #expect(
            record.contains { $0.action == "node.approve" && $0.outcome == "success" && $0.actor == "operator:ada" })
    }

    @Test("Suspended nodes come back, revoked ones never (ID-27)")
    func lifecycle() async throws {
        let node = try await fixture.enroll("edge-1", standing: .good)
        #expect(try await act(.suspend, node).state == .suspended)
        #expect(try await refusalCode { try await act(.suspend, node) } == "NODE_STATE")
        #expect(try await act(.resume, node).lifecycle == .enrolled)
        #expect(try await act(.revoke, node).state == .revoked)
        for again in NodeAct.allCases {
            #expect(try await refusalCode { try await act(again, node) } == "ID_NODE_REVOKED", "\(again)")
        }
        #expect(try await fixture.node(node)?.lifecycle == .revoked)
        let manifest = ManifestImport(entries: [entry("edge-1", ek: 1)])
        #expect(
            try await fixture.nodes.importManifest(manifest, peer: fixture.ada).conflicts == ["edge-1: is revoked"])
    }

    @Test("AD-05: only a clear that names the verdict ends a fail; acknowledging its alarm does not")
    func clear() async throws {
        let node = try await fixture.enroll("edge-1", standing: .failed, failedVerdict: "v1")
        _ = try await fixture.store.write { tx in
            try tx.raise(
                EventDraft(
                    eventID: "NODE_UNTRUSTED", severity: .high, outcome: "failure", node: "edge-1", message: "m"))
        }
        let alarm = try #require(
            try await fixture.oversight.alarms(open: true, node: node, cursor: nil, limit: 10, peer: fixture.ada).items
                .first)
        _ = try await fixture.oversight.acknowledge(alarm.alarmID, reason: "seen", peer: fixture.ada)
        #expect(try await fixture.nodes.node(node, peer: fixture.ada).state == .untrusted)
        #expect(try await refusalCode { try await act(.clear, node) } == "NODE_CLEAR_VERDICT")
        #expect(try await refusalCode { try await act(.clear, node, verdict: "v2") } == "NODE_CLEAR_VERDICT")
        #expect(try await refusalCode { try await act(.clear, node, reason: " ", verdict: "v1") } == "API_REASON")
        let cleared = try await act(.clear, node, verdict: "v1")
        #expect(cleared.standing == .unproven && cleared.state == .pending)
        #expect(
            try await fixture.store.read { try $0.stickyFails(node: node, ekName: OperatorFixture.name(1)) }.isEmpty)
        #expect(try await fixture.events().contains { $0.eventID == "NODE_CLEARED" && $0.fields["verdict"] == "v1" })
    }

    @Test("AD-12: a removed node leaves its fails behind, for its EK and for its name")
    func remove() async throws {
        let node = try await fixture.enroll("edge-1", standing: .failed, failedVerdict: "v1")
        _ = try await act(.remove, node)
        #expect(try await fixture.node(node) == nil)
        let other = try #require(NodeID("edge-2"))
        let byName = try await fixture.store.read { try $0.stickyFails(node: node, ekName: OperatorFixture.name(9)) }
        let byEK = try await fixture.store.read { try $0.stickyFails(node: other, ekName: OperatorFixture.name(1)) }
        #expect(byName.map(\.verdictID) == ["v1"] && byEK == byName)
        #expect(try await fixture.store.read { try $0.activeIdentity(ekName: OperatorFixture.name(1)) } == nil)
        #expect(try await refusalCode { try await act(.clear, node, verdict: "v1") } == "API_UNKNOWN")
    }

    @Test("ID-26: a TPM is replaced by two persons only, and what one proposed is what the other approves")
    func replaceTPM() async throws {
        let node = try await fixture.enroll("edge-1", standing: .failed, failedVerdict: "v1")
        let new = entry("edge-1", ek: 2)
        #expect(try await refusalCode { try await act(.replaceTPM, node) } == "NODE_REPLACEMENT")
        #expect(
            try await refusalCode { try await act(.replaceTPM, node, replacement: entry("edge-2", ek: 2)) }
                == "NODE_REPLACEMENT")
        _ = try await act(.replaceTPM, node, replacement: new)
        #expect(try await fixture.node(node)?.lifecycle == .enrolled, "a proposal changes nothing")
        for peer in [fixture.ada, fixture.adaAgain] {
            #expect(
                try await refusalCode { try await act(.replaceTPM, node, by: peer, replacement: new) }
                    == "REF_NEEDS_APPROVAL")
        }
        // Another EK by the second person is a new proposal of theirs, not an approval.
        _ = try await act(.replaceTPM, node, by: fixture.bob, replacement: entry("edge-1", ek: 3))
        #expect(
            try await refusalCode { try await act(.replaceTPM, node, by: fixture.bob) } == "REF_NEEDS_APPROVAL")
        let approved = try await act(.replaceTPM, node, replacement: entry("edge-1", ek: 3))
        #expect(approved.lifecycle == .pending && approved.standing == .failed, "a fail follows the node id")
        #expect(try await refusalCode { try await act(.approve, node) } == "NODE_STATE")
        #expect(try await fixture.store.read { try $0.identities(of: node) }.map(\.status) == [.retired])
        #expect(
            try await fixture.store.read { try $0.manifestEntry(for: node) }?.ekName == OperatorFixture.name(3))
        #expect(try await fixture.store.read { try $0.proposal(kind: "replace-tpm", subject: "edge-1") } == nil)
    }

    @Test("A proposal needs the enroller's role, its approval the approver's")
    func replaceRoles() async throws {
        let node = try await fixture.enroll("edge-1")
        let approver = OperatorPeer(name: "carl", roles: [.approver], keySHA256: "cc", source: "s")
        let enroller = OperatorPeer(name: "dora", roles: [.enroller], keySHA256: "dd", source: "s")
        let other = OperatorPeer(name: "ed", roles: [.enroller], keySHA256: "ee", source: "s")
        let new = entry("edge-1", ek: 2)
        #expect(
            try await refusalCode { try await act(.replaceTPM, node, by: approver, replacement: new) } == "API_ROLE")
        _ = try await act(.replaceTPM, node, by: enroller, replacement: new)
        #expect(try await refusalCode { try await act(.replaceTPM, node, by: other) } == "API_ROLE")
        #expect(try await act(.replaceTPM, node, by: approver).lifecycle == .pending)
    }

    @Test("Evidence that an operator asked for is due at the node's next contact")
    func attest() async throws {
        let node = try await fixture.enroll("edge-1")
        _ = try await act(.attest, node, reason: "")
        #expect(try await fixture.node(node)?.attestRequested == true)
    }

    @Test("Lists filter by what is shown and page without gaps")
    func list() async throws {
        for number in 1...9 {
            try await fixture.enroll(
                "edge-\(number)", ek: UInt8(number), standing: number % 3 == 0 ? .failed : .unproven)
        }
        var seen: [String] = []
        var cursor: String?
        repeat {
            let page = try await fixture.nodes.nodes(
                NodeFilter(state: .untrusted, site: "lab"), cursor: cursor, limit: 2, peer: fixture.ada)
            seen += page.items.map(\.nodeID.rawValue)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(seen == ["edge-3", "edge-6", "edge-9"])
        #expect(try await fixture.oversight.status(peer: fixture.ada).nodes == [.pending: 6, .untrusted: 3])
    }

    private func entry(_ node: String, ek: UInt8) -> ManifestEntry {
        ManifestEntry(nodeID: NodeID(node)!, ekName: Hex.encode(OperatorFixture.name(ek)))
    }
}
