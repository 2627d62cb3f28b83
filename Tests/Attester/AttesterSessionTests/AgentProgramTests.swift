import Foundation
import SoftwareTPM
import StubVerifier
import Testing

/// The built program beside this test bundle.
private let program = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../.build/debug/bootgate-agent")
    .standardizedFileURL.path

@Suite("The agent's program", .enabled(if: access(program, X_OK) == 0, "bootgate-agent is not built"))
struct AgentProgramTests {
    @Test("AG-02: TPM, log and verifier settings in the environment are refused by name with exit code 78")
    func environment() throws {
        let folder = try TemporaryDirectory()
        let config = try folder.write("[state]\ndirectory = \"\(folder.file("s"))\"\n".utf8, to: "agent.toml")
        for name in ["TPM_TCTI", "EVIDENCE_EVENT_LOG", "VERIFIER_CA_FILE", "VERIFIER_URL", "ANYTHING"] {
            let variable = "BOOTGATE_AGENT_\(name)"
            let result = try runProcess(program, ["status", "--config", config], environment: [variable: "/tmp/x"])
            #expect(result.status == 78)
            #expect(result.errorText.contains(variable))
        }
    }

    @Test("All problems of a configuration are reported at once, unknown keys among them")
    func problems() throws {
        let folder = try TemporaryDirectory()
        let config = try folder.write(
            "[tpm]\nek = \"dsa\"\nak = 7\n[verifier]\nurl = \"http://x\"\nca-file = \"/absent\"\ncolour = \"red\"\n"
                .utf8,
            to: "agent.toml")
        let result = try runProcess(program, ["run", "--config", config])
        #expect(result.status == 78)
        for part in ["tpm.ek", "tpm.ak", "verifier.url", "/absent", "verifier.colour", "node.id"] {
            #expect(result.errorText.contains(part), "\(part)")
        }
    }

    @Test(
        "AG-14: a running agent listens nowhere, has no children, and ends on SIGTERM",
        .enabled(if: SoftwareTPM.isAvailable && isInstalled("ss"), "needs swtpm and ss"))
    func noListener() throws {
        let tpm = try SoftwareTPM()
        let folder = try TemporaryDirectory()
        let ca = try folder.write("".utf8, to: "ca.pem")
        let config = try folder.write(
            """
            [verifier]
            enrollment-url = "https://127.0.0.1:1"
            url = "https://127.0.0.1:1"
            ca-file = "\(ca)"
            [node]
            id = "edge-17"
            [tpm]
            tcti = "\(tpm.tcti)"
            [state]
            directory = "\(folder.file("state"))"
            """.utf8, to: "agent.toml")
        let agent = try SpawnedProcess(program, ["run", "--config", config], outputPath: folder.file("log"))
        let deadline = Date().addingTimeInterval(120)
        while agent.isRunning, Date() < deadline,
            !String(decoding: (try? folder.read("log")) ?? [], as: UTF8.self).contains("step failed")
        { usleep(20_000) }
        #expect(agent.isRunning)
        let sockets = try runProcess("ss", ["-H", "-ltnup"])
        #expect(!sockets.text.contains("pid=\(agent.pid),"))
        #expect(try readFile("/proc/\(agent.pid)/task/\(agent.pid)/children") == [])
        #expect(agent.stop() == 0)
    }

    @Test(
        "TA-19: ten hostile challenges to a running agent: each is logged, nothing is answered, and it goes on attesting",
        .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.requirement)))
    func hostileChallenges() async throws {
        let tpm = try SoftwareTPM()
        let folder = try TemporaryDirectory()
        let authority = try StubAuthority()
        let ca = try folder.write((try StubAuthority.pem(authority.certificate)).utf8, to: "ca.pem")
        let log = try folder.write((0..<4_000).map { UInt8(truncatingIfNeeded: $0 * 7) }, to: "eventlog")
        let honest = HonestProtocol(authority)
        honest.withState { $0.attestationIntervalSeconds = 1 }
        let hostile = HostileChallenge.all.shuffled().prefix(10).map(\.challenge)
        let asked = Counter()
        try await StubVerifier(authority: authority) { request in
            guard request.path.hasSuffix("/challenges") else { return try honest.reply(request) }
            // Good ones between them: a failure alone would make the agent wait longer each time.
            let (index, isGood) = asked.next().quotientAndRemainder(dividingBy: 2)
            guard isGood == 0, index < hostile.count else { return try honest.reply(request) }
            return try StubReply.json(201, hostile[index])
        }.run { server in
            let config = try folder.write(
                """
                [verifier]
                enrollment-url = "https://localhost:\(server.port)"
                url = "https://localhost:\(server.port)"
                ca-file = "\(ca)"
                [node]
                id = "edge-17"
                [tpm]
                tcti = "\(tpm.tcti)"
                [evidence]
                event-log = "\(log)"
                [state]
                directory = "\(folder.file("state"))"
                """.utf8, to: "agent.toml")
            let agent = try SpawnedProcess(program, ["run", "--config", config], outputPath: folder.file("log"))
            let deadline = Date().addingTimeInterval(300)
            while agent.isRunning, Date() < deadline, honest.withState({ $0.verdicts }) <= hostile.count {
                try await Task.sleep(for: .milliseconds(50))
            }
            let text = String(decoding: try folder.read("log"), as: UTF8.self)
            #expect(agent.isRunning, "\(text.suffix(2_000))")
            #expect(honest.withState { $0.verdicts } > hostile.count, "\(text.suffix(2_000))")
            #expect(text.split(separator: "\n").count { $0.contains("AGENT_BAD_CHALLENGE") } == hostile.count)
            // Evidence went up for the good challenges only, and no child was started for any of them.
            #expect(server.requests.count { $0.path.hasSuffix("/evidence") } == honest.withState { $0.evidence.count })
            #expect(honest.withState { $0.problems } == [])
            #expect(try readFile("/proc/\(agent.pid)/task/\(agent.pid)/children") == [])
            #expect(agent.stop() == 0)
        }
    }
}
