internal import ByteParsing
internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// What changed inside an event whose data both logs show.
enum ChangeDetails {
    /// Longer lists are cut: a first dbx update brings hundreds of entries.
    private static let maximumLines = 32

    static func details(_ before: TCGPCREvent2?, _ after: TCGPCREvent2?) -> [String] {
        guard let before, let after, let old = try? before.decoded(), let new = try? after.decoded() else { return [] }
        let lines: [String]
        switch (old, new) {
        case (.variable, .variable): lines = variable(before, after)
        case (.partitionTable(let left), .partitionTable(let right)):
            lines = difference(left.partitions.map(text), right.partitions.map(text))
        case (.bootLoader, .bootLoader):
            lines = difference(words(before.component.name), words(after.component.name))
        case (.imageLoad(let left), .imageLoad(let right)):
            lines = image(left, right)
        case (.tagged, .tagged): lines = difference(parts(before), parts(after))
        default: lines = before.description == after.description ? [] : changed(before.description, after.description)
        }
        guard lines.count > maximumLines else { return lines }
        return lines.prefix(maximumLines) + ["… and \(lines.count - maximumLines) more"]
    }

    private static func changed(_ old: String, _ new: String) -> [String] { ["- \(old)", "+ \(new)"] }

    /// Elements that only one side has, `-` and `+`; of equal ones as many as are left over. In order.
    static func difference(_ old: [String], _ new: [String]) -> [String] {
        let pairs = SequenceAlignment.pairs(new.count, old.count) { new[$0] == old[$1] }
        let (kept, stays) = (Set(pairs.map(\.0)), Set(pairs.map(\.1)))
        return old.indices.filter { !stays.contains($0) }.map { "- \(old[$0])" }
            + new.indices.filter { !kept.contains($0) }.map { "+ \(new[$0])" }
    }

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    private static func parts(_ event: TCGPCREvent2) -> [String] {
        event.component.name.split(separator: ",").map { String($0.drop { $0 == " " }) }
    }

    private static func text(_ partition: EFIGPTEvent.Partition) -> String {
        EventText.escaped(
            "\"\(partition.name)\" (\(partition.type.name), \(partition.identifier), blocks \(partition.firstBlock)–"
                + "\(partition.lastBlock))")
    }

    private static func image(_ old: UEFIImageLoadEvent, _ new: UEFIImageLoadEvent) -> [String] {
        var lines: [String] = []
        if old.devicePath.text != new.devicePath.text {
            lines += changed(EventText.escaped(old.devicePath.text), EventText.escaped(new.devicePath.text))
        }
        if old.imageLengthInMemory != new.imageLengthInMemory {
            lines.append("size \(old.imageLengthInMemory) → \(new.imageLengthInMemory) bytes")
        }
        return lines
    }

    private static func variable(_ old: TCGPCREvent2, _ new: TCGPCREvent2) -> [String] {
        if let left = old.signatureDatabase, let right = new.signatureDatabase {
            return difference(entries(left), entries(right))
        }
        if let left = old.sbatLevel, let right = new.sbatLevel { return changed(left.summary, right.summary) }
        let (left, right) = (old.description, new.description)
        return left == right ? [] : changed(left, right)
    }

    private static func entries(_ database: SignatureDatabase) -> [String] {
        database.lists.flatMap { list in
            list.entries.map { entry in
                let name = list.signatureType == .x509 ? CertificateSubject.name(ofDER: entry.data[...]) : nil
                return name.map { "certificate \"\($0)\"" } ?? "\(list.typeName) \(Hex.encode(entry.data.prefix(64)))"
            }
        }.sorted()
    }
}
