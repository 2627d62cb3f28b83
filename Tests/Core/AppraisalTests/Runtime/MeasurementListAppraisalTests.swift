import Appraisal
import ReferenceValues
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

/// Lists of booted machines, appraised whole against references captured with their runtime.
@Suite("Measurement lists against captured references")
struct MeasurementListAppraisalTests {
    struct Machine {
        var booted: BootedMachine
        var list: [UInt8]

        init(_ vector: MeasuredBootVector) throws {
            booted = try BootedMachine(vector)
            list = try vector.bytes("ima_binary")
        }

        func captured() throws -> ReferenceSet {
            try ReferenceCapture.draft(
                name: "golden", group: "lab",
                from: [
                    .init(pcrs: booted.pcrs, eventLog: booted.eventLog ?? [], label: "test", measurementList: list)
                ], layers: LayerID.boot + [.runtime])
        }

        func appraise(_ set: ReferenceSet, list other: [UInt8]? = nil) throws -> AttestationResult {
            var input = booted.input()
            input.measurementList = other ?? list
            return Appraiser(references: try CompiledReferences(set), policy: .strict).appraise(input)
        }
    }

    private func golden() throws -> Machine { try Machine(TestVectors.golden) }
    private func runtime(_ result: AttestationResult) -> [Finding] { result.layer(.runtime)?.findings ?? [] }

    @Test("A booted machine passes its own references; without a section runtime its list is nobody's matter")
    func passes() throws {
        let machine = try golden()
        let set = try machine.captured()
        #expect(set.lint() == [])
        #expect(set.runtime?.files?.count == 53)
        #expect(set.runtime?.minimumEntries == 27)
        let result = try machine.appraise(set)
        #expect(result.verdict == .pass, "\(result.findings)")
        #expect(result.layer(.runtime)?.tier == .affirming)
        var without = set
        without.runtime = nil
        without.layers.removeAll { $0.id == "runtime" }
        let bare = try machine.appraise(without, list: [1, 2, 3])
        #expect(bare.verdict == .pass)
        #expect(bare.layer(.runtime)?.tier == Tier.none)
    }

    @Test(
        "The same machine again passes", .enabled(if: TestVectors.corpus != nil, "no corpus"),
        arguments: ["h1-golden-same-tpm-freshvars", "h2-golden-newtpm", "g2-warmreboot", "g4-after-powercut", "g5-s3"])
    func again(_ variant: String) throws {
        let machine = try Machine(#require(TestVectors.corpus).measuredBoot(variant))
        #expect(try machine.appraise(golden().captured()).verdict == .pass)
    }

    @Test(
        "IM-01: a program that was run fails the runtime, by name", .enabled(if: TestVectors.corpus != nil, "no corpus")
    )
    func im01() throws {
        let machine = try Machine(#require(TestVectors.corpus).measuredBoot("f1-ima-newexec"))
        let result = try machine.appraise(golden().captured())
        #expect(result.verdict == .fail)
        #expect(result.firstBrokenLayer == .runtime)
        #expect(result.firstDivergentEvent?.name == "/root/evil")
        #expect(result.firstDivergentEvent?.pcr == 10)
        #expect(runtime(result).map(\.id) == ["IMA_UNKNOWN_FILE"])
    }

    @Test(
        "IM-01, IM-02, AG-01: a file that was changed and run fails with IMA_DIGEST, its writing while it was read with IMA_VIOLATION",
        .enabled(if: TestVectors.corpus != nil, "no corpus"))
    func im02() throws {
        let machine = try Machine(#require(TestVectors.corpus).measuredBoot("f3-ima-modify-violation"))
        let result = try machine.appraise(golden().captured())
        #expect(result.verdict == .fail)
        #expect(result.firstBrokenLayer == .runtime)
        #expect(Set(runtime(result).map(\.id)) == ["IMA_UNKNOWN_FILE", "IMA_VIOLATION"])
        // Known by its first content, the path shows the second one as what it is.
        var set = try golden().captured()
        let first = try #require(runtime(result).first { $0.id == "IMA_UNKNOWN_FILE" })
        set.runtime?.files?.append("\(try #require(first.seen)) \(try #require(first.name))")
        let known = try runtime(machine.appraise(set))
        #expect(known.contains { $0.id == "IMA_DIGEST" && $0.name == first.name && $0.expected == first.seen })
        // Exempt, the violation is no finding.
        set.runtime?.violations = [try #require(known.first { $0.id == "IMA_VIOLATION" }?.name)]
        #expect(try !runtime(machine.appraise(set)).contains { $0.id == "IMA_VIOLATION" })
    }

    @Test("IM-06: a list from which any entry was dropped, or in which two were exchanged, proves nothing")
    func im06() throws {
        let machine = try golden()
        let set = try machine.captured()
        let entries = Self.entries(machine.list)
        #expect(entries.count == 54)
        for dropped in entries.indices {
            let list = entries.enumerated().filter { $0.offset != dropped }.flatMap { Array($0.element) }
            let result = try machine.appraise(set, list: list)
            let id = dropped == 0 ? "IMA_TRIMMED" : "IMA_REPLAY"
            #expect(result.verdict == .fail)
            #expect(runtime(result).contains { $0.id == id && $0.tier == .contraindicated }, "\(dropped)")
        }
        var swapped = entries
        swapped.swapAt(20, 21)
        #expect(
            try runtime(machine.appraise(set, list: swapped.flatMap(Array.init))).contains { $0.id == "IMA_REPLAY" })
        // A longer list is a later one: what follows the quote is not judged yet.
        #expect(try machine.appraise(set, list: machine.list + entries[3]).verdict == .pass)
    }

    @Test("IM-09: a list that begins late is IMA_TRIMMED where nothing is known of what came before")
    func im09() throws {
        let machine = try golden()
        let entries = Self.entries(machine.list)
        for start in [1, 2, 30, 53] {
            let result = try machine.appraise(machine.captured(), list: entries[start...].flatMap(Array.init))
            #expect(result.verdict == .fail)
            #expect(runtime(result).contains { $0.id == "IMA_TRIMMED" })
        }
    }

    @Test("IM-03: template data that was edited is IMA_REPLAY; a listed digest that was edited is IMA_TEMPLATE_DIGEST")
    func im03() throws {
        let machine = try golden()
        let set = try machine.captured()
        var entries = Self.entries(machine.list).map(Array.init)
        let last = entries[9].count - 2
        entries[9][last] ^= 1
        #expect(try runtime(machine.appraise(set, list: entries.flatMap(\.self))).contains { $0.id == "IMA_REPLAY" })
        entries[9][last] ^= 1
        entries[9][4] ^= 1
        let findings = try runtime(machine.appraise(set, list: entries.flatMap(\.self)))
        #expect(findings.map(\.id) == ["IMA_TEMPLATE_DIGEST"])
        #expect(findings.map(\.event) == [9])
    }

    @Test("IM-05: a text list is refused, whatever it says")
    func im05() throws {
        let machine = try golden()
        let result = try machine.appraise(machine.captured(), list: TestVectors.golden.bytes("ima_ascii"))
        #expect(result.verdict == .fail)
        #expect(runtime(result).first?.id == "IMA_TEMPLATE")
    }

    @Test("A list that is missing is an error, one that cannot be read a fail, and neither ever passes")
    func missing() throws {
        let machine = try golden()
        let set = try machine.captured()
        var input = machine.booted.input()
        input.measurementList = nil
        let none = Appraiser(references: try CompiledReferences(set), policy: .strict).appraise(input)
        #expect(none.verdict == .error)
        #expect(none.firstBrokenLayer == .runtime)
        for list in [[], [0xFF], Array(machine.list.dropLast()), Array(machine.list.dropFirst())] as [[UInt8]] {
            #expect(try machine.appraise(set, list: list).verdict == .fail)
        }
        // Not required, the layer is shown as unproven.
        var optional = set
        for index in optional.layers.indices where optional.layers[index].id == "runtime" {
            optional.layers[index].required = false
        }
        let shown = Appraiser(references: try CompiledReferences(optional), policy: .strict).appraise(input)
        #expect(shown.verdict == .pass)
        #expect(shown.layer(.runtime)?.trustworthy == false)
    }

    @Test("RV-08: a set past its end judges no list either")
    func expired() throws {
        let machine = try golden()
        var set = try machine.captured()
        set.validity = .init(notAfter: "1970-01-02T00:00:00Z")
        var input = machine.booted.input(at: 86_400_001)
        input.measurementList = machine.list
        let result = Appraiser(references: try CompiledReferences(set), policy: .strict).appraise(input)
        #expect(result.verdict == .error)
        #expect(runtime(result).map(\.id) == ["REF_EXPIRED"])
    }

    @Test("A list that does not add up to the quote is never captured")
    func capture() throws {
        let machine = try golden()
        for list in [nil, Array(machine.list.dropLast(60)), [1]] as [[UInt8]?] {
            #expect(throws: ReferenceCapture.Failure.self) {
                try ReferenceCapture.draft(
                    name: "x", group: "g",
                    from: [
                        .init(
                            pcrs: machine.booted.pcrs, eventLog: machine.booted.eventLog ?? [], label: "test",
                            measurementList: list)
                    ], layers: LayerID.boot + [.runtime])
            }
        }
    }

    /// The entries of a little-endian list of SHA-1 template digests.
    static func entries(_ list: [UInt8]) -> [ArraySlice<UInt8>] {
        func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(list[offset + $1]) << (8 * $1) } }
        var entries: [ArraySlice<UInt8>] = []
        var start = 0
        while start < list.count {
            let name = start + 24
            let data = name + 4 + number(name)
            let end = data + 4 + number(data)
            entries.append(list[start..<end])
            start = end
        }
        return entries
    }
}
