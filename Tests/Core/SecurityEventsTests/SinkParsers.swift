/// Parsers of the sink's side, written from the formats' documents and sharing nothing with the encoders.
enum SinkParsers {
    struct Failure: Error { var what: String }

    /// RFC 6587, section 3.4.1.
    static func frames(_ stream: [UInt8]) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var rest = stream[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20),
                let count = Int(String(decoding: rest[..<space], as: UTF8.self)),
                rest.distance(from: space, to: rest.endIndex) > count
            else { throw Failure(what: "frame") }
            frames.append(Array(rest[(space + 1)...].prefix(count)))
            rest = rest[(space + 1 + count)...]
        }
        return frames
    }

    struct Syslog {
        var priority = 0
        var header: [String] = []
        var parameters: [String: String] = [:]
        var message: [UInt8] = []
    }

    /// RFC 5424, section 6, one SD-ELEMENT.
    static func syslog(_ bytes: [UInt8]) throws -> Syslog {
        var result = Syslog()
        var position = 0
        func next() throws -> UInt8 {
            guard position < bytes.count else { throw Failure(what: "end") }
            position += 1
            return bytes[position - 1]
        }
        func word(until end: UInt8) throws -> String {
            var word: [UInt8] = []
            while true {
                let byte = try next()
                if byte == end { return String(decoding: word, as: UTF8.self) }
                word.append(byte)
            }
        }
        guard try next() == UInt8(ascii: "<"), let priority = Int(try word(until: UInt8(ascii: ">"))),
            try word(until: 0x20) == "1"
        else { throw Failure(what: "PRI or VERSION") }
        result.priority = priority
        for _ in 0..<5 { result.header.append(try word(until: 0x20)) }
        guard try next() == UInt8(ascii: "["), try word(until: 0x20) == "bootgate@32473" else {
            throw Failure(what: "SD-ID")
        }
        while true {
            let name = try word(until: UInt8(ascii: "="))
            guard try next() == UInt8(ascii: "\"") else { throw Failure(what: "PARAM-VALUE") }
            var value: [UInt8] = []
            while true {
                let byte = try next()
                if byte == UInt8(ascii: "\"") { break }
                guard byte != UInt8(ascii: "]") else { throw Failure(what: "unescaped bracket") }
                value.append(byte == UInt8(ascii: "\\") ? try next() : byte)
            }
            result.parameters[name] = String(decoding: value, as: UTF8.self)
            let after = try next()
            if after == UInt8(ascii: "]") { break }
            guard after == 0x20 else { throw Failure(what: "after PARAM") }
        }
        guard try next() == 0x20 else { throw Failure(what: "MSG") }
        result.message = Array(bytes[position...])
        if result.message.starts(with: [0xEF, 0xBB, 0xBF]) { result.message.removeFirst(3) }
        return result
    }

    struct CEF {
        var header: [String] = []
        var extensions: [String: String] = [:]
    }

    static func cef(_ bytes: [UInt8]) throws -> CEF {
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw Failure(what: "control byte") }
        var result = CEF()
        var field = ""
        var characters = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)[...]
        func unescape(_ scalar: Unicode.Scalar) throws -> String {
            switch scalar {
            case "\\", "|", "=": String(scalar)
            case "n": "\n"
            case "r": "\r"
            default: throw Failure(what: "escape \(scalar)")
            }
        }
        while result.header.count < 7 {
            guard let scalar = characters.popFirst() else { throw Failure(what: "header") }
            if scalar == "|" {
                result.header.append(field)
                field = ""
            } else if scalar == "\\" {
                guard let escaped = characters.popFirst() else { throw Failure(what: "header escape") }
                field += try unescape(escaped)
            } else {
                field.unicodeScalars.append(scalar)
            }
        }
        // A key is what stands before an unescaped "=", back to the space before it.
        var keys: [(start: Int, equals: Int)] = []
        var index = characters.startIndex
        var lastSpace = characters.startIndex - 1
        while index < characters.endIndex {
            switch characters[index] {
            case "\\": index += 1
            case " ": lastSpace = index
            case "=": keys.append((lastSpace + 1, index))
            default: break
            }
            index += 1
        }
        for (number, key) in keys.enumerated() {
            let end = number + 1 < keys.count ? keys[number + 1].start - 1 : characters.endIndex
            var value = ""
            var at = key.equals + 1
            while at < end {
                if characters[at] == "\\" {
                    at += 1
                    value += try unescape(characters[at])
                } else {
                    value.unicodeScalars.append(characters[at])
                }
                at += 1
            }
            var name = String.UnicodeScalarView()
            name.append(contentsOf: characters[key.start..<key.equals])
            guard result.extensions.updateValue(value, forKey: String(name)) == nil else {
                throw Failure(what: "key twice: \(String(name))")
            }
        }
        return result
    }
}
