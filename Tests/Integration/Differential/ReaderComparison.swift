import ByteParsing
import TCGEventLog
import TPMStructures

/// What the product and the second reader make of the same bytes.
struct ReaderComparison {
    /// Differences that are meant; everything else fails the test.
    enum Rule: String, CaseIterable {
        /// The product refuses a SHA-1 log that holds crypto-agile records: its header was lost or is of an older form.
        /// The profile knows no such mixture; the second reader takes the bytes for SHA-1 records.
        case lostHeader
        /// The product bounds what the profile leaves open: at most eight algorithms, and for one that it does not know a
        /// digest of 1 to 64 bytes.
        case algorithmBounds
        /// A StartupLocality that the profile forbids (its register, place, value or length, or a second one): the
        /// readers start PCR 0 differently. The product reports `LOG_STARTUP_LOCALITY`, which fails the machine.
        case startupLocality
    }

    enum Outcome: Equatable {
        case same(accepted: Bool)
        case explained(Rule)
        case unexplained(String)
    }

    /// - Parameter kind: What the second reader was told that register indices name.
    static func compare(
        _ bytes: [UInt8], as kind: SecondReader.Kind, with second: SecondReader.Answer
    ) -> Outcome {
        do throws(TCGEventLogError) {
            let log = try TCGEventLog(parsing: bytes, registers: LoggedRegisters(rawValue: kind.rawValue))
            guard case .accepted(let reading) = second else {
                return .unexplained("only the second reader refuses: \(second)")
            }
            return compare(log, with: reading)
        } catch {
            guard case .accepted(let reading) = second else { return .same(accepted: false) }
            if error.reason == .header, reading.format == "sha1", error.field == "TCG_EfiSpecIdEvent" {
                return .explained(.lostHeader)
            }
            if case .outOfRange = error.problem, error.reason == .header,
                error.field.hasSuffix("numberOfAlgorithms") || error.field.hasSuffix("digestSize")
            {
                return .explained(.algorithmBounds)
            }
            return .unexplained("only the product refuses: \(error)")
        }
    }

    private static func compare(_ log: TCGEventLog, with reading: SecondReader.Reading) -> Outcome {
        guard log.format.rawValue == reading.format, log.registers.rawValue == reading.kind,
            log.events.count == reading.events,
            log.padding.count == reading.padding
        else {
            return .unexplained(
                "\(log.registers), \(log.format), \(log.events.count) events, \(log.padding); \(reading)")
        }
        let replay = log.replay()
        var registers: [String: String] = [:]
        for (bank, set) in replay.extended {
            for pcr in set.indices { registers["\(bank):\(pcr.rawValue)"] = replay.values[bank, pcr]?.hex }
        }
        // A remark of the second reader that bears on a verdict must be a finding of the product.
        let reasons = reading.remarks.isEmpty ? [] : Set(log.findings().map(\.id))
        if reading.remarks.contains("digest-missing"), !reasons.contains(.digestList) {
            return .unexplained("a digest is missing and the product does not say so")
        }
        if reading.remarks.contains("header-register"), !reasons.contains(.noAction) {
            return .unexplained("the header names another register and the product does not say so")
        }
        let wrongLocality = reading.remarks.contains("startup-locality")
        if wrongLocality, !reasons.contains(.startupLocality) {
            return .unexplained("the startup locality is wrong and the product does not say so")
        }
        if Int(replay.startupLocality) == reading.startupLocality, registers == reading.registers {
            return .same(accepted: true)
        }
        guard wrongLocality, Int(replay.startupLocality) != reading.startupLocality else {
            return .unexplained("locality \(replay.startupLocality), \(registers); \(reading)")
        }
        for register in Set(registers.keys).union(reading.registers.keys)
        where !register.hasSuffix(":0") && registers[register] != reading.registers[register] {
            return .unexplained("\(register) differs")
        }
        return .explained(.startupLocality)
    }
}
