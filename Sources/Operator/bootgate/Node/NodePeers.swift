import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodePeers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "Compare machines of one model and group with each other: who measures something else.",
        discussion: """
            Needs no reference set and changes no verdict. Machines of the same manufacturer and product in the same group \
            should hold the same register values; where at least two thirds of at least three machines agree, each other one \
            is an outlier, and the events that make it differ are named. Without such a majority nobody is called one.

            Exit codes: 0 no outlier, 2 outliers, 75 no class has enough machines to compare.

            EXAMPLES
              bootgate node peers
              bootgate node peers --group mec
              bootgate node peers -o json | jq -r '.classes[].outliers[].nodeID'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Only machines of this group.") var group: String?

    func run() async throws {
        let report = try await connection.client().peers(group: group)
        try output.write(report) { PeerText.text(report) }
        if report.classes.contains(where: { !$0.outliers.isEmpty }) { throw Failure(.verdictFail, "") }
        guard report.classes.contains(where: \.isCompared) else {
            throw Failure(
                .verdictError, "no class has \(report.minimumMachines) machines to compare",
                nextStep: "bootgate node list shows groups and the last evidence")
        }
    }
}

extension PeerClassView {
    /// Whether any register was shown by enough machines.
    var isCompared: Bool { registers.contains { $0.agreement != "too-few" } }
}

/// A comparison of peers as text.
enum PeerText {
    static func text(_ report: PeerReport) -> String {
        var parts = [classes(report)]
        let outliers = report.classes.flatMap(\.outliers)
        if !outliers.isEmpty { parts.append(table(outliers)) }
        let missing = outliers.compactMap { outlier in
            outlier.eventsMissing.map { "\(outlier.nodeID) PCR \(outlier.pcr): no event is named: \($0)" }
        }
        if !missing.isEmpty { parts.append(missing.map { TerminalText.escaped($0) }.joined(separator: "\n")) }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func classes(_ report: PeerReport) -> String {
        var table = TextTable("GROUP", "MODEL", "MACHINES", "OUTLIERS", "NO MAJORITY IN")
        for peers in report.classes {
            let model = [peers.manufacturer, peers.product].compactMap { $0 }.joined(separator: " ")
            guard peers.isCompared else {
                table.add(peers.group, model, String(peers.machines), "not compared", "too few machines")
                continue
            }
            let count = Set(peers.outliers.map(\.nodeID)).count
            table.add(
                peers.group, model, String(peers.machines),
                "\(count)" + (peers.outliersLeftOut > 0 ? " and more" : ""), undecided(peers))
        }
        var lines = report.classes.isEmpty ? [] : [table.text]
        if report.withoutModel > 0 { lines.append("\(report.withoutModel) nodes told no model: not compared") }
        if report.withoutEvidence > 0 { lines.append("\(report.withoutEvidence) nodes have no evidence yet") }
        return lines.joined(separator: "\n")
    }

    /// Registers in which the machines differ so much that nobody is an outlier.
    private static func undecided(_ peers: PeerClassView) -> String? {
        let registers = peers.registers.filter { $0.agreement == "no-majority" }.map {
            "PCR \($0.pcr) (\($0.bank): \($0.distinctValues) values)"
        }
        return registers.isEmpty ? nil : registers.joined(separator: ", ")
    }

    private static func table(_ outliers: [PeerOutlierView]) -> String {
        var table = TextTable("NODE", "PCR", "LAYER", "AGREE", "COMPARED WITH", "DIFFERENCE")
        for outlier in outliers {
            var differences = outlier.events.map { "\($0.kind) \($0.component) \($0.name)" }
            if outlier.eventsLeftOut > 0 { differences.append("\(outlier.eventsLeftOut) more") }
            let first = differences.first ?? "\(outlier.bank):\(outlier.seen)"
            table.add(
                outlier.nodeID.rawValue, String(outlier.pcr), outlier.layer,
                "\(outlier.majorityCount) of \(outlier.machines)", outlier.comparedWith.rawValue, first)
            for difference in differences.dropFirst() { table.add("", "", "", "", "", difference) }
        }
        return table.text
    }
}
