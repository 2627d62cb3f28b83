import SoftwareTPM
import Testing

@Suite("bootgate admission override")
struct OverrideCommandTests {
    private func run(_ arguments: String...) throws -> ProcessResult {
        try runProcess(BootgateProcess.path, ["admission", "override"] + arguments)
    }

    @Test("Every verb has help with an example", arguments: ["propose", "approve", "end", "list"])
    func help(_ verb: String) throws {
        let result = try run(verb, "--help")
        #expect(result.status == 0)
        #expect(result.text.contains("bootgate admission override \(verb)"))
    }

    @Test(
        "AD-11: what is missing, twice said or over 24 h is a usage error before anything is asked",
        arguments: [
            ["propose", "edge-01", "--hours", "4"], ["propose", "edge-01", "--reason", "x"],
            ["propose", "edge-01", "--hours", "25", "--reason", "x"],
            ["propose", "edge-01", "--hours", "0", "--reason", "x"],
            ["propose", "edge-01", "--until", "tomorrow", "--reason", "x"],
            ["propose", "edge-01", "--hours", "4", "--until", "2026-11-24T18:00:00Z", "--reason", "x"],
            ["propose", "Edge 01", "--hours", "4", "--reason", "x"], ["approve", "edge-01", "--reason", "x"],
            ["approve", "edge-01", "--id", "o1"], ["end", "edge-01"],
        ])
    func usage(_ arguments: [String]) throws {
        let result = try runProcess(BootgateProcess.path, ["admission", "override"] + arguments)
        #expect(result.status == 64, "\(arguments): \(result.errorText)")
    }
}
