import ArgumentParser
import AssetFingerprints
import AttestationMessages
import VerifierClient

struct FingerprintDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "What a node's last report shows and the baseline does not, and the other way round.",
        discussion: """
            --against baseline compares with the newest baseline of the node's group, or of the group default; its status is \
            printed, so that a proposal can be tried before anybody approves it. What its allow rules cover is no difference. \
            --against previous compares with the report before.

            Exit codes: 0 no difference, 2 differences, 75 nothing to compare with.

            EXAMPLES
              bootgate fingerprint diff edge-01 listening-ports
              bootgate fingerprint diff edge-01 software-assets --against previous
              bootgate fingerprint diff edge-01 accounts -o json | jq -r '.differences[].key'
            """)

    enum Counterpart: String, ExpressibleByArgument, CaseIterable { case baseline, previous }

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind
    @Option(help: "What to compare with.") var against: Counterpart = .baseline

    func run() async throws {
        let client = try connection.client()
        let comparison =
            switch against {
            case .baseline: try await withBaseline(client)
            case .previous: try await withPrevious(client)
            }
        try output.write(comparison) { comparison.text }
        if !comparison.differences.isEmpty { throw Failure(.verdictFail, "") }
    }

    private func withBaseline(_ client: VerifierClient) async throws -> FingerprintComparison {
        let view = try await client.fingerprint(of: node, kind: kind)
        let group = try await client.node(node).group ?? Self.defaultGroup
        guard let baselineView = try await baseline(group, client) else {
            let groups = group == Self.defaultGroup ? group : "\(group) and \(Self.defaultGroup)"
            throw Failure(
                .verdictError, "no baseline of \(kind.slug) in \(groups)",
                nextStep: "bootgate fingerprint baseline propose \(group) \(kind.slug) --from-node \(node)")
        }
        let differences = try reading("the report or the baseline") {
            let report = try FingerprintReport(canonicalBytes: view.report.bytes, kind: kind)
            return try AssetFingerprints.FingerprintBaseline(document: baselineView.document.bytes, kind: kind)
                .differences(of: report)
        }
        return FingerprintComparison(
            view, FingerprintComparison.Other(baselineView), differences.map(FingerprintComparison.Difference.init))
    }

    private static let defaultGroup = "default"

    private func baseline(_ group: String, _ client: VerifierClient) async throws -> FingerprintBaselineView? {
        for name in group == Self.defaultGroup ? [group] : [group, Self.defaultGroup] {
            do {
                return try await client.baseline(group: name, kind: kind)
            } catch let error as VerifierClientError where error.status == 404 {
                continue
            }
        }
        return nil
    }

    private func withPrevious(_ client: VerifierClient) async throws -> FingerprintComparison {
        let reports = try await client.fingerprintHistory(of: node, kind: kind, Listing(limit: 2)).items
        guard reports.count == 2 else {
            throw Failure(
                .verdictError, "\(node) has sent \(reports.isEmpty ? "no" : "only one") \(kind.slug) report",
                nextStep: "bootgate fingerprint history \(node) \(kind.slug) shows every report that differed")
        }
        let differences = try reading("the reports") {
            try FingerprintReport(canonicalBytes: reports[1].report.bytes, kind: kind)
                .differences(to: FingerprintReport(canonicalBytes: reports[0].report.bytes, kind: kind))
        }
        return FingerprintComparison(
            reports[0], FingerprintComparison.Other(reports[1]),
            differences.map(FingerprintComparison.Difference.init))
    }
}
