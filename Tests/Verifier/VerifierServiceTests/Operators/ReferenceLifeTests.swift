import Appraisal
import AttestationMessages
import ReferenceValues
import SecurityEvents
import Synchronization
import TPMStructures
import TestVectors
import Testing
import VerifierService
import VerifierStore

/// Reference sets after their approval: preview, activation, rollback, end. Nodes with software keys, a real store.
@Suite("The life of reference sets")
struct ReferenceLifeTests {
    let ada = OperatorPeer(name: "ada", roles: OperatorFixture.everyRole, keySHA256: "aa", source: "192.0.2.1")
    let bob = OperatorPeer(name: "bob", roles: OperatorFixture.everyRole, keySHA256: "bb", source: "192.0.2.2")
    private static let day: Int64 = 86_400_000

    private func boot(_ node: inout SoftwareNode, _ vector: MeasuredBootVector) throws {
        node.reboot()
        node.eventLog = try vector.eventLog
        node.values = PCRValues()
        for (bank, registers) in try vector.pcrs {
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                node.values.set(digest, bank: digest.algorithm, index: pcr)
            }
        }
    }

    private func service(_ bench: VerifierTestBench) -> ReferenceService {
        ReferenceService(store: bench.store, labMode: false, policy: bench.policy)
    }

    /// The next version of `golden`, of these boots, proposed by ada and approved by bob.
    private func approved(
        _ vectors: [MeasuredBootVector], _ bench: VerifierTestBench
    ) async throws -> (view: ReferenceView, request: ReferenceActRequest) {
        let sources = try vectors.map { vector in
            var node = try SoftwareNode("reference")
            try boot(&node, vector)
            return ReferenceCapture.Source(pcrs: try node.attestedPCRs(), eventLog: node.eventLog, label: "test")
        }
        let document = try ReferenceCapture.draft(name: "golden", group: "default", from: sources).encoded()
        let draft = try await service(bench).draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(document), captureFrom: [], note: nil),
            peer: ada
        ).view
        let request = ReferenceActRequest(
            documentSHA256: draft.documentSHA256, reason: "kernel update", ticket: "CHG-88")
        for (act, peer) in [(ReferenceAct.propose, ada), (.approve, bob)] {
            _ = try await service(bench).act(act, on: "golden", version: draft.version, request, peer: peer)
        }
        return (draft, request)
    }

    private func activate(
        _ set: (view: ReferenceView, request: ReferenceActRequest), accepting failures: Int? = nil,
        _ peer: OperatorPeer, _ bench: VerifierTestBench
    ) async throws -> ReferenceView {
        var request = set.request
        request.acceptFailures = failures
        return try await service(bench).act(
            .activate, on: "golden", version: set.view.version, request, peer: peer)
    }

    private func fleet(_ count: Int, _ bench: VerifierTestBench) async throws -> [SoftwareNode] {
        var nodes: [SoftwareNode] = []
        for number in 1...count {
            let node = try await bench.enrolled("n\(number)")
            #expect(try await bench.attest(node).verdict == .pass)
            nodes.append(node)
        }
        return nodes
    }

    private func activeVersion(_ bench: VerifierTestBench) async throws -> Int? {
        try await bench.store.read { try $0.activeReference(group: "default")?.version }
    }

    @Test("RV-15: a set that lacks the kernel in use is shown by preview and refused by activate, whoever asks")
    func badSet() async throws {
        let bench = try await VerifierTestBench()
        _ = try await fleet(3, bench)
        let set = try await approved([TestVectors.changedCommandLine], bench)
        let preview = try await service(bench).preview("golden", version: 2, peer: ada)
        #expect(preview.judged == 3 && preview.passToFail == 3 && preview.unchanged == 0 && preview.exceedsLimit)
        #expect(preview.flips.map(\.nodeID.rawValue).sorted() == ["n1", "n2", "n3"])
        let flip = try #require(preview.flips.first)
        #expect(flip.before == .pass && flip.after == .fail && flip.pcr != nil && flip.expected != flip.seen)
        #expect(flip.firstBrokenLayer == "boot-loader" || flip.firstBrokenLayer == "kernel")
        #expect(try await refusalCode { try await activate(set, bob, bench) } == "REF_PREVIEW")
        #expect(try await refusalCode { try await activate(set, accepting: 2, bob, bench) } == "REF_PREVIEW")
        // Who proposed it does not wave it through.
        #expect(try await refusalCode { try await activate(set, accepting: 3, ada, bench) } == "REF_NEEDS_APPROVAL")
        #expect(try await activeVersion(bench) == 1)
        #expect(try await bench.events().contains { $0.eventID == "REF_PREVIEW" })

        #expect(try await activate(set, accepting: 3, bob, bench).status == .active)
        let accepted = try await bench.events().filter { $0.eventID == "REF_FAILURES_ACCEPTED" }
        #expect(accepted.count == 1 && accepted.first?.severity == .high && accepted.first?.actor == "bob")
        let last = try #require(try await service(bench).history(ofReference: "golden", peer: ada).items.last)
        #expect(last.act == "activate" && last.by == "bob" && last.ticket == "CHG-88")
        #expect(last.note?.contains("3 of 3") == true)
    }

    @Test("RV-15: one node of ten may fail newly, two may not")
    func limit() async throws {
        let bench = try await VerifierTestBench()
        var nodes = try await fleet(10, bench)
        let both = try await approved([TestVectors.golden, TestVectors.changedCommandLine], bench)
        #expect(try await service(bench).preview("golden", version: 2, peer: ada).unchanged == 10)
        _ = try await activate(both, ada, bench)
        let narrow = try await approved([TestVectors.golden], bench)
        for index in 0..<2 {
            try boot(&nodes[index], TestVectors.changedCommandLine)
            #expect(try await bench.attest(nodes[index]).verdict == .pass)
            let preview = try await service(bench).preview("golden", version: 3, peer: ada)
            #expect(preview.judged == 10 && preview.newlyFailing == index + 1)
            #expect(preview.exceedsLimit == (index == 1))
        }
        #expect(try await refusalCode { try await activate(narrow, ada, bench) } == "REF_PREVIEW")
    }

    @Test("A preview counts evidence that proves nothing any more as unknown, not as good")
    func editedEvidence() async throws {
        let bench = try await VerifierTestBench()
        let node = try await fleet(1, bench)[0]
        _ = try await bench.enrolled("never-attested")
        _ = try await approved([TestVectors.golden], bench)
        let akName = node.akName
        try await bench.store.write { tx in
            guard var state = try tx.attestationState(akName: akName) else { return }
            state.resultVerdictID = "gone"
            try tx.save(state)
        }
        let preview = try await service(bench).preview("golden", version: 2, peer: ada)
        #expect(preview.judged == 0 && preview.withoutEvidence == 2)
    }

    @Test("RV-05: rollback brings the version before back, clears what failed only under the bad one, and no more")
    func rollback() async throws {
        let bench = try await VerifierTestBench()
        var nodes = try await fleet(2, bench)
        let bad = try await approved([TestVectors.changedCommandLine], bench)
        _ = try await activate(bad, accepting: 2, bob, bench)
        try boot(&nodes[1], TestVectors.userExtendedPCR8)
        for node in nodes { #expect(try await bench.attest(node).verdict == .fail) }
        let request = ReferenceRollbackRequest(reason: "kernel was missing", ticket: "INC-7")
        let rollback = try await service(bench).rollback("golden", request, peer: ada)
        #expect(rollback.active.version == 1 && rollback.active.status == .active)
        #expect(rollback.rolledBack.version == 2 && rollback.rolledBack.status == .retired)
        #expect(rollback.cleared == [nodes[0].id] && rollback.stillFailed == [nodes[1].id])
        #expect(try await bench.record(nodes[0])?.standing == .unproven)
        #expect(try await bench.record(nodes[1])?.standing == .failed)
        #expect(try await bench.attest(nodes[0]).verdict == .pass)
        #expect(try await bench.record(nodes[0])?.standing == .good)
        #expect(try await bench.attest(nodes[1]).verdict == .fail)

        let events = try await bench.events().filter { $0.eventID == "REF_ROLLED_BACK" }
        #expect(events.count == 1 && events.first?.severity == .high && events.first?.fields["ticket"] == "INC-7")
        let history = try await service(bench).history(ofReference: "golden", peer: ada).items
        #expect(history.map(\.act) == ["draft", "propose", "approve", "activate", "rolled-back", "restored"])
        #expect(history.suffix(2).allSatisfy { $0.by == "ada" && $0.ticket == "INC-7" })
        // What was rolled back never comes back, and there is nothing before the first.
        #expect(try await refusalCode { try await activate(bad, accepting: 9, bob, bench) } == "REF_ROLLBACK")
        #expect(
            try await refusalCode { try await service(bench).rollback("golden", request, peer: ada) }
                == "REF_NO_PREVIOUS")
    }

    @Test("A fail that was not the set's is not touched by its rollback")
    func otherFail() async throws {
        let bench = try await VerifierTestBench()
        var node = try await fleet(1, bench)[0]
        let good = node
        try boot(&node, TestVectors.userExtendedPCR8)
        #expect(try await bench.attest(node).verdict == .fail)
        _ = try await activate(try await approved([TestVectors.golden], bench), ada, bench)
        var back = good
        back.clock = node.clock
        (back.bootID, back.runID) = (node.bootID, node.runID)
        back.reboot()
        #expect(try await bench.attest(back).verdict == .pass)
        let rollback = try await service(bench).rollback(
            "golden", ReferenceRollbackRequest(reason: "test", ticket: nil), peer: ada)
        #expect(rollback.cleared.isEmpty && rollback.stillFailed.isEmpty)
        #expect(try await bench.record(node)?.standing == .failed)
    }

    @Test("RV-08: the end of an active set is told 30, 7 and 1 days before and when it comes; then nobody passes")
    func end() async throws {
        let bench = try await VerifierTestBench()
        let node = try await fleet(1, bench)[0]
        let view = try await service(bench).reference("golden", version: 1, peer: ada).view
        let start = bench.store.clock.now()
        func expire(_ end: Int64?) async throws -> ReferenceView {
            try await service(bench).act(
                .expire, on: "golden", version: 1,
                ReferenceActRequest(
                    documentSHA256: view.documentSHA256, reason: "end of support", atMilliseconds: end), peer: ada)
        }
        let end = start + 31 * Self.day
        #expect(try await expire(end).validUntilMilliseconds == end)
        #expect(try await refusalCode { try await expire(end + 1) } == "REF_END")
        #expect(try await refusalCode { try await expire(start - 1) } == "REF_END")
        func told() async throws -> [String] {
            try await bench.monitor.tick()
            try await bench.monitor.tick()
            return try await bench.events().filter { $0.eventID == "REF_EXPIRES" || $0.eventID == "REF_EXPIRED" }
                .filter { $0.node == nil }.compactMap { $0.fields["days"] }
        }
        #expect(try await told() == [])
        bench.advance(2 * Self.day)
        #expect(try await told() == ["30"])
        bench.advance(23 * Self.day)
        #expect(try await told() == ["30", "7"])
        bench.advance(5 * Self.day + Self.day / 2)
        #expect(try await told() == ["30", "7", "1"])
        #expect(try await bench.attest(node).verdict == .pass)
        bench.advance(Self.day)
        #expect(try await told() == ["30", "7", "1", "0"])
        let reply = try await bench.attest(node)
        #expect(reply.verdict == .error)
        #expect(
            try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.reasons.contains("REF_EXPIRED")
                == true)
    }

    @Test("RV-09: 100 posts in flight while the set changes: each verdict is the version's that it names")
    func inFlight() async throws {
        let bench = try await VerifierTestBench()
        let nodes = try await fleet(100, bench)
        let bad = try await approved([TestVectors.changedCommandLine], bench)
        var posts: [(SoftwareNode, EvidenceSubmission)] = []
        for node in nodes { posts.append((node, try await node.evidence(bench))) }
        let replies = try await withThrowingTaskGroup(of: EvidenceReply?.self) { group in
            for (index, post) in posts.enumerated() {
                group.addTask { try await bench.attestation.submit(post.1, node: post.0.peer) }
                if index == 50 {
                    group.addTask {
                        try await Self.replace(bad.view.version, bench.store)
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [EvidenceReply]()) { if let reply = $1 { $0.append(reply) } }
        }
        #expect(replies.count == 100)
        for reply in replies {
            let record = try #require(try await bench.store.read { try $0.verdict(reply.verdictID ?? "") })
            #expect(record.referenceSet == (record.verdict == .pass ? "golden@1" : "golden@2"))
        }
        // From here on nothing is answered from memory.
        for node in nodes.prefix(5) {
            let reply = try await bench.attest(node)
            let record = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
            #expect(record?.verdict == .fail && record?.referenceSet == "golden@2")
        }
    }

    /// Makes a version active past every check, as fast as a transaction can.
    static func replace(_ version: Int, _ store: any TransactionalStore) async throws {
        try await store.write { tx in
            guard var old = try tx.activeReference(group: "default"),
                var new = try tx.reference("golden", version: version)
            else { return }
            old.status = .retired
            try tx.save(old)
            new.status = .active
            try tx.save(new)
        }
    }

    @Test("RV-09: a set that changes between the appraisal and its transaction judges that very evidence")
    func betweenReadAndWrite() async throws {
        let bench = try await VerifierTestBench()
        let node = try await fleet(1, bench)[0]
        let bad = try await approved([TestVectors.changedCommandLine], bench)
        let submission = try await node.evidence(bench)
        let store = InterruptedStore(base: bench.store) { try await Self.replace(bad.view.version, $0) }
        let reply = try await AttestationService(store: store, policy: bench.policy)
            .submit(submission, node: node.peer)
        #expect(reply.verdict == .fail)
        let record = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(record?.referenceSet == "golden@2")
    }
}

/// A store to which something else happens just before its first write.
final class InterruptedStore: TransactionalStore {
    private let base: any TransactionalStore
    private let interruption: @Sendable (any TransactionalStore) async throws -> Void
    private let isDone = Atomic(false)

    init(
        base: any TransactionalStore, _ interruption: @escaping @Sendable (any TransactionalStore) async throws -> Void
    ) {
        self.base = base
        self.interruption = interruption
    }

    var clock: any VerifierClock { base.clock }
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreSnapshot) throws -> Value
    ) async throws -> Value { try await base.read(body) }
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        if !isDone.exchange(true, ordering: .relaxed) { try await interruption(base) }
        return try await base.write(body)
    }
    func verifyAudit() async throws -> AuditChainState { try await base.verifyAudit() }
}
