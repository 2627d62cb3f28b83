import AttestationMessages
import AttesterSession
import Foundation
import HostProcess
import SoftwareTPM
import StubVerifier
import Testing

private let boot = "00000000-0000-0000-0000-000000000001"
private let otherBoot = "00000000-0000-0000-0000-000000000002"

private func reply(_ decision: AdmissionDecision, seconds: Int?, reason: String? = nil) -> AdmissionReply {
    AdmissionReply(
        nodeID: NodeID("edge-17")!, decision: decision, reason: reason, ear: nil, admissionCertificates: [],
        verdictID: "v", validUntilMilliseconds: nil, admittedForSeconds: seconds)
}

private func status(_ admission: NodeAdmission? = nil, membership: String = "enrolled") -> AgentStatus {
    AgentStatus(
        nodeID: NodeID("edge-17")!, agentVersion: "t", processID: 1, agentRunID: "r", bootID: boot,
        membership: membership, startedAtMilliseconds: 0, admission: admission)
}

@Suite("What a node knows of its admission")
struct NodeAdmissionTests {
    private let now = AgentTime(monotonic: 1_000_000, wall: 1_700_000_000_000)
    private func later(_ seconds: Int64) -> AgentTime {
        AgentTime(monotonic: now.monotonic + seconds * 1000, wall: now.wall + seconds * 1000)
    }

    @Test("An admission holds for the seconds that the verifier named, by the clock that nobody sets")
    func life() {
        let admission = NodeAdmission(reply(.admit, seconds: 600), after: nil, now: now)
        #expect(admission.holds(later(599)))
        #expect(!admission.holds(later(600)))
        // The wall clock jumps by a year: nothing changes.
        #expect(admission.holds(AgentTime(monotonic: now.monotonic, wall: now.wall + 31_536_000_000)))
    }

    @Test(
        "TA-19: an admission without an end, or with a senseless one, is none; no verifier admits for longer than a day",
        arguments: [nil, 0, -1, Int.min])
    func endless(seconds: Int?) {
        let admission = NodeAdmission(reply(.admit, seconds: seconds), after: nil, now: now)
        #expect(admission.decision == .deny && admission.reason == "AGENT_BAD_REPLY" && !admission.holds(now))
        let longest = NodeAdmission(reply(.admit, seconds: .max), after: nil, now: now)
        #expect(longest.holds(later(86_399)) && !longest.holds(later(86_400)))
    }

    @Test("A denial ends an admission at once, and 'since' survives renewals but no break")
    func since() {
        let first = NodeAdmission(reply(.admit, seconds: 600), after: nil, now: now)
        let renewed = NodeAdmission(reply(.admit, seconds: 600), after: first, now: later(300))
        #expect(renewed.sinceMilliseconds == now.wall && renewed.holds(later(899)))
        let denied = NodeAdmission(
            reply(.deny, seconds: nil, reason: "ADM_STICKY_FAIL"), after: renewed, now: later(400))
        #expect(!denied.holds(later(400)) && denied.sinceMilliseconds == later(400).wall)
        let back = NodeAdmission(reply(.admit, seconds: 600), after: denied, now: later(500))
        #expect(back.sinceMilliseconds == later(500).wall)
        // Ended without a denial in between.
        let again = NodeAdmission(reply(.admit, seconds: 600), after: first, now: later(2_000))
        #expect(again.sinceMilliseconds == later(2_000).wall)
    }

    @Test("AG-15: another boot's and another node's admission count for nothing, also where the clock would allow it")
    func stale() {
        let admission = NodeAdmission(reply(.admit, seconds: 600), after: nil, now: now)
        guard case .admitted = AdmissionView(status(admission), bootID: boot, now: now) else {
            Issue.record("an admission of this boot holds")
            return
        }
        guard case .missing(let isDenied, let reason, _) = AdmissionView(status(admission), bootID: otherBoot, now: now)
        else {
            Issue.record("a stale admission counted")
            return
        }
        #expect(!isDenied && reason.contains("earlier boot"))

        var next = status()
        next.bootID = otherBoot
        next.adopt(status(admission))
        #expect(next.admission == nil)
        var other = status()
        other.nodeID = NodeID("edge-18")!
        other.adopt(status(admission))
        #expect(other.admission == nil)
        var same = status()
        same.adopt(status(admission))
        #expect(same.admission == admission)
    }

    @Test("What is missing is named with the next step")
    func nextSteps() {
        func view(_ change: (inout AgentStatus) -> Void) -> (isDenied: Bool, reason: String, nextStep: String)? {
            var changed = status()
            change(&changed)
            guard case .missing(let isDenied, let reason, let next) = AdmissionView(changed, bootID: boot, now: now)
            else { return nil }
            return (isDenied, reason, next)
        }
        let denied = view { $0.admission = .refused("ADM_SUSPENDED", after: nil, now: now) }
        #expect(denied?.isDenied == true && denied?.reason.contains("ADM_SUSPENDED") == true)
        #expect(denied?.nextStep.contains("bootgate node explain edge-17") == true)
        let pending = view { $0.membership = "pending" }
        #expect(pending?.isDenied == false && pending?.nextStep.contains("bootgate node approve edge-17") == true)
        let unreachable = view {
            $0.lastFailureCode = "AGENT_UNREACHABLE"
            $0.lastFailure = "no route"
        }
        #expect(unreachable?.reason.contains("no route") == true && unreachable?.nextStep.contains("network") == true)
        let ended = view { $0.admission = NodeAdmission(reply(.admit, seconds: 1), after: nil, now: later(-5)) }
        #expect(ended?.isDenied == false && ended?.reason.contains("ended") == true)
        let stopped = view { $0.membership = "stopped" }
        #expect(stopped?.nextStep.contains("systemctl start bootgate-agent") == true)
    }

    @Test("The line for systemctl status says since when the node is admitted, or what it waits for")
    func line() {
        var told = status(NodeAdmission(reply(.admit, seconds: 600), after: nil, now: now))
        told.nextStepAtMilliseconds = later(280).wall
        #expect(
            told.line(now) == "admitted since 2023-11-14T22:13:20Z; next step at 2023-11-14T22:18:00Z")
        #expect(told.line(later(600)).hasPrefix("not admitted: the admission has ended"))
        var waiting = status()
        waiting.lastFailureCode = "AGENT_UNREACHABLE"
        waiting.lastFailure = "connection refused"
        #expect(waiting.line(now) == "waiting: AGENT_UNREACHABLE: connection refused")
        #expect(status(membership: "pending").line(now).contains("bootgate node approve edge-17"))
        let denied = status(NodeAdmission(reply(.deny, seconds: nil, reason: "ADM_STICKY_FAIL"), after: nil, now: now))
        #expect(denied.line(now).hasPrefix("not admitted: ADM_STICKY_FAIL"))
    }
}

@Suite("A session and its admission", .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.requirement)))
struct SessionAdmissionTests {
    @Test("After a verdict the agent asks for the admission and publishes it; a denial takes it away")
    func published() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            try await node.expect(.pass, port: server.port)
            let admitted = try #require(try AgentStatus.load(node.publication))
            #expect(admitted.admission?.holds(.now()) == true)
            #expect(node.codes.all.contains("AGENT_ADMITTED"))
            // A pass alone admits nobody: a node that failed before stays denied until it is cleared.
            honest.withState { $0.decision = .deny }
            try await node.expect(.pass, port: server.port)
            let denied = try #require(try AgentStatus.load(node.publication))
            #expect(denied.admission?.decision == .deny && denied.admission?.reason == "ADM_STICKY_FAIL")
            #expect(node.codes.all.contains("AGENT_NOT_ADMITTED"))
            // And a fail that two persons override is admitted.
            honest.withState {
                $0.verdict = .fail
                $0.decision = .admit
            }
            try await node.expect(.fail, port: server.port)
            #expect(try AgentStatus.load(node.publication)?.admission?.holds(.now()) == true)
        }
    }

    @Test("An answer that does not come ends nothing, and one that fails is asked for again")
    func unanswered() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            honest.withState { $0.admissionFailures = 1 }
            try await node.expect(.pass, port: server.port)
            #expect(honest.withState { $0.admissionQuestions } == 2)
            let before = try #require(try AgentStatus.load(node.publication)?.admission)
            #expect(before.holds(.now()))
            honest.withState {
                $0.admissionFailures = .max
                // The question ends where the next attestation is due.
                $0.attestationIntervalSeconds = 1
            }
            try await node.expect(.pass, port: server.port)
            #expect(try AgentStatus.load(node.publication)?.admission == before)
        }
    }

    @Test("AG-15: after a reboot the admission that the state of the last boot tells of is gone until it is heard anew")
    func rebooted() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            _ = try await node.session(port: server.port, bootID: boot).once().get()
            #expect(try AgentStatus.load(node.publication)?.admission?.holds(.now()) == true)
            // The same boot: a restarted agent keeps what was heard.
            honest.withState { $0.admissionFailures = .max }
            honest.withState { $0.attestationIntervalSeconds = 1 }
            _ = try await node.session(port: server.port, bootID: boot).once().get()
            #expect(try AgentStatus.load(node.publication)?.admission?.holds(.now()) == true)
            _ = try await node.session(port: server.port, bootID: otherBoot).once().get()
            #expect(try AgentStatus.load(node.publication)?.admission == nil)
        }
    }

    @Test("A node that is suspended between two attestations loses its admission with the next refusal")
    func suspended() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        let refuses = Counter()
        try await StubVerifier(authority: node.authority) { request in
            guard request.path.hasSuffix("/challenges"), refuses.next() > 0 else { return try honest.reply(request) }
            return try StubReply.json(403, Problem(code: "ADM_SUSPENDED", reference: "r"))
        }.run { server in
            try await node.expect(.pass, port: server.port)
            #expect(try AgentStatus.load(node.publication)?.admission?.holds(.now()) == true)
            _ = try await node.session(port: server.port).once()
            let admission = try #require(try AgentStatus.load(node.publication)?.admission)
            #expect(admission.decision == .deny && admission.reason == "ADM_SUSPENDED")
        }
    }
}
