package import TCGEventLog
public import TPMStructures

/// One extended event of a log, reduced to what references speak about. Its digests and PCR are true where the log's
/// replay agrees with the quote; every word about it is the log's.
public struct MeasuredEvent: Hashable, Sendable {
    /// Index in the log, from 0.
    public let index: Int
    public let pcr: PCRIndex
    public let digests: [PCRBank: Digest]
    public let untrustedType: String
    /// For people, control characters escaped; unverified unless ``dataVerified`` is true.
    public let untrustedName: String
    /// true: the digests are the hash of the event's data.
    public let dataVerified: Bool?
    /// The log's word on what this is; for names and for drafts, never for judging.
    let component: EventComponent

    /// nil for events that extend nothing.
    init?(_ event: TCGPCREvent2) {
        guard event.isExtended, let pcr = event.pcr else { return nil }
        index = event.index
        self.pcr = pcr
        digests = Dictionary(event.digests.map { ($0.algorithm, $0) }) { first, _ in first }
        untrustedType = event.untrustedEventType.description
        component = event.component
        untrustedName = component.name == component.kind.rawValue ? component.name : component.description
        dataVerified = event.dataVerified
    }

    /// The kernel command line, where the digests are its hash.
    var verifiedCommandLine: String? {
        component.kind == .kernelCommandLine && dataVerified == true ? component.name : nil
    }

    /// What a finding shows as seen: the text where it is verified, else the strongest of the judged digests.
    func shown(_ banks: [PCRBank]) -> String {
        if let verifiedCommandLine { return verifiedCommandLine }
        return banks.compactMap { digests[$0] }.max { $0.bytes.count < $1.bytes.count }?.description ?? "no digest"
    }
}

extension TCGEventLog {
    /// The extended events of one register, in order.
    package func measuredEvents() -> [PCRIndex: [MeasuredEvent]] {
        Dictionary(grouping: events.compactMap(MeasuredEvent.init), by: \.pcr)
    }
}
