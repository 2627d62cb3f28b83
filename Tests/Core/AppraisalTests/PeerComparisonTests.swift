import Appraisal
import ReferenceValues
import TCGEventLog
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite("Machines of one model compared with each other, without references")
struct PeerComparisonTests {
    private static func golden() throws -> PCRValues { try BootedMachine(TestVectors.golden).pcrs.values }
    private static func changed() throws -> PCRValues { try BootedMachine(TestVectors.changedCommandLine).pcrs.values }

    private static func compare(_ machines: [(String, PCRValues)]) -> PeerComparison {
        var tally = PeerTally()
        for (name, values) in machines { tally.add(name, values) }
        return tally.comparison()
    }

    /// `values` with another digest in one register of every bank.
    private static func with(_ pcr: UInt8, _ seed: UInt8, in values: PCRValues) throws -> PCRValues {
        var values = values
        let index = try #require(PCRIndex(pcr))
        for bank in values.banks.keys {
            let digest = try #require(
                Digest(algorithm: bank, bytes: [UInt8](repeating: seed, count: bank.digestSize)))
            values.set(digest, bank: bank, index: index)
        }
        return values
    }

    @Test("Three equal machines agree in every register, and nobody is an outlier")
    func agreement() throws {
        let golden = try Self.golden()
        let comparison = Self.compare([("a", golden), ("b", golden), ("c", golden)])
        #expect(comparison.machines == 3 && comparison.isQuorate)
        #expect(comparison.outliers.isEmpty)
        #expect(!comparison.registers.isEmpty && comparison.registers.allSatisfy { $0.agreement == .agreed })
        #expect(Set(comparison.registers.map(\.bank)).isDisjoint(with: [.sha1]))
    }

    @Test(
        "One machine of three with another command line is an outlier in PCR 8 and 9, named with its layer and numbers")
    func outlier() throws {
        let golden = try Self.golden()
        let comparison = Self.compare([("a", golden), ("odd", try Self.changed()), ("c", golden)])
        #expect(comparison.outliers.map(\.machine) == ["odd", "odd"])
        #expect(comparison.outliers.map { Int($0.pcr.rawValue) } == [8, 9])
        let first = try #require(comparison.outliers.first)
        #expect(first.layer == .kernel && first.majorityCount == 2 && first.machines == 3)
        #expect(first.witness == "a" && first.majority == golden[first.bank, first.pcr])
        #expect(comparison.registers.count { $0.agreement == .majority && $0.bank == .sha256 } == 2)
    }

    @Test("Two machines are never compared, whether they agree or not")
    func tooFew() throws {
        let comparison = Self.compare([("a", try Self.golden()), ("b", try Self.changed())])
        #expect(!comparison.isQuorate && comparison.outliers.isEmpty)
        #expect(comparison.registers.allSatisfy { $0.agreement == .tooFew && $0.majority == nil })
    }

    @Test(
        "Below two thirds there is no majority, and nobody is called an outlier", arguments: [(3, 2), (6, 4), (1, 1)])
    func noMajority(_ counts: (Int, Int)) throws {
        let golden = try Self.golden()
        let other = try Self.with(4, 0xAA, in: golden)
        let third = try Self.with(4, 0xBB, in: golden)
        var machines = (0..<counts.0).map { ("a\($0)", golden) } + (0..<counts.1).map { ("b\($0)", other) }
        if machines.count == 2 { machines.append(("c", third)) }
        let comparison = Self.compare(machines)
        #expect(comparison.outliers.isEmpty)
        let register = try #require(comparison.registers.first { $0.pcr.rawValue == 4 })
        #expect(register.agreement == .noMajority && register.majority == nil && register.largestCount == counts.0)
    }

    @Test("Exactly two thirds are a majority", arguments: [(2, 1), (4, 2), (6, 3)])
    func exactlyTwoThirds(_ counts: (Int, Int)) throws {
        let golden = try Self.golden()
        let other = try Self.with(0, 0xAA, in: golden)
        let comparison = Self.compare(
            (0..<counts.0).map { ("a\($0)", golden) } + (0..<counts.1).map { ("b\($0)", other) })
        #expect(comparison.outliers.count == counts.1)
        #expect(comparison.outliers.allSatisfy { $0.layer == .firmware && $0.majorityCount == counts.0 })
    }

    @Test("A register that a machine did not quote makes it no outlier and does not count")
    func notQuoted() throws {
        let golden = try Self.golden()
        var only = PCRValues()
        let seven = try #require(PCRIndex(7))
        only.set(try #require(golden[.sha256, seven]), bank: .sha256, index: seven)
        let comparison = Self.compare([("a", golden), ("b", golden), ("c", only)])
        #expect(comparison.outliers.isEmpty)
        let sizes = comparison.registers.filter { $0.bank == .sha256 }.map { $0.pcr == seven ? 3 : 2 }
        #expect(comparison.registers.filter { $0.bank == .sha256 }.map(\.machines) == sizes)
    }

    @Test("Events are compared with the machine that stands alone least")
    func witness() throws {
        let golden = try Self.golden()
        // `a` is odd in PCR 0, so `b` is the better witness for what `z` does in PCR 4.
        let comparison = Self.compare([
            ("a", try Self.with(0, 1, in: golden)), ("b", golden), ("c", golden),
            ("z", try Self.with(4, 2, in: golden)),
        ])
        #expect(comparison.outliers.map { [$0.machine, $0.witness] } == [["a", "b"], ["z", "b"]])
    }

    @Test("The register of an operating system (15), of IMA (10) and of SHA-1 alone are not compared")
    func leftOut() throws {
        let golden = try Self.golden()
        var odd = try Self.with(10, 1, in: Self.with(15, 1, in: golden))
        let four = try #require(PCRIndex(4))
        odd.set(.ones(.sha1), bank: .sha1, index: four)
        #expect(Self.compare([("a", golden), ("b", golden), ("c", odd)]).outliers.isEmpty)
    }

    @Test("The differing event is named, from logs that add up to the quoted registers")
    func events() throws {
        let (golden, odd) = (try BootedMachine(TestVectors.golden), try BootedMachine(TestVectors.changedCommandLine))
        let difference = try PeerDifference(from: golden.source, to: odd.source)
        let eight = try #require(PCRIndex(8))
        let changes = try difference.changes(in: eight, bank: .sha256)
        #expect(changes.contains { $0.component == .kernelCommandLine && $0.kind == .changed })
        #expect(changes.allSatisfy { $0.pcr == 8 })
        #expect(throws: PeerDifference.Failure.self) {
            try difference.changes(in: try #require(PCRIndex(0)), bank: .sha256)
        }
    }

    @Test("A log that does not add up to the register names nothing")
    func unproven() throws {
        let (golden, odd) = (try BootedMachine(TestVectors.golden), try BootedMachine(TestVectors.userExtendedPCR8))
        let difference = try PeerDifference(from: golden.source, to: odd.source)
        let eight = try #require(PCRIndex(8))
        #expect(throws: PeerDifference.Failure.self) { try difference.changes(in: eight, bank: .sha256) }
        var cut = odd.source
        cut.eventLog.removeLast()
        #expect(throws: PeerDifference.Failure.self) { try PeerDifference(from: golden.source, to: cut) }
    }

    static let same = ["golden", "h1-golden-same-tpm-freshvars", "h2-golden-newtpm", "g2-warmreboot"]
    static let odd = [
        ("a-cmdline", 8, "kernel-command-line"), ("b-initrd", 9, "initrd"), ("i-optionrom", 2, "driver"),
        ("i-bootentry", 1, "boot-option"), ("j-gpt-extra", 5, "partition-table"),
    ]

    @Test(
        "Four boots of one machine and one that somebody altered: the altered one stands alone, in the right register",
        .enabled(if: TestVectors.corpus != nil, "no corpus"), arguments: odd)
    func corpus(_ variant: String, _ pcr: Int, _ component: String) throws {
        let corpus = try #require(TestVectors.corpus)
        let good = try Self.same.map { try BootedMachine(corpus.measuredBoot($0)) }
        let bad = try BootedMachine(corpus.measuredBoot(variant))
        let comparison = Self.compare(zip(Self.same, good.map(\.pcrs.values)) + [(variant, bad.pcrs.values)])
        #expect(comparison.outliers.contains { $0.machine == variant && Int($0.pcr.rawValue) == pcr })
        #expect(comparison.outliers.allSatisfy { $0.machine == variant })
        let index = try #require(PCRIndex(pcr))
        let changes = try PeerDifference(from: good[0].source, to: bad.source).changes(in: index, bank: .sha256)
        #expect(changes.contains { $0.component.rawValue == component }, "\(changes)")
    }
}
