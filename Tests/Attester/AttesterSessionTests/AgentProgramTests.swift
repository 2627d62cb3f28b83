import Foundation
import SoftwareTPM
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
}
