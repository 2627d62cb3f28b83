import JSONCoding
import ReferenceValues
import TPMStructures
import Testing

@Suite("Reference sets")
struct ReferenceSetTests {
    private let digest = String(repeating: "ab", count: 32)
    private func sound() -> ReferenceSet {
        ReferenceSet(
            name: "s", group: "g", provenance: ["test"], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .firmware)],
            pcrs: [
                .init(
                    events: [.init(name: "blob", type: "EV_POST_CODE", digests: [["sha256": digest]])], pcr: 0),
                .init(values: [["sha256": digest]], pcr: 2),
            ])
    }
    private func codes(_ change: (inout ReferenceSet) -> Void) -> [String] {
        var set = sound()
        change(&set)
        return set.lint().map(\.code)
    }

    @Test("A sound set is read back from its own bytes")
    func roundTrip() throws {
        #expect(sound().lint().isEmpty)
        #expect(try ReferenceSet(parsing: sound().encoded()) == sound())
    }

    @Test("RV-01: what would let everything pass is POL_EMPTY")
    func rv01() {
        #expect(codes { $0.banks = [] }.contains("POL_EMPTY"))
        #expect(codes { $0.layers = [] }.contains("POL_EMPTY"))
        #expect(codes { for index in $0.layers.indices { $0.layers[index].required = false } } == ["POL_EMPTY"])
        #expect(
            codes { $0.pcrs = [.init(ignoring: "x", pcr: 0), .init(ignoring: "x", pcr: 2)] } == ["POL_EMPTY"])
        #expect(codes { $0.pcrs[0].events?[0].digests = [] } == ["POL_EMPTY"])
        for text in ["{}", "[]", "null", "\"\""] {
            #expect(throws: ReferenceSetError.self) { try ReferenceSet(parsing: Array(text.utf8)) }
        }
    }

    @Test("RV-01: any content stands only where settings are, with a reason, and never beside digests")
    func anyContent() throws {
        func codes(pcr: Int, _ rule: ReferenceSet.EventRule) -> [String] {
            var set = sound()
            set.layers.append(.init(id: .platformConfiguration))
            set.pcrs += [1, 3, 6].filter { $0 != pcr }.map { .init(ignoring: "x", pcr: $0) }
            set.pcrs.removeAll { $0.pcr == pcr }
            set.pcrs.append(.init(events: [rule], pcr: pcr))
            return set.lint().map(\.code)
        }
        let own = ReferenceSet.EventRule(name: "BootOrder", type: "t", anyContent: "each machine's own")
        for pcr in [1, 3, 6] { #expect(codes(pcr: pcr, own).isEmpty, "\(pcr)") }
        for pcr in [0, 2] { #expect(codes(pcr: pcr, own) == ["POL_EMPTY"], "\(pcr)") }
        #expect(codes(pcr: 1, .init(name: "x", type: "t", anyContent: "")) == ["POL_SCHEMA"])
        #expect(
            codes(pcr: 1, .init(name: "x", type: "t", digests: [["sha256": digest]], anyContent: "x")) == ["POL_SCHEMA"]
        )
    }

    @Test("RV-02: unknown and duplicate keys, trailing commas and 1.0 are POL_SCHEMA, naming the key")
    func rv02() throws {
        let text = String(decoding: try StrictJSON.encode(sound()), as: UTF8.self)
        func refusal(_ changed: String) -> ReferenceSetError? {
            do {
                _ = try ReferenceSet(parsing: Array(changed.utf8))
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(text) == nil)
        let unknown = refusal(text.replacing("\"type\":", with: "\"optionl\":true,\"type\":"))
        #expect(unknown?.code == "POL_SCHEMA")
        #expect(unknown?.description.contains("optionl") == true)
        let duplicate = refusal(text.replacing("\"name\":\"s\"", with: "\"name\":\"s\",\"name\":\"t\""))
        #expect(duplicate?.description.contains("\"name\"") == true)
        #expect(refusal(text.replacing("\"name\":\"s\"", with: "\"name\":\"s\",")) != nil)
        #expect(refusal(text.replacing("\"pcr\":2", with: "\"pcr\":2.0")) != nil)
    }

    @Test("RV-13: a register of a covered layer without a rule is POL_PCR_UNSET")
    func rv13() {
        #expect(codes { $0.pcrs.removeLast() } == ["POL_PCR_UNSET"])
        #expect(codes { $0.layers.append(.init(id: .secureBoot)) } == ["POL_PCR_UNSET", "POL_PCR_UNSET"])
    }

    @Test("QF-27: a rule on a resettable register is refused", arguments: 16...23)
    func qf27(_ pcr: Int) {
        #expect(codes { $0.pcrs.append(.init(values: [["sha256": digest]], pcr: pcr)) } == ["POL_RESETTABLE_PCR"])
        #expect(codes { $0.pcrs.append(.init(ignoring: "not ours", pcr: pcr)) }.isEmpty)
    }

    @Test("Waivers of LOG_TYPE, LOG_REPLAY, LOG_DUPLICATE and of anything in PCR 7 are refused")
    func waivers() {
        for finding in ["LOG_TYPE", "LOG_REPLAY", "LOG_DUPLICATE", "REF_SECUREBOOT", "QUOTE_MAGIC"] {
            #expect(
                codes {
                    $0.waivers = [.init(finding: finding, pcr: 4, count: 1, digests: [], reason: "r")]
                } == ["POL_WAIVER"])
        }
        #expect(
            codes {
                $0.waivers = [.init(finding: "LOG_SEPARATOR", pcr: 7, count: 1, digests: [], reason: "r")]
            } == ["POL_WAIVER"])
        #expect(
            codes {
                $0.waivers = [.init(finding: "LOG_SEPARATOR", pcr: 4, count: 1, digests: [], reason: "r")]
            }.isEmpty)
    }

    @Test("Digests of a wrong length, unknown banks and stray keys are POL_SCHEMA")
    func schema() {
        #expect(codes { $0.pcrs[1].values = [["sha256": "ab"]] } == ["POL_SCHEMA"])
        #expect(codes { $0.pcrs[1].values = [["sha512": digest]] }.contains("POL_SCHEMA"))
        #expect(codes { $0.banks = ["md5"] }.contains("POL_SCHEMA"))
        #expect(codes { $0.pcrs[1].reason = "stray" } == ["POL_SCHEMA"])
        #expect(codes { $0.pcrs.append($0.pcrs[0]) } == ["POL_SCHEMA"])
        #expect(codes { $0.validity = .init(notAfter: "2026-02-30T00:00:00Z") } == ["POL_SCHEMA"])
        #expect(codes { $0.format = "v2" } == ["POL_SCHEMA"])
    }

    @Test("The difference of two sets names what was added, removed and changed")
    func diff() {
        var after = sound()
        after.pcrs[0].events?[0].digests = [["sha256": String(repeating: "cd", count: 32)]]
        after.pcrs[0].events?.append(.init(name: "second", type: "T", digests: [["sha256": digest]]))
        let diff = ReferenceDiff(from: sound(), to: after)
        #expect(diff.changes.map(\.kind) == [.changed, .added])
        #expect(diff.changes.map(\.name) == ["blob", "second"])
        #expect(ReferenceDiff(from: sound(), to: sound()).isEmpty)
        #expect(
            ReferenceDiff(from: after, to: sound()).changes.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [
                .changed, .removed,
            ])
    }

    @Test("Instants are read in one form, and written as they were read")
    func instants() {
        #expect(RFC3339.milliseconds("1970-01-01T00:00:00Z") == 0)
        #expect(RFC3339.milliseconds("2024-02-29T12:00:01Z") == 1_709_208_001_000)
        #expect(RFC3339.text(1_709_208_001_999) == "2024-02-29T12:00:01Z")
        #expect(RFC3339.text(-1) == "1969-12-31T23:59:59Z")
        for text in [
            "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01 00:00:00Z", "",
        ] {
            #expect(RFC3339.milliseconds(text) == nil, "\(text)")
        }
    }
}
