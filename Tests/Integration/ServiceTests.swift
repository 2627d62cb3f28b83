import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// The programs as services of a machine: what they tell systemd, and what other processes of a node learn from the agent.
@Suite(
    "Services of a machine", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct ServiceTests {
    @Test(
        "A verifier is ready when its listeners are bound, says so after a reload, and feeds the watchdog only while its store answers"
    )
    func verifierTells() async throws {
        let laboratory = try Laboratory()
        let manager = try ServiceManagerSocket(isAbstract: true)
        try await laboratory.start(environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000000"])
        #expect(manager.hears("READY=1"))
        #expect(Link.accepts(laboratory.mainPort) && Link.accepts(laboratory.enrollmentPort))
        #expect(manager.hears("WATCHDOG=1"))
        laboratory.verifier?.signal(SIGHUP)
        #expect(manager.hears("RELOADING=1"))
        #expect(manager.hears("READY=1"))

        // Somebody holds the store: transactions wait, then fail. Its process and its listeners go on.
        let holder = try SpawnedProcess(
            "python3",
            [
                "-c",
                "import sqlite3, time; c = sqlite3.connect('\(laboratory.data)/verifier.sqlite', isolation_level=None); "
                    + "c.execute('BEGIN IMMEDIATE'); open('\(laboratory.directory.file("held"))', 'w'); time.sleep(600)",
            ])
        _ = try await eventually("the store is held") {
            FileManager.default.fileExists(atPath: laboratory.directory.file("held")) ? true : nil
        }
        // What was on its way.
        _ = manager.count("WATCHDOG=1", withinSeconds: 1)
        #expect(manager.count("WATCHDOG=1", withinSeconds: 8) == 0)
        holder.stop(atOnce: true)
        #expect(manager.hears("WATCHDOG=1"))

        #expect(laboratory.stop() == 0)
        #expect(manager.hears("STOPPING=1", seconds: 5))
    }

    @Test("An agent says what it waits for, then since when it is admitted; its watchdog is fed while it waits")
    func agentTells() async throws {
        let laboratory = try Laboratory()
        let machine = try Machine("edge-01", in: laboratory)
        try await laboratory.start()
        try expect(machine, laboratory)
        #expect(laboratory.stop() == 0)
        let manager = try ServiceManagerSocket(isAbstract: false)
        try machine.startAgent(environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "20000000"])
        #expect(manager.hears("READY=1"))
        #expect(manager.hears("STATUS=waiting: AGENT_UNREACHABLE"))
        // Half of the patience is the longest pause, whatever the agent waits for.
        #expect(manager.count("WATCHDOG=1", withinSeconds: 22) >= 2)
        try await laboratory.start()
        try await approve(machine, laboratory)
        #expect(manager.hears("STATUS=admitted since 20"))
        // Stopped, it gives no sign: nothing else ticks for it.
        machine.agent?.signal(SIGSTOP)
        _ = manager.count("WATCHDOG=1", withinSeconds: 1)
        #expect(manager.count("WATCHDOG=1", withinSeconds: 12) == 0)
        machine.agent?.signal(SIGCONT)
        #expect(manager.hears("WATCHDOG=1"))
        #expect(machine.stopAgent() == 0)
        #expect(manager.hears("STOPPING=1", seconds: 5))
    }

    /// The manifest names the node, so that it enrolls by itself.
    private func expect(_ machine: Machine, _ laboratory: Laboratory) throws {
        let added = try laboratory.run(
            "node", "add", machine.id, "--ek-spki-sha256", try machine.endorsementKeySPKI())
        guard added.status == 0 else { throw LaboratoryError("node add: \(added.errorText)") }
    }

    /// References are what the node shows.
    private func approve(_ machine: Machine, _ laboratory: Laboratory) async throws {
        _ = try await laboratory.nextVerdict(of: machine.id)
        try laboratory.activateReferences(from: machine.id)
    }

    private struct Waited: Decodable {
        var admitted: Bool
        var nodeID: String?
        var reason: String?
        var nextStep: String?
        var secondsLeft: Int?
    }

    @Test("wait-admitted waits for this boot's admission, --hold ends when it is taken away, and a reboot begins anew")
    func waitAdmitted() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        try expect(machine, laboratory)
        let before = try machine.run("wait-admitted", "--timeout", "0")
        #expect(before.status == 75)
        #expect(before.errorText.contains("next: start it: systemctl start bootgate-agent"), "\(before.errorText)")

        try machine.startAgent()
        let waiting = try SpawnedProcess(Programs.agent, ["wait-admitted", "--config", machine.configuration])
        try await approve(machine, laboratory)
        _ = try await eventually("wait-admitted ends") { waiting.exitStatus }
        #expect(waiting.exitStatus == 0)
        let now = try machine.run("wait-admitted", "--timeout", "0", "-o", "json")
        let answer = try JSONDecoder().decode(Waited.self, from: Data(now.stdout))
        #expect(now.status == 0 && answer.admitted && answer.nodeID == "edge-01" && (answer.secondsLeft ?? 0) > 0)

        let manager = try ServiceManagerSocket(isAbstract: true)
        let holding = try SpawnedProcess(
            Programs.agent, ["wait-admitted", "--hold", "--config", machine.configuration],
            environment: ["NOTIFY_SOCKET": manager.name])
        #expect(manager.hears("READY=1"))
        #expect(try laboratory.run("node", "suspend", "edge-01", "--reason", "test").status == 0)
        #expect(manager.hears("STATUS=lost: the verifier denies admission (ADM_SUSPENDED)"))
        _ = try await eventually("--hold ends") { holding.exitStatus }
        #expect(holding.exitStatus == 2)
        let denied = try machine.run("wait-admitted", "--timeout", "0", "-o", "json")
        #expect(denied.status == 2)
        #expect(try JSONDecoder().decode(Waited.self, from: Data(denied.stdout)).admitted == false)
        #expect(denied.errorText.contains("bootgate node explain edge-01"), "\(denied.errorText)")

        #expect(try laboratory.run("node", "resume", "edge-01", "--reason", "test").status == 0)
        #expect(try machine.run("wait-admitted", "--timeout", "90").status == 0)
        // A reboot: the status of the boot before lies there still, and counts for nothing.
        try machine.reboot(into: "golden")
        let rebooted = try machine.run("wait-admitted", "--timeout", "1")
        #expect(rebooted.status == 75 && rebooted.errorText.contains("earlier boot"), "\(rebooted.errorText)")
        try machine.startAgent()
        #expect(try machine.run("wait-admitted", "--timeout", "90").status == 0, "\(machine.log)")
    }

    @Test("AG-15: the state directory of one node brings another machine nothing, and the node stays admitted")
    func copiedState() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let honest = try Machine("edge-01", in: laboratory)
        try expect(honest, laboratory)
        try honest.startAgent()
        try await approve(honest, laboratory)
        #expect(try honest.run("wait-admitted", "--timeout", "90").status == 0)

        let thief = try Machine("edge-02", in: laboratory)
        for name in ["identity.json", "status.json"] {
            try FileManager.default.copyItem(
                atPath: "\(honest.directory)/\(name)", toPath: "\(thief.directory)/\(name)")
        }
        let text = String(decoding: try readFile(thief.configuration), as: UTF8.self)
        try writeFile(
            Array(text.replacing("id = \"edge-02\"", with: "id = \"edge-01\"").utf8), to: thief.configuration)
        // Its own boot id: even the copied status is worthless.
        #expect(try thief.run("wait-admitted", "--timeout", "0").status == 75)
        let result = try thief.once()
        #expect(result.status != 0 && result.status != 70, "\(result.text) \(result.errorText)")
        #expect(result.errorText.contains("AGENT_WRONG_TPM"), "\(result.errorText)")
        #expect(try thief.run("wait-admitted", "--timeout", "0").status != 0)
        #expect(try laboratory.admission("edge-01").decision == .admit)
        #expect(try honest.run("wait-admitted", "--timeout", "0").status == 0)
    }
}
