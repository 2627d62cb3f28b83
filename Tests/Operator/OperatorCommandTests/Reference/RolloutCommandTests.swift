import SoftwareTPM
import Testing

@Suite("bootgate reference rollout")
struct RolloutCommandTests {
    @Test(
        "What is missing or out of bounds is a usage error before anything is asked",
        arguments: [
            ["activate", "s", "--dwell-minutes", "5", "--reason", "x"],
            ["activate", "s", "--staged", "--dwell-minutes", "0", "--reason", "x"],
            ["activate", "s", "--staged"], ["rollout", "show"], ["rollout", "halt", "s"], ["rollout", "halt"],
            ["rollout", "list", "s"], ["rollout", "list", "--limit", "0"],
        ])
    func usage(_ arguments: [String]) throws {
        let result = try runProcess(BootgateProcess.path, ["reference"] + arguments)
        #expect(result.status == 64, "\(arguments): \(result.errorText)")
    }
}
