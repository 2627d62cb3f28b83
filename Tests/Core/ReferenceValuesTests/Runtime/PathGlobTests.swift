import AttestationTestKit
import Testing

@testable import ReferenceValues

@Suite("Path patterns")
struct PathGlobTests {
    private func matches(_ pattern: String, _ path: String) throws -> Bool {
        try PathGlob(pattern).matches(Array(path.utf8))
    }
    private func code(_ pattern: String) -> String? {
        do {
            _ = try PathGlob(pattern)
            return nil
        } catch {
            return error.code
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var pattern: String
        var yes: [String]
        var no: [String]
        var testDescription: String { pattern }
    }

    @Test(
        "A pattern stands for exactly the paths that it says, anchored at both ends",
        arguments: [
            Case(
                pattern: "/tmp/**", yes: ["/tmp/a", "/tmp/a/b/c"],
                no: ["/tmp", "/tmpx/a", "/var/tmp/a", "/TMP/a", "tmp/a"]),
            Case(
                pattern: "/var/log/*.log", yes: ["/var/log/a.log", "/var/log/.log"],
                no: ["/var/log/a/b.log", "/var/log/a.logx", "/var/log/log", "/x/var/log/a.log"]),
            Case(
                pattern: "/usr/**/*.pyc", yes: ["/usr/a.pyc", "/usr/lib/python3/x.pyc"], no: ["/usr/.py", "/opt/a.pyc"]),
            Case(pattern: "/**/cache", yes: ["/cache", "/a/b/cache"], no: ["/a/cache/b", "/cachex"]),
            Case(
                pattern: "/run/user/????/x*y", yes: ["/run/user/1000/xy", "/run/user/1000/xaby"],
                no: ["/run/user/100/xy", "/run/user/1000/x/y"]),
            Case(
                pattern: "/etc/mtab", yes: ["/etc/mtab"], no: ["/etc/mtab ", "/etc/mtabs", "/etc//mtab", "/etc/mtab/"]),
            Case(pattern: "/a/é*", yes: ["/a/é", "/a/é1"], no: ["/a/e\u{301}1"]),
        ])
    func table(_ row: Case) throws {
        for path in row.yes { #expect(try matches(row.pattern, path), "\(path)") }
        for path in row.no { #expect(try !matches(row.pattern, path), "\(path)") }
    }

    @Test("RV-11: regular expressions, unanchored and overlong patterns are POL_PATTERN")
    func rv11() {
        for pattern in [
            "(a+)+$", ".*", "/usr", "usr/**", "^/usr/.*", "/usr/(a|b)", "/usr/[ab]", "/a{2}", "/usr/\\.x", "**", "*",
            "",
            "/" + String(repeating: "a", count: 10_240), "/a/**/b/**", "/a/*b*", "/a/***", "/a/b**", "/a//b", "/a/../b",
            "/a/./b", "/a/", "/a/\u{7}",
        ] {
            #expect(code(pattern) == "POL_PATTERN", "\(pattern.prefix(40))")
        }
        #expect(code("/" + String(repeating: "a", count: PathGlob.maximumBytes - 2) + "/b") == "POL_PATTERN")
        #expect(code("/" + String(repeating: "a", count: PathGlob.maximumBytes - 3) + "/") == "POL_PATTERN")
        #expect(code("/b/" + String(repeating: "a", count: PathGlob.maximumBytes - 3)) == nil)
    }

    @Test(
        "RV-01: a pattern that stands for every path is POL_EMPTY",
        arguments: ["/**", "/*", "/*/**", "/**/?*", "/?/**", "/"])
    func rv01(_ pattern: String) {
        #expect(code(pattern) == "POL_EMPTY")
    }

    @Test(
        "RV-12: a path that no kernel makes is no path of any pattern",
        arguments: [
            "/tmp//x", "/tmp/../root/evil", "/tmp/./x", "/tmp/..", "//tmp/x", "/tmp/x/", "tmp/x", "/Tmp/x",
            "/tmp\u{0}/x",
            "/tmp/x\u{0}", " /tmp/x", "",
        ])
    func rv12(_ path: String) throws {
        #expect(try !matches("/tmp/**", path))
        #expect(try !matches("/**/x", path) || path == "/Tmp/x")
    }

    @Test("RV-12: bytes that are no UTF-8 are compared as they are")
    func rv12RawBytes() throws {
        let glob = try PathGlob("/tmp/**")
        #expect(glob.matches(Array("/tmp/".utf8) + [0xFF, 0xFE]))
        #expect(!glob.matches([0x2F, 0x74, 0x6D, 0xF0] + Array("/x".utf8)))
    }

    @Test("A pattern agrees with the meaning of its words on 20,000 random paths")
    func differential() throws {
        var generator = SeededGenerator(seed: 11)
        let letters = Array("ab/".utf8)
        for _ in 0..<2000 {
            let pattern =
                "/"
                + String(
                    decoding: (0..<Int.random(in: 1...7, using: &generator)).map { _ in
                        Array("ab/*?".utf8).randomElement(using: &generator) ?? 0x61
                    }, as: UTF8.self
                ).replacing("aa", with: "/**/")
            guard let glob = try? PathGlob(pattern) else { continue }
            for _ in 0..<40 {
                let path =
                    [0x2F]
                    + (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                        letters.randomElement(using: &generator) ?? 0x61
                    }
                let text = String(decoding: path, as: UTF8.self)
                #expect(glob.matches(path) == Self.slow(pattern, text), "\(pattern) \(text)")
            }
        }
    }

    /// The same by trying everything.
    private static func slow(_ pattern: String, _ path: String) -> Bool {
        let parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        let components = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        guard !components.contains([]) else { return false }
        func component(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == UInt8(ascii: "*") {
                return (text.startIndex...text.endIndex).contains { component(pattern.dropFirst(), text[$0...]) }
            }
            guard let byte = text.first, first == byte || first == UInt8(ascii: "?") else { return false }
            return component(pattern.dropFirst(), text.dropFirst())
        }
        func whole(_ pattern: ArraySlice<[UInt8]>, _ text: ArraySlice<[UInt8]>) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first.elementsEqual("**".utf8) {
                if pattern.count == 1 { return !text.isEmpty }
                return (text.startIndex...text.endIndex).contains { whole(pattern.dropFirst(), text[$0...]) }
            }
            guard let part = text.first, component(first[...], part[...]) else { return false }
            return whole(pattern.dropFirst(), text.dropFirst())
        }
        return whole(parts[...], components[...])
    }

    @Test("RV-11: a path of 4 kB is held against 1,000 patterns made to be slow in under a millisecond")
    func speed() throws {
        let component = String(repeating: "a", count: 250)
        let path = Array((String(repeating: "/" + component, count: 16) + "/" + String(repeating: "a", count: 79)).utf8)
        #expect(path.count == 4096)
        let near = (0..<1000).map { number in
            let head = "/" + String(repeating: "a", count: 100 + number % 100)
            return number % 2 == 0
                ? "\(head)*\(String(repeating: "a", count: 50))/**/*\(String(repeating: "?", count: 70))\(number)"
                : "\(head)*a/\(String(repeating: "a", count: 60))*/**/\(String(repeating: "a", count: 78))\(number % 10)"
        }
        let globs = try near.map { try PathGlob($0) }
        var best = Duration.seconds(1)
        for _ in 0..<10 {
            let start = ContinuousClock.now
            guard let components = PathComponents(path.span) else { throw RuntimeFixture.Missing() }
            var count = 0
            for glob in globs where glob.matches(path.span, components) { count += 1 }
            best = min(best, ContinuousClock.now - start)
            #expect(count == 0)
        }
        // Without the optimizer the same work takes some fifty times as long.
        #if DEBUG
            #expect(best < .milliseconds(50))
        #else
            #expect(best < .milliseconds(1))
        #endif
    }
}
