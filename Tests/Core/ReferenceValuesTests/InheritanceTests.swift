import JSONCoding
import ReferenceValues
import Testing

@Suite("Reference sets that rest on others")
struct InheritanceTests {
    private static let digest = String(repeating: "ab", count: 32)
    private static let other = String(repeating: "cd", count: 32)

    private static func value(_ digest: String, _ pcr: Int) -> ReferenceSet.PCRRule {
        ReferenceSet.PCRRule(values: [["sha256": digest]], pcr: pcr)
    }

    private static let model = ReferenceSet(
        name: "model", group: "models", provenance: ["vendor"], validity: .init(notAfter: "2028-01-01T00:00:00Z"),
        banks: ["sha256"], layers: [.init(id: .tpmIdentity), .init(id: .firmware)],
        pcrs: [value(digest, 0), value(digest, 2)],
        denied: [.init(name: "bad", digests: ["sha256:\(digest)"], reason: "r")],
        waivers: [.init(finding: "LOG_SEPARATOR", pcr: 0, count: 1, digests: [], reason: "model")])

    private static func role(_ change: (inout ReferenceSet) -> Void = { _ in }) -> ReferenceSet {
        var set = ReferenceSet(
            name: "role", group: "mec", provenance: ["site"],
            validity: .init(notBefore: "2026-01-01T00:00:00Z", notAfter: "2027-01-01T00:00:00Z"), banks: ["sha256"],
            layers: [.init(id: .secureBoot)],
            pcrs: [value(other, 2), value(digest, 7), .init(ignoring: "no shim", pcr: 14)],
            denied: [.init(name: "worse", digests: ["sha256:\(other)"], reason: "r")],
            waivers: [.init(finding: "LOG_SEPARATOR", pcr: 0, count: 3, digests: [], reason: "role")],
            extends: .init(name: "model", version: 3, documentSHA256: digest))
        change(&set)
        return set
    }

    @Test("The child's layers, registers and waivers take the place of the parent's; all else holds, deny-lists add up")
    func merging() throws {
        let set = try Self.role().inheriting(from: Self.model)
        #expect(set.name == "role" && set.group == "mec" && set.extends == nil)
        #expect(set.layers.map(\.id) == ["tpm-identity", "firmware", "secure-boot"])
        #expect(set.pcrs.map(\.pcr) == [0, 2, 7, 14])
        #expect(set.pcrs[0] == Self.value(Self.digest, 0) && set.pcrs[1] == Self.value(Self.other, 2))
        #expect(set.denied?.map(\.name) == ["bad", "worse"])
        #expect(set.waivers?.map(\.count) == [3])
        #expect(set.provenance == ["site", "vendor"])
        #expect(set.validity == .init(notBefore: "2026-01-01T00:00:00Z", notAfter: "2027-01-01T00:00:00Z"))
        #expect(try CompiledReferences(set).coveredLayers == [.tpmIdentity, .firmware, .secureBoot])
    }

    @Test("A child alone reads, and judges nobody")
    func alone() throws {
        let child = Self.role()
        #expect(try ReferenceSet(parsing: child.encoded()) == child)
        #expect { try CompiledReferences(child) } throws: { ($0 as? ReferenceSetError)?.code == "POL_PARENT" }
        #expect {
            try CompiledReferences(parsing: child.encoded())
        } throws: { ($0 as? ReferenceSetError)?.code == "POL_PARENT" }
    }

    @Test("RV-01, RV-13: what the two leave open together is refused as in one set")
    func unsound() {
        func code(_ change: (inout ReferenceSet) -> Void) -> String? {
            do {
                _ = try Self.role(change).inheriting(from: Self.model)
                return nil
            } catch { return error.code }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0.layers.append(.init(id: .kernel)) } == "POL_PCR_UNSET")
        #expect(code { $0.banks = ["sha384"] } == "POL_PARENT")
        #expect(code { $0.pcrs.removeLast() } == "POL_PCR_UNSET")
        #expect(
            code { $0.layers = [.init(id: .tpmIdentity, required: false), .init(id: .firmware, required: false)] }
                == "POL_EMPTY")
    }

    @Test("RV-02: a parent without name, version or SHA-256 is POL_SCHEMA, and so is a child without any layer")
    func schema() {
        #expect(Self.role().lint().isEmpty)
        let wrong = [
            ReferenceSet.Parent(name: "", version: 1, documentSHA256: Self.digest),
            ReferenceSet.Parent(name: "m", version: 0, documentSHA256: Self.digest),
            ReferenceSet.Parent(name: "m", version: 1, documentSHA256: "ab"),
        ]
        for parent in wrong {
            #expect(Self.role { $0.extends = parent }.lint().map(\.code) == ["POL_SCHEMA"])
        }
        #expect(Self.role { $0.layers = [] }.lint().map(\.code) == ["POL_EMPTY"])
        let text = #"{"extends":{"name":"m","version":1}}"#
        #expect(throws: ReferenceSetError.self) { try ReferenceSet(parsing: Array(text.utf8)) }
    }

    @Test("The difference of two sets names another parent")
    func diff() {
        let diff = ReferenceDiff(from: Self.role(), to: Self.role { $0.extends?.version = 4 })
        #expect(diff.changes.map(\.name) == ["extends"])
        #expect(diff.changes.first?.after?.hasPrefix("model@4") == true)
    }
}
