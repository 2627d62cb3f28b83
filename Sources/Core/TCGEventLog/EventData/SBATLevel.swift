/// A revocation level of shim (`SbatLevel`): the lowest generation of each component that may still run. Text of lines
/// `component,generation[,date]`.
public struct SBATLevel: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// `sbat`, `shim`, `grub`, `grub.debian`, …; control characters escaped.
        public let component: String
        public let generation: UInt32
        /// Only of the line `sbat`: the date of the level, `2021030218`.
        public let date: String?
    }

    /// Far above published levels (some ten lines).
    public static let maximumEntries = 256

    public let entries: [Entry]

    /// The date by which a level is known; nil when the text states none.
    public var date: String? { entries.first { $0.component == "sbat" }?.date }

    /// - Returns: nil unless every line names a component and a generation, the first line being `sbat`'s.
    public init?(_ value: ArraySlice<UInt8>) {
        var content = value
        while content.last == 0 { content = content.dropLast() }
        var entries: [Entry] = []
        for line in content.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            guard entries.count < Self.maximumEntries, fields.count >= 2, fields.allSatisfy({ !$0.isEmpty }),
                fields.allSatisfy({ $0.allSatisfy { (0x20..<0x7F).contains($0) } }),
                let generation = UInt32(String(decoding: fields[1], as: UTF8.self))
            else { return nil }
            let text = fields.map { String(decoding: $0, as: UTF8.self) }
            entries.append(
                Entry(component: text[0], generation: generation, date: text.count > 2 ? text[2] : nil))
        }
        guard entries.first?.component == "sbat" else { return nil }
        self.entries = entries
    }

    /// `2021030218: shim 2, grub 3`.
    public var summary: String {
        let others = entries.dropFirst().map { "\($0.component) \($0.generation)" }.joined(separator: ", ")
        return [date ?? "no date", others].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
