import Foundation
import SoftwareTPM
import Testing

@Suite("bootgate's help")
struct HelpTests {
    /// Every command of the tree, as words behind `bootgate`.
    private static func commands() throws -> [[String]] {
        let dump = try BootgateProcess.json(BootgateProcess.run("--experimental-dump-help"))
        func walk(_ command: [String: Any], _ path: [String]) -> [[String]] {
            let inner = command["subcommands"] as? [[String: Any]] ?? []
            return [path]
                + inner.flatMap { child -> [[String]] in
                    guard let name = child["commandName"] as? String, name != "help" else { return [] }
                    return walk(child, path + [name])
                }
        }
        return walk(try #require(dump["command"] as? [String: Any]), [])
    }

    @Test("Every noun and verb has --help with examples that name it, and exit code 0")
    func examples() throws {
        let commands = try Self.commands()
        #expect(commands.count > 60)
        for command in commands {
            let help = try runProcess(BootgateProcess.path, command + ["--help"])
            #expect(help.status == 0, "\(command)")
            let examples = help.text.components(separatedBy: "EXAMPLES").dropFirst().first ?? ""
            #expect(
                examples.contains((["bootgate"] + command).joined(separator: " ")), "\(command): \(help.text)")
        }
    }

    @Test("TA-18: no option of any command switches the check of the verifier off")
    func noInsecureSwitch() throws {
        let dump = try BootgateProcess.run("--experimental-dump-help").text.lowercased()
        #expect(dump.contains("ca-file") || dump.contains("verifier"))
        for word in ["insecure", "no-verify", "skip-verify", "no-check", "allow-http", "plaintext", "trust-any"] {
            #expect(!dump.contains(word), "\(word)")
        }
    }

    @Test("A misspelt noun, verb, option or value ends with exit code 64 and says which")
    func usage() throws {
        for (arguments, word) in [
            (["nodes"], "nodes"), (["node", "lst"], "lst"), (["node", "list", "--stat", "stale"], "--stat"),
            (["node", "list", "--state", "stael"], "stael"), (["node", "show", "bad id!"], "bad id!"),
            (["node", "approve", "--reason", "x"], "--all"),
            (["node", "suspend", "a", "--all", "--reason", "x"], "exclude"),
            (["node", "watch", "a", "--interval", "nan"], "--interval"),
            (["node", "watch", "a", "--timeout", "inf"], "--timeout"),
            (["alarm", "list", "--limit", "0"], "--limit"), (["fingerprint", "diff", "a", "ports"], "listening-ports"),
            (["fingerprint", "diff", "a", "accounts", "--against", "yesterday"], "previous"),
            (["reference", "diff", "a"], "--from"), (["reference", "diff", "a", "b", "--to", "2"], "--from"),
        ] {
            let run = try runProcess(BootgateProcess.path, arguments)
            #expect(run.status == 64, "\(arguments)")
            #expect(run.errorText.contains(word), "\(arguments): \(run.errorText)")
            #expect(run.stdout.isEmpty)
        }
    }
}
