import AttestationMessages
import SecurityEvents
import Synchronization
import TPMStructures
import Testing
import VerifierService
import VerifierStore

/// The real store with a failpoint: one unit of work, counted from when it is armed, ends by an error that no caller
/// foresaw, before or after its body ran.
final class FailpointStore: TransactionalStore {
    struct Failpoint: Error {}
    enum Moment: CaseIterable { case before, after }
    private struct State {
        var unitsLeft: Int?
        var moment = Moment.before
        var fired = false
    }

    private let base: SQLiteStore
    private let state = Mutex(State())

    init(_ base: SQLiteStore) { self.base = base }

    var clock: any VerifierClock { base.clock }
    /// Whether the failpoint was reached.
    var hasFired: Bool { state.withLock { $0.fired } }

    func arm(unit: Int, _ moment: Moment) {
        state.withLock { $0 = State(unitsLeft: unit, moment: moment) }
    }

    private func nextFailure() -> Moment? {
        state.withLock { state in
            guard let left = state.unitsLeft else { return nil }
            state.unitsLeft = left > 0 ? left - 1 : nil
            state.fired = left == 0
            return left == 0 ? state.moment : nil
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreSnapshot) throws -> Value
    ) async throws -> Value {
        let failure = nextFailure()
        return try await base.read { snapshot in
            if failure == .before { throw Failpoint() }
            let value = try body(snapshot)
            if failure == .after { throw Failpoint() }
            return value
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        let failure = nextFailure()
        return try await base.write { tx in
            if failure == .before { throw Failpoint() }
            let value = try body(tx)
            if failure == .after { throw Failpoint() }
            return value
        }
    }

    func verifyAudit() async throws -> AuditChainState { try await base.verifyAudit() }
}

@Suite("Errors inside an appraisal")
struct FailpointTests {
    @Test(
        "AD-06: an error at any stage of an exchange is a verdict of error, which leaves the node to grow stale",
        arguments: FailpointStore.Moment.allCases)
    func everyStage(_ moment: FailpointStore.Moment) async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        let akName = node.akName
        let passed = try await bench.store.read { try $0.attestationState(akName: akName) }
        let faulty = FailpointStore(bench.store)
        let service = AttestationService(store: faulty, policy: bench.policy)
        var stages = 0
        while true {
            // A report that the verifier has not seen: submission, two uploads, appraisal and commit are stages.
            node.reports = [BindingTests.accounts: BindingTests.report("user\(stages)")]
            node.clock.clock += 10
            let submission = try await node.evidence(bench)
            let before = try await bench.mark()
            faulty.arm(unit: stages, moment)
            let outcome: EvidenceReply
            do {
                outcome = try await exchange(submission, node, service)
            } catch let error as FailpointStore.Failpoint {
                Issue.record("stage \(stages): \(error) came out")
                return
            }
            guard faulty.hasFired else {
                #expect(outcome.verdict == .pass)
                break
            }
            #expect(outcome.verdict == .error, "stage \(stages)")
            let verdict = try await bench.store.read { try $0.verdict(submission.challengeID) }
            #expect(verdict?.verdict == .error && verdict?.reasons.contains("APPRAISAL_FAILED") == true)
            try await bench.expectTold("APPRAISAL_FAILED", .medium, since: before)
            #expect(try await bench.record(node)?.standing == .good)
            // The bytes that crashed it are not judged again.
            let peer = node.peer
            let again = await nodeRefusal { _ = try await service.submit(submission, node: peer) }
            #expect(again?.kind == .conflict && again?.verdictID == submission.challengeID)
            let state = try await bench.store.read { try $0.attestationState(akName: akName) }
            #expect(state?.lastPassVerdictID == passed?.lastPassVerdictID)
            stages += 1
        }
        #expect(stages >= 7, "\(stages)")
    }

    @Test("AD-06: an error refreshes nothing: after its age the node is denied as stale, and the SIEM hears of it")
    func growsStale() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        let maxAge = 2 * VerifierTestBench.interval + bench.policy.staleGrace
        let faulty = FailpointStore(bench.store)
        let service = AttestationService(store: faulty, policy: bench.policy)
        for _ in 0..<4 {
            bench.advance(maxAge / 4)
            let submission = try await node.evidence(bench)
            // The commit: an exchange that brings nothing new is one read and one write.
            faulty.arm(unit: 1, .before)
            #expect(try await exchange(submission, node, service).verdict == .error)
            #expect(try await bench.decision(node) == "admit")
        }
        bench.advance(1)
        #expect(try await bench.decision(node) == "ADM_STALE")
        try await bench.monitor.tick()
        #expect(try await bench.record(node)?.shownState == .stale)
        #expect(try await bench.events().last { $0.eventID == "ADM_STALE" }?.severity == .medium)
    }

    private func exchange(
        _ submission: EvidenceSubmission, _ node: SoftwareNode, _ service: AttestationService
    ) async throws -> EvidenceReply {
        var reply = try await service.submit(submission, node: node.peer)
        while let need = reply.need.first, let log = EvidenceLog(need.log) {
            let bytes = log == .eventLog ? node.eventLog : node.reports[need.log] ?? []
            // In two parts, so that an upload that only adds bytes is a stage too.
            let part = need.offset == 0 ? bytes.prefix(bytes.count / 2) : bytes.dropFirst(need.offset)
            reply = try await service.upload(
                evidenceID: reply.evidenceID, log: log, offset: need.offset, bytes: Array(part), node: node.peer)
        }
        return reply
    }
}
