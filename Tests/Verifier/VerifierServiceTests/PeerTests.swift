import AttestationMessages
import SecurityEvents
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Peers: nodes of one model and group, compared with each other")
struct PeerTests {
    private let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "192.0.2.1")

    private func service(_ bench: VerifierTestBench) -> NodeService {
        NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy)
    }

    private func peers(_ bench: VerifierTestBench, group: String? = nil) async throws -> PeerReport {
        try await service(bench).peers(group: group, peer: ada)
    }

    /// Nodes of one model; without references, so that nothing but the comparison speaks.
    private func fleet(
        _ bench: VerifierTestBench, _ names: [String], product: String? = "R740", group: String = "default"
    ) async throws -> [SoftwareNode] {
        var nodes: [SoftwareNode] = []
        for name in names {
            let node = try await bench.enrolled(name)
            try await bench.store.write { tx in
                guard var record = try tx.node(node.id) else { return }
                record.platform = PlatformIdentity(manufacturer: product == nil ? nil : "Dell Inc.", product: product)
                record.group = group
                try tx.save(record)
            }
            nodes.append(node)
        }
        return nodes
    }

    private func outlierEvents(_ bench: VerifierTestBench) async throws -> [SecurityEvent] {
        try await bench.events().filter { $0.eventID == "PEER_OUTLIER" }
    }

    @Test("An outlier is reported without any reference set: node, register, layer, count and the event that differs")
    func outlier() async throws {
        let bench = try await VerifierTestBench(references: false)
        var nodes = try await fleet(bench, ["n1", "n2", "n3", "n4"])
        try nodes[2].boot(TestVectors.changedCommandLine)
        for node in nodes { #expect(try await bench.attest(node).verdict == .error) }

        let report = try await peers(bench)
        let machines = try #require(report.classes.first)
        #expect(report.classes.count == 1 && machines.machines == 4 && machines.product == "R740")
        #expect(machines.outliers.map(\.nodeID) == [nodes[2].id, nodes[2].id])
        #expect(machines.outliers.map(\.pcr) == [8, 9])
        let first = try #require(machines.outliers.first)
        #expect(first.layer == "kernel" && first.majorityCount == 3 && first.machines == 4)
        #expect(first.comparedWith == nodes[0].id && first.eventsMissing == nil)
        #expect(first.events.contains { $0.component == "kernel-command-line" && $0.cause == "command-line" })
        #expect(machines.registers.contains { $0.pcr == 0 && $0.agreement == "agreed" })
        let audit = try await bench.store.read { try $0.auditRecords(before: nil, limit: 5) }
        #expect(audit.contains { $0.action == "node.peers" })
    }

    @Test("PEER_OUTLIER is raised once for each boot of the node, changes no verdict, and node explain shows it")
    func event() async throws {
        let bench = try await VerifierTestBench(references: false)
        var nodes = try await fleet(bench, ["n1", "n2", "n3"])
        try nodes[1].boot(TestVectors.changedCommandLine)
        for node in nodes { try await bench.attest(node) }
        let before = try await bench.record(nodes[1])
        for _ in 0..<3 { try await PeerWatch.check(bench.store) }
        let raised = try await outlierEvents(bench)
        #expect(raised.count == 1)
        let event = try #require(raised.first)
        #expect(event.node == "n2" && event.severity == .medium && event.fields["pcr"] == "8,9")
        #expect(event.fields["majority"] == "2 of 3" && event.message.contains("kernel-command-line"))
        #expect(try await bench.record(nodes[1]) == before)
        let shown = try await service(bench).explanation(of: nodes[1].id, comparingWith: nil, peer: ada)
        #expect(shown.peers?.contains("PCR 8 (2 of 3 agree)") == true)
        #expect(try await service(bench).explanation(of: nodes[0].id, comparingWith: nil, peer: ada).peers == nil)

        // The next boot is another matter, and said again while it differs.
        try nodes[1].boot(TestVectors.changedCommandLine)
        try await bench.attest(nodes[1])
        #expect(
            try await service(bench).explanation(of: nodes[1].id, comparingWith: nil, peer: ada).peers == nil)
        try await PeerWatch.check(bench.store)
        #expect(try await outlierEvents(bench).count == 2)

        // Repaired: nothing is shown any more, nothing is raised.
        try nodes[1].boot(TestVectors.golden)
        try await bench.attest(nodes[1])
        try await PeerWatch.check(bench.store)
        #expect(try await outlierEvents(bench).count == 2)
        #expect(try await peers(bench).classes.first?.outliers.isEmpty == true)
    }

    @Test("Another group, another model and a node that told no model are not compared with the others")
    func classes() async throws {
        let bench = try await VerifierTestBench(references: false)
        var nodes = try await fleet(bench, ["n1", "n2", "n3"])
        nodes += try await fleet(bench, ["o1"], group: "other")
        nodes += try await fleet(bench, ["p1"], product: "R640")
        nodes += try await fleet(bench, ["q1"], product: nil)
        for place in 3..<6 { try nodes[place].boot(TestVectors.changedCommandLine) }
        for node in nodes { try await bench.attest(node) }
        _ = try await fleet(bench, ["silent"])

        let report = try await peers(bench)
        #expect(report.classes.map(\.group) == ["default", "default", "other"])
        #expect(report.classes.map(\.machines) == [1, 3, 1])
        #expect(report.classes.allSatisfy { $0.outliers.isEmpty })
        #expect(report.withoutModel == 1 && report.withoutEvidence == 1)
        #expect(report.classes[0].registers.allSatisfy { $0.agreement == "too-few" })
        #expect(try await peers(bench, group: "other").classes.map(\.machines) == [1])
        try await PeerWatch.check(bench.store)
        #expect(try await outlierEvents(bench).isEmpty)
    }

    @Test("Where the kept evidence was edited, the outlier stands and no event is invented for it")
    func edited() async throws {
        let bench = try await VerifierTestBench(references: false)
        var nodes = try await fleet(bench, ["n1", "n2", "n3"])
        try nodes[1].boot(TestVectors.changedCommandLine)
        for node in nodes { try await bench.attest(node) }
        let id = nodes[1].id
        try await bench.store.write { tx in
            guard let record = try tx.node(id), let identity = try tx.identity(record.identityID),
                let verdict = try tx.attestationState(akName: identity.akName)?.resultVerdictID
            else { return }
            try tx.forgetEvidence(ofVerdict: verdict)
        }
        let outliers = try #require(try await peers(bench).classes.first?.outliers)
        #expect(outliers.map(\.pcr) == [8, 9])
        #expect(outliers.allSatisfy { $0.events.isEmpty && $0.eventsMissing?.contains("n2") == true })
        try await PeerWatch.check(bench.store)
        #expect(try await outlierEvents(bench).count == 1)
    }
}
