import ArgumentParser
import AttestationMessages
import VerifierClient

struct SIEMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "siem", abstract: "Where alarms go, and what is still to be delivered.",
        discussion: """
            EXAMPLES
              bootgate siem list
              bootgate siem test
              bootgate siem drop old-collector --reason 'replaced, change 112'
            """,
        subcommands: [SIEMList.self, SIEMTest.self, SIEMBacklog.self, SIEMDrop.self])

    static func text(_ destinations: [SIEMDestinationView]) -> String {
        var table = TextTable("NAME", "KIND", "TARGET", "BACKLOG", "LAST DELIVERED", "LAST ERROR", "NOTE")
        for destination in destinations {
            table.add(
                destination.name, destination.kind, destination.target, String(destination.backlog),
                destination.lastDeliveredAtMilliseconds.map(Timestamp.age), destination.lastError,
                destination.removedAtMilliseconds.map { "not configured since \(Timestamp.text($0))" })
        }
        return table.text
    }
}

struct SIEMList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List destinations.",
        discussion: """
            EXAMPLES
              bootgate siem list -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let page = try await connection.client().siemDestinations()
        try output.write(page) { SIEMCommand.text(page.items) }
    }
}

struct SIEMTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send a test event through the same outbox as all others.",
        discussion: """
            EXAMPLES
              bootgate siem test && bootgate siem backlog
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let page = try await connection.client().testSIEM()
        try output.write(page) { SIEMCommand.text(page.items) }
    }
}

struct SIEMBacklog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backlog",
        abstract: "What is not delivered yet; exit code 75 when anything is older than --age seconds.",
        discussion: """
            EXAMPLES
              bootgate siem backlog --age 300
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Tolerated age in seconds.") var age: Int64 = 300

    func run() async throws {
        let page = try await connection.client().siemDestinations()
        try output.write(page) {
            var table = TextTable("NAME", "UNDELIVERED", "OLDEST", "LAST ERROR")
            for destination in page.items {
                table.add(
                    destination.name, String(destination.backlog),
                    destination.oldestUndeliveredAtMilliseconds.map(Timestamp.age), destination.lastError)
            }
            return table.text
        }
        let late = page.items.filter {
            $0.oldestUndeliveredAtMilliseconds.map { Timestamp.isOlder($0, thanSeconds: age) } ?? false
        }
        if !late.isEmpty {
            throw Failure(
                .verdictError, "undelivered for over \(age) s: \(late.map(\.name).joined(separator: ", "))",
                nextStep: "is the collector up, and does it accept the verifier's client certificate?")
        }
    }
}

struct SIEMDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Give up a destination that is no longer configured, with the events that only it had not got.",
        discussion: """
            EXAMPLES
              bootgate siem drop old-collector --reason 'replaced, change 112'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The destination's name.") var name: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let page = try await connection.client().dropSIEM(name, reason: reason)
        try output.write(page) { SIEMCommand.text(page.items) }
    }
}
