import AttestationTestKit
import IMAMeasurementList
import TPMStructures
import TestVectors
import Testing

@Suite("Hostile measurement lists")
struct MutationTests {
    /// Everything that reads a list, on whatever bytes.
    private func readAll(_ bytes: [UInt8], by size: Int) -> Bool {
        do throws(IMAListError) {
            let entries = try read(bytes, by: size)
            var replay = IMAReplay(
                lanes: PCRBank.allCases.flatMap { bank in IMAExtension.allCases.compactMap { IMALane(bank, $0) } })
            for entry in entries {
                for field in IMAField.allCases { _ = entry.field(field) }
                _ = (
                    entry.fileDigest?.description, entry.modsigDigest, entry.integer(.iuid),
                    entry.hasListedTemplateDigest
                )
                replay.add(entry)
            }
            for finding in replay.findings(attested: IMAListBuilder.boot) { _ = (finding.detail, finding.name) }
            return true
        } catch {
            #expect(error.offset >= 0 && error.offset <= bytes.count)
            return false
        }
    }

    @Test(
        "IM-04: four thousand mutants of binary and ASCII lists are read or refused, the same in any pieces, never a trap"
    )
    func mutants() throws {
        var generator = SeededGenerator(seed: 4)
        let golden = try TestVectors.golden.bytes("ima_binary")
        let seeds = [
            Array(golden.prefix(1300)), Array(try TestVectors.golden.bytes("ima_ascii").prefix(1500)),
            IMAListBuilder.honest(8, bigEndian: true, algorithm: .sha384).bytes,
        ]
        var refused = 0
        for round in 0..<4000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch UInt8.random(in: 0...4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 2: bytes[place] = [0, 0x0A, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
                case 3: bytes.removeLast(min(bytes.count, Int.random(in: 0...64, using: &generator)))
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            let whole = readAll(bytes, by: bytes.count)
            if !whole { refused += 1 }
            if round % 10 == 0 { #expect(readAll(bytes, by: 11) == whole, "\(round)") }
        }
        #expect(refused > 0 && refused < 4000)
    }
}
