import Appraisal
import AttestationMessages
import ReferenceValues
import SecurityEvents
import TPMStructures
import TestVectors
import Testing
import VerifierService
import VerifierStore

extension SoftwareNode {
    /// Boots again, into what this vector measured.
    mutating func start(_ vector: MeasuredBootVector) throws {
        reboot()
        eventLog = try vector.eventLog
        values = PCRValues()
        for (bank, registers) in try vector.pcrs {
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                values.set(digest, bank: digest.algorithm, index: pcr)
            }
        }
    }
}

/// A fleet on golden@1, and golden@2 (another command line) approved by two persons.
struct PlanFixture: Sendable {
    let bench: VerifierTestBench
    let ada = OperatorPeer(name: "ada", roles: OperatorFixture.everyRole, keySHA256: "aa", source: "192.0.2.1")
    let bob = OperatorPeer(name: "bob", roles: OperatorFixture.everyRole, keySHA256: "bb", source: "192.0.2.2")
    static let hour: Int64 = 3_600_000
    static let old = TestVectors.golden
    static let new = TestVectors.changedCommandLine
    static let other = TestVectors.userExtendedPCR8

    var references: ReferenceService { ReferenceService(store: bench.store, labMode: false, policy: bench.policy) }
    var plans: PlanService { PlanService(store: bench.store, labMode: false, policy: bench.policy) }
    var now: Int64 { bench.store.clock.now() }

    init() async throws {
        bench = try await VerifierTestBench()
        try await approve([Self.new])
    }

    /// The next version of `golden`, of these boots, proposed by ada and approved by bob.
    @discardableResult
    func approve(_ vectors: [MeasuredBootVector]) async throws -> ReferenceView {
        let view = try await draft(vectors)
        let request = ReferenceActRequest(documentSHA256: view.documentSHA256, reason: "kernel update")
        _ = try await references.act(.propose, on: "golden", version: view.version, request, peer: ada)
        return try await references.act(.approve, on: "golden", version: view.version, request, peer: bob)
    }

    func draft(_ vectors: [MeasuredBootVector]) async throws -> ReferenceView {
        let sources = try vectors.map { vector in
            var node = try SoftwareNode("reference")
            try node.start(vector)
            return ReferenceCapture.Source(pcrs: try node.attestedPCRs(), eventLog: node.eventLog, label: "test")
        }
        let document = try ReferenceCapture.draft(name: "golden", group: "default", from: sources).encoded()
        return try await references.draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(document), captureFrom: [], note: nil),
            peer: ada
        ).view
    }

    /// Enrolled nodes that pass by golden@1.
    func fleet(_ count: Int) async throws -> [SoftwareNode] {
        let nodes = try await withThrowingTaskGroup(of: SoftwareNode.self) { group in
            for number in 1...count { group.addTask { try await bench.enrolled("n\(number)") } }
            return try await group.reduce(into: [SoftwareNode]()) { $0.append($1) }
        }
        for reply in try await attest(nodes) { #expect(reply.verdict == .pass) }
        return nodes.sorted { $0.id.rawValue < $1.id.rawValue }
    }

    /// All at once; the replies in the nodes' order.
    func attest(_ nodes: [SoftwareNode]) async throws -> [EvidenceReply] {
        try await withThrowingTaskGroup(of: (Int, EvidenceReply).self) { group in
            for (index, node) in nodes.enumerated() { group.addTask { (index, try await bench.attest(node)) } }
            return try await group.reduce(into: [(Int, EvidenceReply)]()) { $0.append($1) }
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    @discardableResult
    func plan(
        _ nodes: [SoftwareNode], name: String = "kernel", version: Int = 2, from start: Int64? = nil,
        hours: Int64 = 4, reboots: Int? = nil
    ) async throws -> PlanDetail {
        try await plans.create(
            PlanRequest(
                name: name, reason: "kernel 6.1.0-53", ticket: "CHG-9", referenceSet: "golden", version: version,
                startMilliseconds: start, endMilliseconds: (start ?? now) + hours * Self.hour, nodes: nodes.map(\.id),
                reboots: reboots), peer: ada)
    }

    func status(_ node: SoftwareNode, in plan: String = "kernel") async throws -> PlanNodeStatus? {
        try await plans.plan(plan, peer: ada).nodes.first { $0.nodeID == node.id }?.status
    }

    func close(
        _ plan: String = "kernel", activate: Bool, accepting failures: Int? = nil, by peer: OperatorPeer? = nil
    ) async throws -> PlanDetail {
        try await plans.close(
            plan, PlanCloseRequest(reason: "done", activate: activate, acceptFailures: failures), peer: peer ?? ada)
    }

    func set(of reply: EvidenceReply) async throws -> String? {
        try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.referenceSet
    }

    func lastBoot(_ node: SoftwareNode) async throws -> RebootView? {
        try await bench.store.read { try $0.reboots(of: node.id, before: nil, limit: 1) }.first
    }

    func events(after mark: LedgerMark) async throws -> [SecurityEvent] {
        try await bench.store.read { snapshot in
            var events: [SecurityEvent] = []
            var last = mark.event
            while let page = try Optional(snapshot.outbox(after: last, limit: 1000)), let end = page.last {
                events += page
                last = end.sequence
            }
            return events
        }
    }

    func activeVersion() async throws -> Int? {
        try await bench.store.read { try $0.activeReference(group: "default")?.version }
    }
}
