internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// "Boots and matches, but known vulnerable" (catalogue EL-20): the booted images and the machine's own revocation lists
/// against a dated feed.
///
/// Digests decide about components. Of dbx and SbatLevel only what is hashed into PCR 7 counts: an event whose data are not
/// what was extended is as good as none, and a list that nobody can read is stale.
struct RevocationCheck {
    let revocations: CompiledRevocations
    /// Of one log.
    private static let maximumComponents = 64

    struct Outcome {
        var finding: Finding
        var pcr: PCRIndex
    }

    /// - Parameter place: the covered layer that a finding in a register belongs to; nil where nobody covers any.
    func findings(
        _ log: TCGEventLog, _ events: [PCRIndex: [MeasuredEvent]], place: (LayerID?, PCRIndex?) -> LayerID?
    ) -> [Finding] {
        components(events, place) + databases(log, place)
    }

    private func components(
        _ events: [PCRIndex: [MeasuredEvent]], _ place: (LayerID?, PCRIndex?) -> LayerID?
    ) -> [Finding] {
        var findings: [Finding] = []
        for event in events.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
            guard findings.count < Self.maximumComponents,
                let layer = place(.layer(ofUnknownEventIn: event.pcr), event.pcr)
            else { continue }
            let known = event.digests.values.first { revocations.components[$0] != nil }
            let forbidden =
                Self.imageRegisters.contains(event.pcr.rawValue)
                ? event.digests.values.first { revocations.dbx.contains($0) } : nil
            guard let digest = known ?? forbidden else { continue }
            let component = known.flatMap { revocations.components[$0] }
            let cves = component?.cves ?? []
            let name = component?.name ?? event.untrustedName
            findings.append(
                Finding(
                    FindingID.revokedComponent, .contraindicated, layer, pcr: Int(event.pcr.rawValue),
                    event: event.index, untrustedType: event.untrustedType, name: name, seen: digest.description,
                    detail: "\(name) boots, and is known to be vulnerable"
                        + (cves.isEmpty ? " (it is in dbx)" : ": \(cves.joined(separator: ", "))")
                        + "; feed of \(revocations.feed.date)"))
        }
        return findings
    }

    /// Registers that images of UEFI extend by their Authenticode digest.
    private static let imageRegisters: Set<UInt8> = [0, 2, 4]

    private func databases(_ log: TCGEventLog, _ place: (LayerID?, PCRIndex?) -> LayerID?) -> [Finding] {
        guard let register = PCRIndex(7), let layer = place(.secureBoot, register) else { return [] }
        // The first: firmware measures it before anybody else runs.
        let measured = log.events.filter { $0.isExtended && $0.pcr == register && $0.dataVerified == true }
        var findings: [Finding] = []
        func stale(_ id: String, _ event: TCGPCREvent2?, _ name: String, _ expected: String, _ seen: String) {
            findings.append(
                Finding(
                    id, .warning, layer, pcr: 7, event: event?.index,
                    untrustedType: event?.untrustedEventType.description, name: name, expected: expected, seen: seen,
                    detail: "\(name) is older than the revocations of \(revocations.feed.date)"))
        }
        if !revocations.dbx.isEmpty {
            let event = measured.first { $0.component.kind == .secureBootVariable && $0.component.name == "dbx" }
            let held = Set(
                (event?.signatureDatabase?.lists ?? []).filter { $0.signatureType == .sha256 }.flatMap(\.entries)
                    .compactMap { Digest(algorithm: .sha256, bytes: $0.data) })
            let missing = revocations.dbx.subtracting(held).count
            if missing > 0 {
                stale(
                    FindingID.staleDBX, event, "dbx", "all \(revocations.dbx.count) revoked images of the feed",
                    event == nil ? "no readable dbx" : "\(missing) of them missing")
            }
        }
        if !revocations.sbat.isEmpty {
            let event = measured.first { $0.sbatLevel != nil }
            let entries = event?.sbatLevel?.entries ?? []
            let low = revocations.sbat.filter { wanted in
                (entries.first { $0.component == wanted.key }?.generation ?? 0) < wanted.value
            }
            if !low.isEmpty {
                let wanted = low.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                stale(
                    FindingID.staleSBAT, event, "SbatLevel", wanted.joined(separator: ", "),
                    event?.sbatLevel?.summary ?? "no readable SbatLevel")
            }
        }
        return findings
    }
}
