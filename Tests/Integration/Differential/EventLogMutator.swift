import AttestationTestKit
import TCGEventLog
import TPMStructures

/// Changes logs where readers could part: fields of records and of the header, order and number of records, the end.
struct EventLogMutator {
    /// A log and where its records lie.
    private struct Seed {
        var bytes: [UInt8]
        var events: [TCGPCREvent2]
        var isAgile: Bool
    }

    private let seeds: [Seed]
    private var generator: SeededGenerator

    init(_ logs: [[UInt8]], seed: UInt64) throws {
        seeds = try logs.map { bytes in
            let log = try TCGEventLog(parsing: bytes)
            return Seed(bytes: bytes, events: log.events, isAgile: log.format == .cryptoAgile)
        }
        generator = SeededGenerator(seed: seed)
    }

    /// One to three changes. Later ones aim at where a field was before the earlier ones: some then hit another.
    mutating func next() -> [UInt8] {
        let seed = seeds[number(below: seeds.count)]
        var bytes = seed.bytes
        for _ in 0...number(below: 3) { change(&bytes, of: seed) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], of seed: Seed) {
        let event = seed.events[number(below: seed.events.count)]
        switch number(below: 14) {
        case 0: write([0, 1, 14, 16, 17, 22, 23, 24, 32, 255, .max], 4, at: event.offset, &bytes)
        case 1: write([0, 3, 3, 4, 8, 0x8000_0010, 0x8000_0010, 0x8000_0001, .max], 4, at: event.offset + 4, &bytes)
        case 2: write([0, 1, 1, 2, 3, 4, 5, 9, .max], 4, at: event.offset + 8, &bytes)
        case 3: write([4, 0xB, 0xC, 0xD, 0x12, 0x27, 0, .max], 2, at: event.offset + 12, &bytes)
        case 4:
            let size = UInt32(event.dataRange.count)
            write(
                [0, 16, 17, size &+ 1, size &- 1, size &+ 36, 0x7FFF_FFFF, .max], 4, at: event.dataRange.lowerBound - 4,
                &bytes)
        case 5: flip(event.range, &bytes)
        case 6: flip(event.dataRange, &bytes)
        case 7: flip(0..<bytes.count, &bytes)
        case 8: changeHeader(&bytes, of: seed)
        case 9: bytes.removeLast(min(bytes.count, number(below: 200)))
        case 10:
            let byte = ([0, 0xFF, 0xFF, 1] as [UInt8])[number(below: 4)]
            bytes += [UInt8](repeating: byte, count: number(below: 80))
        case 11: remove(event.range, &bytes)
        case 12: insert(Array(seed.bytes[event.range]), before: seed.events[number(below: seed.events.count)], &bytes)
        default: insert(locality(like: seed), before: seed.events[number(below: min(6, seed.events.count))], &bytes)
        }
    }

    /// Signature, number of algorithms, an algorithm or its size, vendor information: the fields of TCG_EfiSpecIdEvent.
    private mutating func changeHeader(_ bytes: inout [UInt8], of seed: Seed) {
        guard seed.isAgile else { return flip(0..<min(64, bytes.count), &bytes) }
        switch number(below: 4) {
        case 0: flip(32..<48, &bytes)
        case 1: write([0, 1, 2, 3, 4, 5, 8, 9, 0xFFFF], 4, at: 56, &bytes)
        case 2:
            write([4, 0xB, 0xC, 0xD, 0x12, 0x27, 20, 32, 0, 64, 65, .max], 2, at: 60 + 2 * number(below: 4), &bytes)
        default: flip(28..<70, &bytes)
        }
    }

    /// A StartupLocality record, true or odd in its value, its length, its register or its place.
    private mutating func locality(like seed: Seed) -> [UInt8] {
        let registers: [UInt32] = [0, 0, 0, 1, .max]
        let value = ([0, 3, 3, 4, 4, 1, 5] as [UInt8])[number(below: 7)]
        let data = Array("StartupLocality".utf8) + [0, value] + (number(below: 8) == 0 ? [0] : [])
        var builder = EventLogBuilder(banks: seed.isAgile ? banks(of: seed) : [.sha1])
        builder.cryptoAgile = seed.isAgile
        builder.writesHeader = false
        builder.appendNoAction(data, pcr: registers[number(below: registers.count)])
        return builder.bytes
    }

    private func banks(of seed: Seed) -> [PCRBank] { seed.events.last?.digests.map(\.algorithm) ?? [] }

    private mutating func write(_ values: [UInt32], _ size: Int, at offset: Int, _ bytes: inout [UInt8]) {
        let value = values[number(below: values.count)]
        for byte in 0..<size where bytes.indices.contains(offset + byte) {
            bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte)))
        }
    }

    private mutating func flip(_ range: Range<Int>, _ bytes: inout [UInt8]) {
        guard !range.isEmpty else { return }
        let place = range.lowerBound + number(below: range.count)
        if bytes.indices.contains(place) { bytes[place] ^= UInt8(1 + number(below: 255)) }
    }

    private func remove(_ range: Range<Int>, _ bytes: inout [UInt8]) {
        if range.upperBound <= bytes.count { bytes.removeSubrange(range) }
    }

    private func insert(_ record: [UInt8], before event: TCGPCREvent2, _ bytes: inout [UInt8]) {
        bytes.insert(contentsOf: record, at: min(event.offset, bytes.count))
    }

    private mutating func number(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
}
