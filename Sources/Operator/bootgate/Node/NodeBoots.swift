import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeBoots: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boots", abstract: "The reboot ledger: every change of a node's reset counters, newest first.",
        discussion: """
            Each line says what the TPM's counters jumped over, for how long there was no evidence, and what explains it: a \
            change plan, an operator's announcement, or nothing (then BOOT_UNEXPECTED was raised). Counters that stand still \
            mean that another kernel was started without a reset of the TPM, as kexec does (BOOT_WITHOUT_RESET).

            EXAMPLES
              bootgate node boots edge-01
              bootgate node boots edge-01 --limit 5 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(50)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) {
            try await client.reboots(of: node, limit.page(after: $0))
        }
        try output.write(page) { RebootText.table(page.items) }
    }
}

struct NodeRebootExpected: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot-expected",
        abstract: "Announce reboots of nodes until a time, so that they raise no alarm.",
        discussion: """
            The announcement explains boots in the reboot ledger; it never makes new measurements good, and a TPM that was \
            reset under a running system fails all the same. At most 7 days ahead.

            EXAMPLES
              bootgate node reboot-expected edge-01 --until 2026-12-01T04:00:00Z --reason 'CHG-1201: new kernel'
              bootgate node reboot-expected edge-01 --withdraw --reason 'CHG-1201 was postponed'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "When the maintenance is over, such as 2026-12-01T04:00:00Z.") var until: Instant?
    @Flag(help: "Take the announcement back.") var withdraw = false
    @Option(help: "Why; goes to the ledger and to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func validate() throws {
        guard (until != nil) != withdraw else { throw ValidationError("give either --until or --withdraw") }
    }

    func run() async throws {
        try await NodeActs.perform(
            .expectReboot, on: selection, NodeActRequest(reason: reason, untilMilliseconds: until?.milliseconds),
            dryRun: dryRun, connection, output)
    }
}

/// Rows of the reboot ledger as text.
enum RebootText {
    static func table(_ reboots: [RebootView]) -> String {
        var table = TextTable(
            "SEEN", "RESET", "RESTART", "UNSEEN", "NO EVIDENCE", "EXPLANATION", "FINDINGS", "VERDICT ID")
        for reboot in reboots {
            table.add(
                Timestamp.text(reboot.seenAtMilliseconds), "\(reboot.resetCountBefore)→\(reboot.resetCountAfter)",
                "\(reboot.restartCountBefore)→\(reboot.restartCountAfter)", String(reboot.unseenBoots),
                reboot.withoutEvidenceMilliseconds.map(duration), explanation(reboot),
                reboot.findings.joined(separator: ","), reboot.verdictID)
        }
        return table.text
    }

    /// One sentence for the screen of `node explain`.
    static func sentence(_ reboot: RebootView) -> String {
        let unseen = reboot.unseenBoots == 0 ? "" : ", \(reboot.unseenBoots) boots without any evidence between"
        let silence = reboot.withoutEvidenceMilliseconds.map { ", no evidence for \(duration($0)) before it" } ?? ""
        let step =
            reboot.isWithoutReset
            ? "another kernel without a reset of the TPM (reset stays \(reboot.resetCountAfter))"
            : "reset \(reboot.resetCountBefore)→\(reboot.resetCountAfter)"
        return
            "\(explanation(reboot)), seen \(Timestamp.withAge(reboot.seenAtMilliseconds)): \(step)\(unseen)\(silence)"
    }

    static func explanation(_ reboot: RebootView) -> String {
        let who = [reboot.explainedBy, reboot.reason].compactMap { $0 }.joined(separator: ": ")
        return reboot.explanation.rawValue + (who.isEmpty ? "" : " (\(who))")
    }

    static func duration(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86400) days"
        }
    }
}
