import Appraisal
import AssetFingerprints
import AttestationMessages
import Crypto
import JSONCoding
import ReferenceValues
import SecurityEvents
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Layer 10 in verdicts")
struct FingerprintLayerTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var difference: String
        var user: String?
        var verdict: Verdict
        var tier: Tier
        var testDescription: String { "\(difference), \(user ?? "no report"): \(verdict)" }
    }

    /// Also what agrees is a warning here: nobody attests the layers below, so the report is the node's own word.
    static let rows = [
        Row(difference: "warn", user: "alice", verdict: .pass, tier: .warning),
        Row(difference: "warn", user: "mallory", verdict: .pass, tier: .warning),
        Row(difference: "warn", user: nil, verdict: .pass, tier: .warning),
        Row(difference: "deny", user: "alice", verdict: .pass, tier: .warning),
        Row(difference: "deny", user: "mallory", verdict: .fail, tier: .contraindicated),
        Row(difference: "deny", user: nil, verdict: .error, tier: .none),
    ]

    @Test(
        "AG-05: a difference to the approved baseline warns or denies; a missing report never affirms", arguments: rows)
    func baseline(_ row: Row) async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        let expected = try FingerprintReport(canonicalBytes: BindingTests.report("alice"), kind: .accounts)
        let document = try FingerprintBaseline(report: expected, allow: [String]()).document
        let policy = bench.policy
        try await bench.store.write { tx in
            var settings = try policy.settings(of: "default", in: tx)
            settings.fingerprintDifference = row.difference
            try tx.save(
                GroupSettingsRecord(
                    group: "default", settings: settings, changedBy: "a", changedAtMilliseconds: tx.now))
            try tx.save(
                BaselineRecord(
                    group: "default", kind: .accounts, version: 1, status: .active, document: document,
                    documentSHA256: Array(SHA256.hash(data: document)), proposedBy: "a", proposedByKeySHA256: "1",
                    approvedBy: "b", labMode: false, createdAtMilliseconds: tx.now))
        }
        node.reports[BindingTests.accounts] = row.user.map(BindingTests.report)
        let reply = try await bench.attest(node)
        #expect(reply.verdict == row.verdict)
        let bytes = try #require(try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.result)
        let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
        let result = try StrictJSON.decode(AttestationResult.self, from: bytes, limits: limits)
        let layer = try #require(result.layers.first { $0.id == .assetFingerprints })
        #expect(layer.tier == row.tier)
        #expect(layer.required == (row.difference == "deny"))
        let expectedFinding = row.user == nil ? FindingID.evidenceMissing : "FP_CHANGED"
        #expect(layer.findings.contains { $0.id == expectedFinding } == (row.user != "alice"))
        #expect(try await bench.decision(node) == (row.verdict == .pass ? "admit" : denial(row)))
        let told = try await bench.events().filter { $0.eventID == "FP_CHANGED" }
        #expect(told.count == (row.user == "mallory" ? 1 : 0))
        #expect(told.allSatisfy { $0.severity == .medium && $0.fields["name"]?.hasPrefix("accounts ") == true })
    }

    @Test("AG-05: a report that agrees with its baseline raises no verdict that something else lowered")
    func neverRaises() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.reports[BindingTests.accounts] = BindingTests.report("alice")
        node.clock.restartCount += 1
        #expect(try await bench.attest(node).verdict == .fail)
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
    }

    private func denial(_ row: Row) -> String { row.verdict == .fail ? "ADM_STICKY_FAIL" : "ADM_PENDING" }
}
