extension GRUBInterpreter {
    /// `test` and `[` (commands/test.c). A part that depends on the machine's files is unknown; the whole is known where
    /// the other parts decide it.
    mutating func test(_ call: GRUBCall) throws(GRUBError) -> Status {
        var arguments = call.arguments
        if arguments.last == [UInt8(ascii: "]")] { arguments.removeLast() }
        var parser = TestParser(arguments: arguments)
        let value = try parser.parse(&self, call)
        return value.map { .known($0 ? 0 : 1) } ?? .unknown(call.text)
    }

    /// Whether a file is there: of those that were given, or that the last boot read.
    fileprivate func exists(_ path: [UInt8]) -> Bool? { digests(ofFile: path) == nil ? nil : true }
}

/// GRUB's grammar of tests: `-a` is implied between expressions, `-o` separates groups of them, `!` inverts the next one.
private struct TestParser {
    let arguments: [[UInt8]]
    var position = 0
    private var depth = 0

    init(arguments: [[UInt8]]) { self.arguments = arguments }

    private struct State {
        var and: Bool? = true
        var or: Bool? = false
        var invert = false

        mutating func take(_ value: Bool?) {
            let seen = invert ? value.map { !$0 } : value
            invert = false
            and = and == false || seen == false ? false : (and == nil || seen == nil ? nil : true)
        }
        var result: Bool? { or == true || and == true ? true : (or == nil || and == nil ? nil : false) }
    }

    private func word(_ ahead: Int = 0) -> String {
        position + ahead < arguments.count ? GRUBInterpreter.text(arguments[position + ahead]) : ""
    }

    mutating func parse(_ interpreter: inout GRUBInterpreter, _ call: GRUBCall) throws(GRUBError) -> Bool? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GRUBParser.maximumDepth else {
            throw interpreter.error(.limit, call.line, call.name, "nested deeper than \(GRUBParser.maximumDepth)")
        }
        var state = State()
        while position < arguments.count {
            if position + 2 < arguments.count,
                let value = compare(arguments[position], word(1), arguments[position + 2])
            {
                state.take(value)
                position += 3
                continue
            }
            if position + 2 < arguments.count, word(1).hasPrefix("-nt") || word(1).hasPrefix("-ot") {
                state.take(nil)
                position += 3
                continue
            }
            if position + 1 < arguments.count, try unary(&state, &interpreter, call) { continue }
            switch word() {
            case "(":
                position += 1
                state.take(try parse(&interpreter, call))
            case ")":
                position += 1
                return state.result
            case "!":
                state.invert.toggle()
                position += 1
            case "-a": position += 1
            case "-o":
                state.or = state.result
                state.and = true
                position += 1
            default:
                state.take(!arguments[position].isEmpty)
                position += 1
            }
        }
        return state.result
    }

    /// Tests of one operand; false when there is none here.
    private mutating func unary(
        _ state: inout State, _ interpreter: inout GRUBInterpreter, _ call: GRUBCall
    ) throws(GRUBError) -> Bool {
        let operand = arguments[position + 1]
        switch word() {
        case "-n": state.take(!operand.isEmpty)
        case "-z": state.take(operand.isEmpty)
        case "-e", "-f":
            let exists = interpreter.exists(operand)
            state.take(operand.isEmpty ? nil : exists)
        case "-d": state.take(nil)
        case "-s":
            // The file is opened, and with it measured, even where another part has decided already.
            if interpreter.exists(operand) == true {
                try interpreter.open(operand, call.line)
                state.take(interpreter.content(ofFile: operand).map { !$0.isEmpty } ?? true)
            } else {
                state.take(nil)
            }
        default: return false
        }
        position += 2
        return true
    }

    private func compare(_ left: [UInt8], _ operation: String, _ right: [UInt8]) -> Bool? {
        switch operation {
        case "=", "==": left == right
        case "!=": left != right
        case "<": left.lexicographicallyPrecedes(right)
        case "<=": !right.lexicographicallyPrecedes(left)
        case ">": right.lexicographicallyPrecedes(left)
        case ">=": !left.lexicographicallyPrecedes(right)
        case "-eq": Self.number(left) == Self.number(right)
        case "-ne": Self.number(left) != Self.number(right)
        case "-lt": Self.number(left) < Self.number(right)
        case "-le": Self.number(left) <= Self.number(right)
        case "-gt": Self.number(left) > Self.number(right)
        case "-ge": Self.number(left) >= Self.number(right)
        default: nil
        }
    }

    private static func number(_ text: [UInt8]) -> Int64 {
        text.first == UInt8(ascii: "-")
            ? -(GRUBNumber.leading(text.dropFirst()) ?? 0) : GRUBNumber.leading(text[...]) ?? 0
    }
}

/// `grub_strtoul` with base 0: the digits at the start, behind 0x as hexadecimal, behind 0 as octal.
enum GRUBNumber {
    /// nil when there is no digit, or the number is too large to matter.
    static func leading(_ text: ArraySlice<UInt8>) -> Int64? {
        var rest = text.drop(while: GRUBInterpreter.isSpace)
        var radix: Int64 = 10
        if rest.starts(with: Array("0x".utf8)) || rest.starts(with: Array("0X".utf8)) {
            radix = 16
            rest = rest.dropFirst(2)
        } else if rest.first == UInt8(ascii: "0") {
            radix = 8
        }
        var value: Int64?
        for byte in rest {
            guard
                let digit = GRUBLexer.isDigit(byte)
                    ? Int64(byte) - 48 : hexadecimal(byte), digit < radix
            else { break }
            let (product, overflow) = (value ?? 0).multipliedReportingOverflow(by: radix)
            guard !overflow, product <= Int64.max - digit else { return nil }
            value = product + digit
        }
        return value
    }

    private static func hexadecimal(_ byte: UInt8) -> Int64? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int64(byte) - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int64(byte) - 55
        default: nil
        }
    }
}
