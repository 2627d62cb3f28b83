import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// Kills, outages and changes while things run.
@Suite(
    "Kills, outages, changes under way", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct ResilienceTests {
    @Test("ID-24: an agent killed at random moments of its enrollment ends enrolled, with one identity")
    func killedInsideEnrollment() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        for delay in [40, 90, 150, 220, 300, 400, 520] {
            try machine.startAgent()
            try await Task.sleep(for: .milliseconds(delay))
            machine.stopAgent(atOnce: true)
        }
        #expect(try machine.once().status == 75, "\(laboratory.log("verifier"))")
        #expect(try laboratory.node("edge-01").lifecycle == .enrolled)
        let nodes = try laboratory.json(["node", "list"], of: Page<NodeView>.self)
        #expect(nodes.items.count == 1)
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
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        _ = try machine.once()
        try laboratory.activateReferences(from: "edge-01")
        #expect(try machine.once().status == 0)
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
