import AttestationTestKit
import ByteParsing
import Foundation
import IMAMeasurementList
import SoftwareTPM
import TPMStructures
import TestVectors
import Testing

@Suite(
    "Measurement lists through two independent readers",
    .enabled(if: SecondReader.isAvailable, "\(SecondReader.requirement)"))
struct IMADifferentialTests {
    /// What a reader says of a list, in the words of `replay_ima.py`.
    private func product(_ bytes: [UInt8]) -> String {
        let banks: [PCRBank] = [.sha1, .sha256, .sha384, .sha512]
        var replay = IMAReplay(
            lanes: banks.flatMap { bank in [IMAExtension.native, .paddedSHA1].compactMap { IMALane(bank, $0) } })
        var parser = IMAListParser()
        do throws(IMAListError) {
            try parser.append(bytes.span) { replay.add($0) }
            try parser.finish { replay.add($0) }
        } catch {
            return "refuse \(error.entry)"
        }
        let layout =
            parser.layout.map { "\($0.byteOrder == .littleEndian ? "le" : "be")\($0.templateDigestSize)" } ?? "empty"
        var registers: [(bank: String, mode: String, index: Int, hex: String)] = []
        for lane in replay.lanes {
            for pcr in replay.extended.indices {
                registers.append(
                    (
                        lane.bank.name, lane.mode == .native ? "native" : "padded", Int(pcr.rawValue),
                        replay.value(lane, pcr)?.hex ?? ""
                    ))
            }
        }
        registers.sort { ($0.bank, $0.mode, $0.index) < ($1.bank, $1.mode, $1.index) }
        let values = registers.map { "\($0.bank):\($0.mode):\($0.index)=\($0.hex)" }.joined(separator: ",")
        let aggregates = (replay.bootAggregate == nil ? 0 : 1) + replay.tally(.laterBootAggregate).count
        let counts = [
            replay.entryCount, replay.violationCount, replay.tally(.templateDigest).count,
            replay.tally(.unknownTemplate).count, aggregates,
        ]
        return "accept \(layout) \(counts.map(String.init).joined(separator: " ")) \(values.isEmpty ? "-" : values)"
    }

    private func second(_ lists: [[UInt8]]) throws -> [String] {
        var input: [UInt8] = []
        for list in lists {
            for shift in [0, 8, 16, 24] { input.append(UInt8(truncatingIfNeeded: list.count >> shift)) }
            input += list
        }
        let script = "\(Programs.root)/Tests/Integration/Differential/replay_ima.py"
        return try runProcessSuccessfully("python3", ["-B", script], input: input, timeoutSeconds: 300)
            .text.split(separator: "\n").map(String.init)
    }

    /// - Returns: How many both accept.
    private func compare(_ lists: [[UInt8]], _ names: [String] = []) throws -> Int {
        let answers = try second(lists)
        #expect(answers.count == lists.count)
        var accepted = 0
        for (place, answer) in answers.enumerated() {
            let own = product(lists[place])
            if own != answer {
                Issue.record(
                    "\(names.isEmpty ? "mutant \(place)" : names[place]): \(own.prefix(300)); \(answer.prefix(300))")
            }
            accepted += own.hasPrefix("accept") ? 1 : 0
        }
        return accepted
    }

    @Test("IM-04: both readers say the same of the committed list and of every binary list of the corpus")
    func lists() throws {
        #expect(try compare([TestVectors.golden.bytes("ima_binary"), []], ["golden", "empty"]) == 2)
        guard let corpus = TestVectors.corpus else { return }
        let files = FileManager.default.enumerator(at: corpus.root, includingPropertiesForKeys: nil)
        let paths = try #require(files).compactMap { ($0 as? URL)?.path }.filter {
            $0.hasSuffix("/ima_binary") || $0.contains("/ima/") && $0.hasSuffix(".bin")
        }.sorted()
        #expect(paths.count > 20)
        let lists = try paths.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
        // Two of them end in a stray byte.
        #expect(try compare(lists, paths) == lists.count - 2)
    }

    @Test("IM-04: two thousand mutants are accepted or refused alike, at the same entry, with the same registers")
    func mutants() throws {
        let golden = try read(TestVectors.golden.bytes("ima_binary"), entries: 12)
        var big = IMAListBuilder.honest(6, bigEndian: true, algorithm: .sha256)
        big.addViolation("/var/log/wtmp")
        big.add("ima-buf", [IMAListBuilder.digest("sha1", .init(repeating: 1, count: 20)), [0x6B, 0], [1, 2, 3]])
        var old = IMAListBuilder()
        for name in ["boot_aggregate", "/init", "/bin/sh"] {
            old.entries.append(
                .init(template: "ima", data: .init(repeating: 7, count: 20) + old.field(Array(name.utf8))))
        }
        old.add("ima-ngv2", [Array("verity:sha256:".utf8) + [0] + [UInt8](repeating: 1, count: 32), [0x2F, 0]])
        let seeds = [golden, big.bytes, old.bytes]
        var generator = SeededGenerator(seed: 104)
        let lists = (0..<2000).map { round in
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch UInt8.random(in: 0...5, using: &generator) {
                case 0, 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 2: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 3: bytes[place] = [0, 1, 0x3A, 0xFF].randomElement(using: &generator) ?? 0
                case 4: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...40, using: &generator)))
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            return bytes
        }
        let accepted = try compare(lists)
        // Both answers must be common, or the mutants would test one branch.
        #expect(accepted > 200 && accepted < 1800, "\(accepted)")
    }

    /// The first entries of a list.
    private func read(_ bytes: [UInt8], entries: Int) throws -> [UInt8] {
        var end = 0
        var parser = IMAListParser()
        try parser.append(bytes.span) { if $0.index < entries { end = $0.offset + $0.size } }
        return Array(bytes[..<end])
    }
}
