import SoftwareTPM
import Testing

@Suite("bootgate plan")
struct PlanCommandTests {
    @Test("Every verb has help with an example", arguments: ["create", "list", "show", "close"])
    func help(_ verb: String) throws {
        let result = try runProcess(BootgateProcess.path, ["plan", verb, "--help"])
        #expect(result.status == 0)
        #expect(result.text.contains("bootgate plan \(verb)"))
    }

    @Test(
        "What is missing, twice said or out of bounds is a usage error before anything is asked",
        arguments: [
            ["create", "p", "n1", "--set", "s@2", "--reason", "x"],
            ["create", "p", "n1", "--set", "s@2", "--hours", "1"],
            ["create", "p", "--set", "s@2", "--hours", "1", "--reason", "x"],
            ["create", "p", "n1", "--site", "hall", "--set", "s@2", "--hours", "1", "--reason", "x"],
            ["create", "p", "n1", "--set", "s", "--hours", "1", "--reason", "x"],
            ["create", "p", "n1", "--set", "s@0", "--hours", "1", "--reason", "x"],
            ["create", "p", "n1", "--set", "s@2", "--hours", "337", "--reason", "x"],
            ["create", "p", "n1", "--set", "s@2", "--hours", "1", "--until", "2026-12-01T00:00:00Z", "--reason", "x"],
            ["create", "p", "n1", "--set", "s@2", "--hours", "1", "--reboots", "17", "--reason", "x"],
            ["create", "p", "Node 1", "--set", "s@2", "--hours", "1", "--reason", "x"],
            ["show", "p", "--status", "late"], ["close", "p", "--activate"], ["close", "--reason", "x"],
        ])
    func usage(_ arguments: [String]) throws {
        let result = try runProcess(BootgateProcess.path, ["plan"] + arguments)
        #expect(result.status == 64, "\(arguments): \(result.errorText)")
    }
}
