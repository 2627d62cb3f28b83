internal import TOMLKit

/// The files' keys, merged: the later file wins key by key. What nobody takes is unknown, and refused.
struct ConfigurationTable {
    enum Value {
        case text(String)
        case integer(Int)
        case flag(Bool)
        case list([String])
        case tables([[String: Value]])
    }

    private var values: [String: (value: Value, file: String)] = [:]
    private(set) var problems: [String] = []

    mutating func merge(file: String, text: String) {
        do {
            read(try TOMLTable(string: text), prefix: "", file)
        } catch let error as TOMLParseError {
            problems.append("\(file): line \(error.source.begin.line): \(error.description)")
        } catch {
            problems.append("\(file): \(error)")
        }
    }

    mutating func report(_ problem: String) { problems.append(problem) }

    private mutating func read(_ table: TOMLTable, prefix: String, _ file: String) {
        for key in table.keys {
            let name = prefix + key
            guard let value = table[key] else { continue }
            if let inner = value.table {
                read(inner, prefix: name + ".", file)
            } else if let value = Self.value(value) {
                values[name] = (value, file)
            } else {
                problems.append("\(file): \(name) has a kind of value that nothing here takes")
            }
        }
    }

    private static func value(_ value: any TOMLValueConvertible) -> Value? {
        if let flag = value.bool { return .flag(flag) }
        if let integer = value.int { return .integer(integer) }
        if let text = value.string { return .text(text) }
        guard let array = value.array else { return nil }
        if array.count > 0, array.allSatisfy({ $0.table != nil }) {
            return .tables(
                array.compactMap { element in
                    guard let table = element.table else { return nil }
                    return Dictionary(
                        table.keys.compactMap { key in
                            table[key].flatMap(Self.value).map { (key, $0) }
                        }, uniquingKeysWith: { first, _ in first })
                })
        }
        let texts = array.compactMap(\.string)
        return texts.count == array.count ? .list(texts) : nil
    }

    // MARK: Taking

    mutating func text(_ key: String) -> String? {
        take(key, "a string") { if case .text(let text) = $0, !text.isEmpty { text } else { nil } }
    }
    mutating func flag(_ key: String) -> Bool? {
        take(key, "true or false") { if case .flag(let flag) = $0 { flag } else { nil } }
    }
    mutating func list(_ key: String) -> [String]? {
        take(key, "a list of strings") { if case .list(let list) = $0 { list } else { nil } }
    }
    mutating func integer(_ key: String, in bounds: ClosedRange<Int>) -> Int? {
        take(key, "a number from \(bounds.lowerBound) to \(bounds.upperBound)") {
            if case .integer(let number) = $0, bounds.contains(number) { number } else { nil }
        }
    }
    mutating func tables(_ key: String) -> [[String: Value]]? {
        take(key, "a list of tables ([[\(key)]])") { if case .tables(let tables) = $0 { tables } else { nil } }
    }

    private mutating func take<Taken>(_ key: String, _ form: String, _ read: (Value) -> Taken?) -> Taken? {
        guard let (value, file) = values.removeValue(forKey: key) else { return nil }
        guard let taken = read(value) else {
            problems.append("\(file): \(key) must be \(form)")
            return nil
        }
        return taken
    }

    mutating func refuseRest() {
        for (key, entry) in values.sorted(by: { $0.key < $1.key }) {
            problems.append("\(entry.file): unknown key \(key)")
        }
        values = [:]
    }
}
