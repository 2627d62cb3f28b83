import AttestationMessages
import Foundation
import SoftwareTPM
import Synchronization
import Testing

/// Kills, outages and changes while things run.
@Suite(
    "Kills, outages, changes under way", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct ResilienceTests {
    enum Victim: String, CaseIterable { case agent, verifier }

    /// kill -9 between every two flights of the enrollment, on the wire: what was sent was acted on, what follows is lost.
    @Test(
        "ID-24: killed after each message of the enrollment, no half identity is left and the next run ends enrolled",
        arguments: Victim.allCases)
    func killedInsideEnrollment(_ victim: Victim) async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let flights = Flights()
        let place = try LinkedPlace(laboratory, flights: flights)
        var flight = 0
        var isPastEnrollment = false
        while !isPastEnrollment {
            flight += 1
            #expect(flight < 20)
            if flight > 1 {
                #expect(try laboratory.run("node", "remove", "edge-\(flight - 1)", "--reason", "test").status == 0)
            }
            let machine = try Machine("edge-\(flight)", in: place)
            _ = try laboratory.run("node", "add", machine.id, "--ek-spki-sha256", try machine.endorsementKeySPKI())
            let connections = place.main.connectionCount
            let doomed = Doomed()
            let main = place.main
            flights.arm(after: flight) { doomed.kill(noting: main.connectionCount > connections) }
            let agent = try machine.startOnce()
            let verifier = try #require(laboratory.verifier)
            doomed.name(victim == .agent ? agent : verifier)
            _ = try await eventually("the \(victim) is killed after flight \(flight)") {
                doomed.isKilled && !(victim == .agent ? agent : verifier).isRunning ? true : nil
            }
            // The first flight on the main listener: the enrollment's last message has arrived.
            isPastEnrollment = doomed.note
            agent.stop(atOnce: true)
            try machine.forgetDeadProcess()
            if victim == .verifier {
                laboratory.stop(atOnce: true)
                try await laboratory.start()
            }
            // Unknown, or pending: its first pass is still to come.
            let isUnknown = try laboratory.run("node", "show", machine.id).status == 65
            let state = isUnknown ? .pending : try laboratory.node(machine.id).state
            #expect(state == .pending, "after flight \(flight)")
            let second = try machine.once()
            #expect(second.status == 75)
            let lifecycle = try? laboratory.node(machine.id).lifecycle
            #expect(lifecycle == .enrolled, "after flight \(flight): \(second.errorText) \(laboratory.log("verifier"))")
            let nodes = try laboratory.json(["node", "list"], of: Page<NodeView>.self).items
            #expect(nodes.map(\.nodeID.rawValue) == [machine.id])
        }
        // Handshake, request, answer, activation, answer, and what follows on the main listener.
        #expect(flight >= 6, "\(flight)")
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
    }

    @Test("An agent survives a verifier that is down, and attests when it comes")
    func verifierDown() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        laboratory.stop()
        try machine.startAgent()
        try await Task.sleep(for: .seconds(2))
        #expect(machine.agent?.isRunning == true)
        try await laboratory.start()
        _ = try await laboratory.nextVerdict(of: "edge-01")
    }

    @Test("SA-05 in small: verdicts acknowledged before kill -9 are there afterwards, and the audit chain verifies")
    func verifierKilled() async throws {
        let (laboratory, machine) = try await Machine.admitted("edge-01")
        let before = try #require(try laboratory.node("edge-01").lastVerdict)
        laboratory.stop(atOnce: true)
        try await laboratory.start()
        #expect(try laboratory.node("edge-01").lastVerdict?.verdictID == before.verdictID)
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
        #expect(try machine.once().status == 0)
    }

    @Test("AV-08: SIGTERM ends the verifier in order, with exit code 0")
    func gracefulStop() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        #expect(laboratory.stop() == 0)
    }

    @Test("Fingerprint intervals are followed without a restart, and a new listener is seen")
    func intervalsFollowed() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        let scheduled = try laboratory.run(
            "fingerprint", "schedule", "default", "--kind", "listening-ports", "--every", "10")
        #expect(scheduled.status == 0, "\(scheduled.errorText)")
        try machine.startAgent()
        let first = try await eventually("a first report") {
            try? laboratory.json(["fingerprint", "show", "edge-01", "listening-ports"], of: FingerprintView.self)
        }
        // Another verifier is a new listener that this machine's report must show.
        let other = try Laboratory()
        try await other.start()
        let port = other.mainPort
        let second = try await eventually("a report with port \(port)") { () -> FingerprintView? in
            let view = try? laboratory.json(
                ["fingerprint", "show", "edge-01", "listening-ports"], of: FingerprintView.self)
            guard let view, String(decoding: view.report.bytes, as: UTF8.self).contains("\(port)") else { return nil }
            return view
        }
        #expect(second.sha256 != first.sha256)
    }

    @Test("AG-14: the agent listens on nothing, before and after enrollment")
    func noListener() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        try machine.startAgent()
        _ = try await laboratory.nextVerdict(of: "edge-01")
        let pid = try #require(machine.agent?.pid)
        let sockets = try runProcessSuccessfully("ss", ["-ltnup"]).text
        #expect(!sockets.contains("pid=\(pid),"))
    }
}

/// The process that a test is about to kill; known only after the trigger is set.
private final class Doomed: Sendable {
    private struct State {
        var process: SpawnedProcess?
        var isKilled = false
        var note = false
    }
    private let state = Mutex(State())

    var isKilled: Bool { state.withLock { $0.isKilled } }
    /// What was noted at the moment of the kill.
    var note: Bool { state.withLock { $0.note } }
    func name(_ process: SpawnedProcess) { state.withLock { $0.process = process } }

    /// Returns when the process is dead: only then may the next bytes pass.
    func kill(noting note: Bool) {
        var process = state.withLock { $0.process }
        while process == nil {
            usleep(500)
            process = state.withLock { $0.process }
        }
        process?.signal(SIGKILL)
        while process?.isRunning == true { usleep(500) }
        state.withLock { state in
            state.isKilled = true
            state.note = note
        }
    }
}
