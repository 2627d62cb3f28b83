package import Appraisal
package import AssetFingerprints
internal import ReferenceValues

/// What reports that differ from a group's approved baselines mean for layer 10. Pure.
package enum FingerprintFindings {
    /// Findings of one kind that are listed one by one; the rest is counted in one more.
    package static let maxListed = 100

    /// - Parameters:
    ///   - reports: Bytes of the node's reports whose digests were in the verified quote's claims.
    ///   - baselines: The approved ones; a kind without one is not judged.
    ///   - denies: A difference contradicts the layer, and a missing report leaves it without evidence; otherwise both
    ///     are warnings.
    /// - Returns: nil where no baseline is approved: then nobody covers the layer. Empty: everything agrees.
    package static func findings(
        _ reports: [FingerprintKind: [UInt8]], against baselines: [FingerprintKind: FingerprintBaseline],
        denies: Bool
    ) -> [Finding]? {
        guard !baselines.isEmpty else { return nil }
        return FingerprintKind.allCases.flatMap { kind -> [Finding] in
            guard let baseline = baselines[kind] else { return [] }
            guard let bytes = reports[kind] else {
                return [
                    Finding(
                        FindingID.evidenceMissing, denies ? .none : .warning, .assetFingerprints, name: kind.slug,
                        expected: "a report", seen: "nothing", detail: "no \(kind.slug) report was collected")
                ]
            }
            let report: FingerprintReport
            do throws(FingerprintError) {
                report = try FingerprintReport(canonicalBytes: bytes, kind: kind)
            } catch {
                return [
                    Finding(
                        "FP_MALFORMED", .contraindicated, .assetFingerprints, name: kind.slug,
                        detail: "the report of \(kind.slug) does not read: \(error)")
                ]
            }
            let differences = baseline.differences(of: report)
            let tier: Tier = denies ? .contraindicated : .warning
            var findings = differences.prefix(maxListed).map { difference in
                Finding(
                    changed, tier, .assetFingerprints, name: "\(kind.slug) \(difference.key)",
                    expected: difference.expected.isEmpty ? "nothing" : difference.expected.joined(separator: ", "),
                    seen: difference.seen.isEmpty ? "nothing" : difference.seen.joined(separator: ", "),
                    detail: "\(kind.slug): \(difference.key) \(difference.change.rawValue)")
            }
            if differences.count > maxListed {
                findings.append(
                    Finding(
                        changed, tier, .assetFingerprints, name: kind.slug,
                        detail: "\(kind.slug): \(differences.count - maxListed) further differences"))
            }
            return findings
        }
    }

    private static let changed = "FP_CHANGED"
}
