internal import Admission
internal import ArgumentParser

struct CheckConfiguration: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Reads the configuration and everything it names; lists all problems.",
        discussion: """
            EXAMPLES
              bootgate-verifier check-config
              bootgate-verifier check-config --config ./verifier.toml
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.read()
        var problems: [String] = []
        func check(_ body: () throws -> Void) {
            do { try body() } catch { problems.append("\(error)") }
        }
        let trust = TrustFiles(configuration: configuration)
        check { _ = try trust.load() }
        check { _ = try trust.watched() }
        check { _ = try EndorsementChecker(configuration.endorsements) }
        check { _ = try configuration.data.authority(.admission) }
        check { _ = try configuration.data.resultSigningKey() }
        guard problems.isEmpty else {
            StandardError.write("bootgate-verifier: the configuration is wrong:\n\(problems.joined(separator: "\n"))\n")
            throw ExitCode(ExitStatus.configuration)
        }
        print("configuration is sound: \(options.file)")
    }
}
