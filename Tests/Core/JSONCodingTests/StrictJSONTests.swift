import JSONCoding
import Testing

private struct Sample: Codable, Equatable {
    var name: String
    var count: Int
    var inner: [String: [Inner]]?
    struct Inner: Codable, Equatable { var value: Int? }
}

@Suite("Strict JSON")
struct StrictJSONTests {
    private func problem(
        _ text: String, _ limits: StrictJSONLimits = .message, unknownKeys: StrictJSON.UnknownKeys = .refused
    ) -> StrictJSONError? {
        do {
            _ = try StrictJSON.decode(Sample.self, from: Array(text.utf8), limits: limits, unknownKeys: unknownKeys)
            return nil
        } catch {
            return error
        }
    }

    @Test("A sound document is read, and written again with sorted keys")
    func roundTrip() throws {
        let text = #"{"count":7,"inner":{"k":[{"value":null},{"value":-3}]},"name":"a\u0041\ud83d\ude00/"}"#
        let value = try StrictJSON.decode(Sample.self, from: Array(text.utf8), unknownKeys: .refused)
        #expect(value.name == "aA😀/")
        #expect(value.inner?["k"] == [.init(value: nil), .init(value: -3)])
        let written = String(decoding: try StrictJSON.encode(value), as: UTF8.self)
        #expect(written == #"{"count":7,"inner":{"k":[{},{"value":-3}]},"name":"aA😀/"}"#)
    }

    @Test("RV-02: unknown key, duplicate key, trailing comma and 1.0 are refused, naming the key or the place")
    func rv02() {
        #expect(problem(#"{"name":"a","count":1,"cuont":2}"#)?.problem == .unknownKey("cuont"))
        let nested = problem(#"{"name":"a","count":1,"inner":{"k":[{"value":1},{"valve":2}]}}"#)
        #expect(nested?.problem == .unknownKey("valve"))
        #expect(nested?.path == "inner.k[1]")
        #expect(problem(#"{"name":"a","count":1,"name":"b"}"#)?.problem == .duplicateKey("name"))
        #expect(problem(#"{"name":"a","count":1,"n\u0061me":"b"}"#)?.problem == .duplicateKey("name"))
        #expect(problem(#"{"name":"a","count":1,}"#)?.problem == .syntax("a key is due"))
        #expect(problem(#"{"name":"a","count":1.0}"#)?.offset == 20)
        #expect(problem(#"{"name":"a"}"#)?.problem == .missingKey("count"))
        #expect(problem(#"{"name":"a","count":"1"}"#)?.path == "count")
    }

    @Test("An unknown key is read over where the caller says so")
    func unknownKeyIgnored() {
        #expect(problem(#"{"name":"a","count":1,"cuont":2}"#, unknownKeys: .ignored) == nil)
    }

    @Test("TA-10: depth, huge numbers, lone surrogates and bad UTF-8 are refused")
    func ta10() {
        func check(_ text: String) -> StrictJSONError? { problem(text) }
        #expect(
            check(String(repeating: "[", count: 100_000))?.problem == .tooLarge(what: "levels", limit: 64))
        #expect(
            check(String(repeating: #"{"a":"#, count: 100_000))?.problem == .tooLarge(what: "levels", limit: 64))
        for number in [
            "1e400", "18446744073709551616", "-9223372036854775809", "01", "-", "1.", "1e", "+1", ".5", "NaN",
        ] {
            #expect(check(#"{"name":"a","count":\#(number)}"#) != nil, "\(number)")
        }
        for string in [
            #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, #""\x41""#, #""\u12g4""#, "\"\u{01}\"", "\"\n\"",
        ] {
            #expect(check(#"{"count":1,"name":\#(string)}"#) != nil, "\(string.debugDescription)")
        }
        let badUTF8 = Array(#"{"count":1,"name":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        #expect(throws: StrictJSONError.self) { try StrictJSON.decode(Sample.self, from: badUTF8) }
        let byteOrderMark = [0xEF, 0xBB, 0xBF] + Array(#"{"count":1,"name":""}"#.utf8)
        #expect(throws: StrictJSONError.self) { try StrictJSON.decode(Sample.self, from: byteOrderMark) }
    }

    @Test("Every proper prefix, and a byte after the end, is refused")
    func truncation() {
        let text = #"{"count":-7,"inner":{"k":[{"value":null},{"value":3}]},"name":"a\u0041\n"}"#
        #expect(problem(text) == nil)
        for length in 0..<text.utf8.count {
            #expect(problem(String(text.prefix(length))) != nil, "\(length)")
        }
        for tail in ["}", "x", "{}", ",", "\u{00}"] { #expect(problem(text + tail)?.problem == .trailingBytes) }
        #expect(problem(text + " \n") == nil)
    }

    @Test("Each limit holds at its value and refuses one more")
    func limits() {
        let text = #"{"count":1,"name":"abcd"}"#
        #expect(problem(text, StrictJSONLimits(maxBytes: text.utf8.count)) == nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: text.utf8.count - 1)) != nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxValues: 3)) == nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxValues: 2)) != nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxDepth: 1)) == nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxDepth: 0)) != nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxStringBytes: 5)) == nil)
        #expect(problem(text, StrictJSONLimits(maxBytes: 100, maxStringBytes: 3)) != nil)
    }
}
