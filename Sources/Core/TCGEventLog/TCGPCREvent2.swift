public import TPMStructures

/// One record of an event log: TCG_PCR_EVENT2 of a crypto-agile log, or TCG_PCClientPCREvent of a SHA-1 log (PFP 1.06,
/// section 10.2). Holds ranges into the log's bytes, so that parsing copies nothing.
///
/// What a quote covers after replay is the PCR index, the digests and their order for each PCR. It covers neither
/// ``untrustedEventType`` nor, in general, ``data``: see ``dataVerified``.
public struct TCGPCREvent2: Sendable {
    /// Position in the log, from 0; the Spec ID header counts.
    public let index: Int
    /// The whole record in the log's bytes.
    public let range: Range<Int>
    /// The register as logged: below 24, or 0xFFFFFFFF, which only an EV_NO_ACTION event may carry.
    public let registerIndex: UInt32
    public let untrustedEventType: TCGEventType
    /// The event's data in the log's bytes.
    public let dataRange: Range<Int>

    let log: [UInt8]
    let algorithms: [LoggedAlgorithm]
    let digestCount: Int
    let digestsOffset: Int
    /// Whether each digest is preceded by its algorithm (crypto-agile) or is a bare SHA-1.
    let taggedDigests: Bool

    /// Offset of the record's first byte in the log.
    public var offset: Int { range.lowerBound }
    /// nil for 0xFFFFFFFF.
    public var pcr: PCRIndex? { PCRIndex(registerIndex) }
    /// Whether firmware extends this event: everything but EV_NO_ACTION, which never changes a PCR.
    public var isExtended: Bool { untrustedEventType != .noAction && registerIndex < PCRIndex.count }
    /// A copy of the event's data.
    public var data: [UInt8] { Array(log[dataRange]) }
    /// The event's data, without a copy.
    public var dataSlice: ArraySlice<UInt8> { log[dataRange] }

    /// The digests of known algorithms, in the order of the record.
    public var digests: [Digest] {
        var result: [Digest] = []
        forEachDigest { bank, range in
            if let bank, let digest = Digest(algorithm: bank, bytes: Array(log[range])) { result.append(digest) }
        }
        return result
    }

    /// nil when the record has no digest of that bank.
    public func digest(_ bank: PCRBank) -> Digest? {
        digestRange(bank).flatMap { Digest(algorithm: bank, bytes: Array(log[$0])) }
    }

    /// The digest of the strongest bank that the record holds: what diagnosis shows when no bank was asked for.
    public var strongestDigest: Digest? {
        digests.max { ($0.algorithm.digestSize, $0.algorithm) < ($1.algorithm.digestSize, $1.algorithm) }
    }

    /// Where the bank's digest lies in the log's bytes.
    func digestRange(_ bank: PCRBank) -> Range<Int>? {
        var found: Range<Int>?
        forEachDigest { candidate, range in if candidate == bank { found = range } }
        return found
    }

    /// Calls `body` with each digest's bank (nil for an unknown algorithm) and place. The parser checked the bounds.
    func forEachDigest(_ body: (PCRBank?, Range<Int>) -> Void) {
        guard taggedDigests else { return body(.sha1, digestsOffset..<digestsOffset + 20) }
        var position = digestsOffset
        for _ in 0..<digestCount {
            let id = TPMAlgID(rawValue: UInt16(log[position]) | UInt16(log[position + 1]) << 8)
            let bank = HashAlgorithm(id)
            let size = bank?.digestSize ?? algorithms.first { $0.algorithm == id }?.digestSize ?? 0
            position += 2
            body(bank, position..<position + size)
            position += size
        }
    }
}
