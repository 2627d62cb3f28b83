import JSONCoding
import ReferenceValues
import TPMCryptography
import TPMStructures
import Testing

@Suite("Lines of sets put together from documents")
struct ParentDocumentsTests {
    private typealias File = (label: String, bytes: [UInt8])
    private static let digest = String(repeating: "ab", count: 32)

    /// A line of sets, the first that rests on none at its end; each names the next by its bytes.
    private static func line(_ count: Int) throws -> [File] {
        var files: [File] = []
        for number in (0..<count).reversed() {
            let set = ReferenceSet(
                name: "set-\(number)", group: "g", provenance: ["test"], banks: ["sha256"],
                layers: [.init(id: .tpmIdentity), .init(id: .firmware)],
                pcrs: [0, 2].map { .init(values: [["sha256": Self.digest]], pcr: $0) },
                denied: [.init(name: "bad-\(number)", digests: ["sha256:\(Self.digest)"], reason: "r")],
                extends: files.first.map {
                    .init(
                        name: "set-\(number + 1)", version: 1,
                        documentSHA256: MessageDigest.hash($0.bytes, .sha256).hex)
                })
            files.insert(("file-\(number)", try set.encoded()), at: 0)
        }
        return files
    }

    private func effective(_ files: [File], given: [File]) throws -> (set: ReferenceSet, used: Set<String>) {
        var used: Set<String> = []
        let set = try ParentDocuments(given).effective(ReferenceSet(parsing: files[0].bytes), used: &used)
        return (set, used)
    }

    private func problem(_ files: [File], given: [File]) -> String? {
        do {
            _ = try effective(files, given: given)
            return nil
        } catch let error as ReferenceSetError {
            return error.code == "POL_PARENT" ? error.description : "\(error.code)?"
        } catch { return "\(error)" }
    }

    @Test("A child over up to three parents, in any order, is what inheriting one by one gives", arguments: 1...4)
    func whole(_ count: Int) throws {
        let files = try Self.line(count)
        let (set, used) = try effective(files, given: files.dropFirst().reversed())
        #expect(set.name == "set-0" && set.extends == nil)
        #expect(set.denied?.map(\.name) == (0..<count).reversed().map { "bad-\($0)" })
        #expect(used == Set(files.dropFirst().map(\.label)))
        _ = try CompiledReferences(set)
    }

    @Test("A parent that is missing, of other bytes or of another name, and a fifth set in the line, are POL_PARENT")
    func refused() throws {
        let files = try Self.line(3)
        #expect(problem(files, given: [])?.contains("which is not given") == true)
        #expect(problem(files, given: [files[1]])?.contains("set-2@1") == true)
        var edited = files[1]
        edited.bytes.append(0x0A)
        let other = try #require(problem(files, given: [edited, files[2]]))
        #expect(other.contains("file-1 is another document of it, SHA-256"))
        var child = try ReferenceSet(parsing: files[0].bytes)
        child.extends?.name = "another"
        #expect(
            problem([("child", try child.encoded())], given: Array(files.dropFirst()))?.contains(
                "file-1 is the set set-1")
                == true)
        let five = try Self.line(5)
        #expect(problem(five, given: Array(five.dropFirst()))?.contains("more than 4 sets") == true)
    }

    @Test("A parent that does not read is refused under its own name")
    func unreadable() throws {
        #expect {
            try ParentDocuments([("bad.json", [0x7B])])
        } throws: { ($0 as? ParentDocuments.Refusal)?.label == "bad.json" }
    }
}
