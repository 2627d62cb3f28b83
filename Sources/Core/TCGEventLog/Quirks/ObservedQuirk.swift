public import TPMStructures

/// One of the known deviations, as a log shows it: where, and how often.
public struct ObservedQuirk: Hashable, Sendable {
    public let quirk: LogQuirk
    /// nil for the log as a whole and for events outside the table.
    public let pcr: PCRIndex?
    public let count: Int
    /// Of the events, in log order; empty where something is missing.
    public let eventIndices: [Int]
    /// What it is about: event types or names of variables, without repetition, control characters escaped.
    public let subjects: [String]
}

extension TCGEventLog {
    /// Every known deviation of the log, grouped by kind and register: those that are findings, then those without weight.
    ///
    /// - Parameter findings: What ``findings()`` returned, for a caller that has it.
    public func quirks(findings: [LogFinding]? = nil) -> [ObservedQuirk] {
        var collector = QuirkCollector()
        for finding in findings ?? self.findings() {
            guard let quirk = finding.quirk else { continue }
            let event = finding.eventIndex.flatMap { events.indices.contains($0) ? events[$0] : nil }
            collector.add(quirk, finding.pcr, event, event?.untrustedEventType.description ?? finding.name)
        }
        if registers == .pcrs {
            for stream in PCRStream.all(of: self) where stream.pcr.rawValue < 7 {
                for event in stream.beforeSeparator
                where event.untrustedEventType.isKnown && OrderRules.isMisplaced(event) {
                    collector.add(.misplacedType, event.pcr, event, event.untrustedEventType.description)
                }
            }
        }
        for event in events {
            for (quirk, subject) in event.notedQuirks(of: algorithms) {
                collector.add(quirk, event.pcr, event, subject)
            }
        }
        if !padding.isEmpty { collector.add(.tablePadding, nil, nil, "\(padding.count) bytes") }
        return collector.observed
    }
}

private struct QuirkCollector {
    private struct Key: Hashable {
        let quirk: LogQuirk
        let pcr: PCRIndex?
    }
    private var order: [Key] = []
    private var seen: [Key: (count: Int, indices: [Int], subjects: [String])] = [:]
    /// Beyond these a list is only longer.
    private static let maximumSubjects = 16

    mutating func add(_ quirk: LogQuirk, _ pcr: PCRIndex?, _ event: TCGPCREvent2?, _ subject: String) {
        let key = Key(quirk: quirk, pcr: pcr)
        if seen[key] == nil { order.append(key) }
        var entry = seen[key] ?? (0, [], [])
        entry.count += 1
        if let event { entry.indices.append(event.index) }
        if entry.subjects.count < Self.maximumSubjects, !entry.subjects.contains(subject) {
            entry.subjects.append(subject)
        }
        seen[key] = entry
    }

    var observed: [ObservedQuirk] {
        order.compactMap { key in
            seen[key].map {
                ObservedQuirk(
                    quirk: key.quirk, pcr: key.pcr, count: $0.count, eventIndices: $0.indices, subjects: $0.subjects)
            }
        }
    }
}

extension TCGPCREvent2 {
    /// Deviations that break no rule of the catalogue.
    func notedQuirks(of algorithms: [LoggedAlgorithm]) -> [(LogQuirk, String)] {
        var quirks: [(LogQuirk, String)] = []
        let type = untrustedEventType
        if !type.isKnown { quirks.append((.unknownType, type.description)) }
        guard isExtended else { return quirks }
        if dataRange.isEmpty { quirks.append((.emptyEvent, type.description)) }
        if isUnreadable { quirks.append((.unreadableData, type.description)) }
        if hasOtherDigestOrder(algorithms) { quirks.append((.digestOrder, type.description)) }
        if dataVerification == .verified(.withoutLastByte) { quirks.append((.digestWithoutLastByte, component.name)) }
        switch type {
        case .efiVariableAuthority:
            guard case .variable(let variable)? = try? decoded() else { break }
            if variable.trailingBytes > 0 { quirks.append((.authorityPadding, LogText.escape(variable.name))) }
            if variable.vendor == .shimLock { quirks.append((.shimVariable, LogText.escape(variable.name))) }
        case .efiVariableDriverConfig:
            if let name = testPlatformKey { quirks.append((.testPlatformKey, name)) }
        case .eventTag where dataVerified != true: quirks.append((.contentDigest, component.name))
        case .separator where data == Array("WBCL".utf8): quirks.append((.windowsSeparator, "WBCL"))
        default: break
        }
        return quirks
    }

    /// The subject of a PK that says of itself that nobody should trust it.
    private var testPlatformKey: String? {
        guard case .variable(let variable)? = try? decoded(), variable.name == SecureBootVariable.pk.rawValue else {
            return nil
        }
        return signatureDatabase?.lists.flatMap(\.entries).lazy
            .compactMap { CertificateSubject.name(ofDER: $0.data[...]) }
            .first { $0.uppercased().hasPrefix("DO NOT ") }
    }

    /// Whether words that nothing covers are not even in their form; where something covers them that is a finding.
    private var isUnreadable: Bool {
        do throws(EventDataError) {
            _ = try decoded()
            return false
        } catch {
            return error.reason == .type && registerIndex != 7 && dataVerified == nil
        }
    }

    /// Whether the digests that are there come in another order than the header's.
    private func hasOtherDigestOrder(_ algorithms: [LoggedAlgorithm]) -> Bool {
        guard taggedDigests, digestCount > 1 else { return false }
        var places: [Int] = []
        forEachDigest { bank, _ in
            if let bank, let place = algorithms.firstIndex(where: { $0.bank == bank }) { places.append(place) }
        }
        return zip(places, places.dropFirst()).contains { $0 > $1 }
    }
}
