internal import ByteParsing

/// TCG_PCClientTaggedEvent (PFP 1.06, section 10.4.2.2), which Windows nests in aggregates (SIPA) and Linux's EFI stub
/// uses for its command line and initrd.
public struct TaggedEvent: Hashable, Sendable {
    public let id: UInt32
    /// 1 for an event of the record itself.
    public let depth: Int
    /// In the log's bytes.
    public let dataRange: Range<Int>

    public static let maximumDepth = 8
    /// Real records hold a few hundred; bounds the memory of a record of empty events.
    public static let maximumEvents = 16_384
    /// SIPAEVENTTYPE_AGGREGATION of Windows' wbcl.h: the data is again a list of tagged events.
    static let aggregation: UInt32 = 0x4000_0000

    /// Reads a record's events, containers before their contents, without recursion.
    ///
    /// - Throws: `LOG_DEPTH` beyond ``maximumDepth`` or ``maximumEvents``; `LOG_TYPE` when the data is no such list.
    static func parse(_ data: Span<UInt8>, baseOffset: Int) throws(EventDataError) -> [TaggedEvent] {
        var events: [TaggedEvent] = []
        var reader = ByteReader(data, baseOffset: baseOffset)
        // Ends of the open containers, the record's own first.
        var ends = [baseOffset + data.count]
        do throws(ParsingError) {
            while let end = ends.last {
                if reader.offset == end {
                    ends.removeLast()
                    continue
                }
                let id = try reader.readLittleEndian(UInt32.self, "TCG_PCClientTaggedEvent.taggedEventID")
                let size = try reader.readLittleEndian(UInt32.self, "TCG_PCClientTaggedEvent.taggedEventDataSize")
                guard reader.offset <= end, UInt64(size) <= UInt64(end - reader.offset) else {
                    throw reader.error(
                        "TCG_PCClientTaggedEvent.taggedEventDataSize", back: 4,
                        .truncated(needed: Int(size), remaining: max(0, end - reader.offset)))
                }
                guard ends.count <= maximumDepth, events.count < maximumEvents else {
                    throw DepthExceeded.error(reader.offset - 8, ends.count)
                }
                let range = reader.offset..<reader.offset + Int(size)
                events.append(TaggedEvent(id: id, depth: ends.count, dataRange: range))
                // Chance has set this bit in tags of systemd's.
                if id & aggregation != 0, LinuxTag(rawValue: id) == nil {
                    ends.append(range.upperBound)
                } else {
                    try reader.skip(Int(size), "TCG_PCClientTaggedEvent.taggedEventData")
                }
            }
        } catch {
            throw EventDataError(DepthExceeded.isCause(of: error) ? .depth : .type, error)
        }
        return events
    }

    /// Tells the one error apart that has a reason of its own.
    private enum DepthExceeded {
        private static let field = "TCG_PCClientTaggedEvent depth or count"
        static func error(_ offset: Int, _ depth: Int) -> ParsingError {
            ParsingError(
                field: field, offset: offset,
                problem: .outOfRange(value: UInt64(depth), limit: UInt64(maximumDepth)))
        }
        static func isCause(of error: ParsingError) -> Bool { error.field == field }
    }
}
