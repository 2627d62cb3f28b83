import ByteParsing
import ReferenceValues
import Testing

@Suite("Revocation feeds")
struct RevocationFeedTests {
    private static let hash = String(repeating: "ab", count: 32)
    private static let document = """
        {"components":[{"cves":["CVE-2020-10713"],"digests":["sha256:\(hash)"],"name":"grub 2.02"}],\
        "date":"2026-11-01T00:00:00Z","dbx":["\(hash)"],"format":"bootgate-revocations/v1","provenance":["test"],\
        "sbat":["shim,4"]}
        """

    private func problems(_ text: String) -> [String] {
        do throws(ReferenceSetError) {
            _ = try CompiledRevocations(parsing: Array(text.utf8))
            return []
        } catch { return error.problems.map(\.path) }
    }

    @Test("A feed is read whole: date, dbx, SBAT level, components; its own encoding is read again")
    func golden() throws {
        let compiled = try CompiledRevocations(parsing: Array(Self.document.utf8))
        #expect(compiled.date == 1_793_491_200_000)
        #expect(compiled.dbx.count == 1 && compiled.sbat == ["shim": 4])
        #expect(compiled.components.values.first?.name == "grub 2.02")
        #expect(try RevocationFeed(parsing: compiled.feed.encoded()) == compiled.feed)
    }

    @Test("Every proper prefix and every trailing byte is refused")
    func cut() {
        let bytes = Array(Self.document.utf8)
        for count in 0..<bytes.count {
            #expect(throws: ReferenceSetError.self) { try RevocationFeed(parsing: Array(bytes.prefix(count))) }
        }
        #expect(throws: ReferenceSetError.self) { try RevocationFeed(parsing: bytes + [0x7D]) }
        #expect(throws: ReferenceSetError.self) { try RevocationFeed(parsing: bytes + [0]) }
    }

    @Test(
        "What is wrong is refused with its place",
        arguments: [
            ("2026-11-01T00:00:00Z", "2026-11-31T00:00:00Z", "date"),
            ("revocations/v1", "revocations/v2", "format"), ("\"shim,4\"", "\"shim\"", "sbat[0]"),
            ("\"shim,4\"", "\"shim,0\"", "sbat[0]"), ("\"shim,4\"", "\"shim,4294967296\"", "sbat[0]"),
            ("\"shim,4\"", "\"shim,4\",\"shim,5\"", "sbat[1]"), ("\"shim,4\"", "\",4\"", "sbat[0]"),
            ("\"dbx\":[\"ab", "\"dbx\":[\"", "dbx[0]"), ("\"dbx\":[\"ab", "\"dbx\":[\"abab", "dbx[0]"),
            ("\"dbx\":[\"ab", "\"dbx\":[\"xy", "dbx[0]"), ("grub 2.02", "", "components[0].name"),
            ("sha256:", "md5:", "components[0].digests[0]"), ("\"name\":", "\"nome\":", "components[0]"),
        ])
    func wrong(_ old: String, _ new: String, _ path: String) {
        let text = Self.document.replacing(old, with: new, maxReplacements: 1)
        #expect(problems(text).contains { $0.hasPrefix(path) || path.hasPrefix($0) }, "\(problems(text))")
        #expect(!problems(text).isEmpty)
    }

    @Test("Lists hold up to 65,536 entries, and a feed that revokes nothing is none")
    func counts() throws {
        var feed = RevocationFeed(date: "2026-11-01T00:00:00Z", provenance: [], dbx: [], sbat: [], components: [])
        #expect(throws: ReferenceSetError.self) { try CompiledRevocations(feed) }
        func hashes(_ count: Int) -> [String] {
            (0..<count).map { number in
                Hex.encode(
                    [UInt8](repeating: 0, count: 28) + (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
            }
        }
        feed.dbx = hashes(RevocationFeed.maximumEntries)
        #expect(try CompiledRevocations(feed).dbx.count == RevocationFeed.maximumEntries)
        feed.dbx = hashes(RevocationFeed.maximumEntries + 1)
        #expect(throws: ReferenceSetError.self) { try CompiledRevocations(feed) }
    }
}
