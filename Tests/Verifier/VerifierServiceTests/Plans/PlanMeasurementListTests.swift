import Appraisal
import AttestationMessages
import AttestationTestKit
import JSONCoding
import ReferenceValues
import TPMStructures
import TestVectors
import Testing
import VerifierService
import VerifierStore

/// Two sets that judge nodes of one group, of which only one judges what runs.
@Suite("Measurement lists under a change plan")
struct PlanMeasurementListTests {
    /// golden@3: another command line, and what runs.
    private func approve(
        _ fixture: PlanFixture, _ node: SoftwareNode, isActive: Bool = false,
        edit: (inout ReferenceSet) -> Void = { _ in }
    ) async throws -> Int {
        let document = try MeasurementListTests.references(node, edit: edit)
        let view = try await fixture.references.draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(document), captureFrom: [], note: nil),
            peer: fixture.ada
        ).view
        let request = ReferenceActRequest(documentSHA256: view.documentSHA256, reason: "kernel update")
        _ = try await fixture.references.act(
            .propose, on: "golden", version: view.version, request, peer: fixture.ada)
        _ = try await fixture.references.act(
            .approve, on: "golden", version: view.version, request, peer: fixture.bob)
        if isActive {
            _ = try await fixture.references.act(
                .activate, on: "golden", version: view.version, request, peer: fixture.ada)
        }
        return view.version
    }

    @Test("The list is asked for as soon as the plan's set judges it, and judged by the set that judges the node")
    func newSetJudgesTheList() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        var updated = nodes[0]
        try updated.start(PlanFixture.new)
        updated.measure { list in for number in 0..<5 { list.addFile("/usr/bin/\(number)") } }
        let version = try await approve(fixture, updated)
        try await fixture.plan(nodes, version: version)

        // Old boot: asked for its list, passed by the active set, which does not judge it.
        nodes[1].measure { $0.addFile("/opt/unknown") }
        nodes[1].clock.clock += 10
        #expect(try await nodes[1].challenge(fixture.bench).measurementListOffset == 0)
        let old = try await fixture.bench.attest(nodes[1])
        #expect(old.verdict == .pass)
        #expect(try await fixture.set(of: old) == "golden@1")
        // It is kept all the same: the node need not send it again.
        let kept = try await nodes[1].challenge(fixture.bench).measurementListOffset
        #expect(kept == nodes[1].measurements?.bytes.count)

        let first = try await fixture.bench.attest(updated)
        #expect(first.verdict == .pass)
        #expect(try await fixture.set(of: first) == "golden@\(version)")
        #expect(try await fixture.status(updated) == .updated)
        let end = try #require(updated.measurements?.bytes.count)
        #expect(try await updated.challenge(fixture.bench).measurementListOffset == end)
        updated.measure { $0.addFile("/opt/later/0") }
        updated.clock.clock += 10
        #expect(try await fixture.bench.attest(updated).verdict == .pass)
        updated.measure { $0.addFile("/opt/unknown") }
        updated.clock.clock += 10
        let refused = try await fixture.bench.attest(updated)
        #expect(refused.verdict == .fail)
        let record = try await fixture.bench.store.read { try $0.verdict(refused.verdictID ?? "") }
        #expect(record?.firstBrokenLayer == "runtime" && record?.reasons == ["IMA_UNKNOWN_FILE"])
    }

    @Test(
        "A new boot that ran what the plan's set does not know is refused by the active set and stays waiting"
    )
    func unknownFile() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(1)
        var node = nodes[0]
        try node.start(PlanFixture.new)
        node.measure { list in for number in 0..<5 { list.addFile("/usr/bin/\(number)") } }
        let version = try await approve(fixture, node)
        try await fixture.plan(nodes, version: version)
        node.measure { $0.addFile("/opt/unknown") }
        let refused = try await fixture.bench.attest(node)
        #expect(refused.verdict == .fail)
        #expect(try await fixture.set(of: refused) == "golden@1")
        #expect(try await fixture.status(node) == .waiting)
    }

    @Test("An update that is installed passes before the reboot into it: old boot and new files, in the window")
    func installed() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(1)
        var node = nodes[0]
        node.measure { list in for number in 0..<5 { list.addFile("/usr/bin/\(number)") } }
        // The active set judges what runs, and does not know /opt/later.
        let active = try await approve(fixture, node, isActive: true) { set in
            set.runtime?.files?.removeAll { $0.contains("/opt/later") }
        }
        #expect(try await fixture.bench.attest(node).verdict == .pass)
        var updated = node
        try updated.start(PlanFixture.new)
        updated.measure { list in for number in 0..<5 { list.addFile("/usr/bin/\(number)") } }
        let version = try await approve(fixture, updated)
        try await fixture.plan(nodes, version: version)

        node.measure { $0.addFile("/opt/later/0") }
        node.clock.clock += 10
        let between = try await fixture.bench.attest(node)
        #expect(between.verdict == .pass)
        #expect(try await fixture.set(of: between) == "golden@\(active)")
        #expect(try await fixture.status(node) == .waiting)
        let record = try #require(try await fixture.bench.store.read { try $0.verdict(between.verdictID ?? "") })
        let result = try StrictJSON.decode(AttestationResult.self, from: try #require(record.result))
        #expect(result.layer(.runtime)?.findings.map(\.id) == ["PLAN_INSTALLED"])
        #expect(result.layer(.runtime)?.findings.first?.name == "golden@\(version)")

        node.measure { $0.addFile("/opt/unknown") }
        node.clock.clock += 10
        let refused = try await fixture.bench.attest(node)
        #expect(refused.verdict == .fail)
        #expect(try await fixture.set(of: refused) == "golden@\(active)")
    }
}
