import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// TA-16 with text that an agent sent.
@Suite(
    "Terminal escapes from an agent, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct TerminalTests {
    @Test("TA-16: OSC 0 and CSI 2J in what an agent reports stay escaped in every printer")
    func agentText() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        // A process whose executable is named by an attacker; the agent reports it as it is.
        let evil = laboratory.directory.file("evil\u{1B}]0;owned\u{07}\u{1B}[2J\u{9B}2J\u{202E}txt")
        try runProcessSuccessfully("cp", ["/bin/sleep", evil])
        let process = try SpawnedProcess(evil, ["300"])
        defer { process.stop(atOnce: true) }
        let tag = "tag\u{1B}]0;owned\u{07}\u{1B}[2J"
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        _ = try laboratory.run("fingerprint", "schedule", "default", "--kind", "running-processes", "--every", "10")
        _ = try machine.once()
        let report = try laboratory.json(
            ["fingerprint", "show", "edge-01", "running-processes"], of: FingerprintView.self)
        #expect(String(decoding: report.report.bytes, as: UTF8.self).contains("owned"))
        let printers = [
            ["fingerprint", "show", "edge-01", "running-processes"], ["node", "show", "edge-01"], ["node", "list"],
            ["node", "explain", "edge-01"], ["node", "history", "edge-01"], ["alarm", "list"],
            // What a person typed goes back to the terminal too.
            ["node", "suspend", "edge-01", "--reason", tag], ["node", "show", tag],
            ["siem", "drop", tag, "--reason", tag],
        ]
        for arguments in printers {
            for format in [[], ["-o", "json"]] {
                let result = try laboratory.run(as: "alice", arguments + format)
                for bytes in [result.stdout, result.stderr] {
                    #expect(bytes.allSatisfy { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 }, "\(arguments) \(format)")
                    let text = String(decoding: bytes, as: UTF8.self)
                    #expect(
                        !text.unicodeScalars.contains { (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E },
                        "\(arguments) \(format)")
                }
            }
        }
        #expect(try laboratory.run("fingerprint", "show", "edge-01", "running-processes").text.contains("owned"))
        #expect(try laboratory.run(as: "bob", "audit", "list").stdout.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
    }
}
