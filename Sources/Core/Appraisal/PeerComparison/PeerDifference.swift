internal import TCGEventLog
internal import TPMCryptography
public import TPMStructures

/// The events that make an outlier differ from a machine of the majority. What a log says of a register is taken only where
/// the log adds up to the quoted value.
public struct PeerDifference: Sendable {
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    /// Of one log. What a node can make up must not cost the verifier minutes.
    private static let maximumEvents = 4_096
    private let comparison: BootComparison
    private let machines: [Machine]

    private struct Machine: Sendable {
        let source: ReferenceCapture.Source
        let log: TCGEventLog
    }

    /// - Throws: when a log cannot be read, is too long, or the two have no bank in common.
    public init(from witness: ReferenceCapture.Source, to outlier: ReferenceCapture.Source) throws(Failure) {
        let (before, after) = (try Self.log(of: witness), try Self.log(of: outlier))
        machines = [Machine(source: witness, log: before), Machine(source: outlier, log: after)]
        do throws(BootComparison.Failure) { comparison = try BootComparison(from: before, to: after) } catch {
            throw Failure(description: error.description)
        }
    }

    /// - Throws: when the register has the same value on both machines, or one machine's log does not add up to it.
    public func changes(in pcr: PCRIndex, bank: PCRBank) throws(Failure) -> [BootChange] {
        guard machines[0].source.pcrs[bank, pcr] != machines[1].source.pcrs[bank, pcr] else {
            throw Failure(description: "the evidence that is kept whole shows no difference in PCR \(pcr)")
        }
        for machine in machines {
            guard machine.log.replay(against: machine.source.pcrs, covering: PCRSet([pcr])).replayed != nil else {
                throw Failure(
                    description: "the event log of \(machine.source.label) does not add up to its PCR \(pcr)")
            }
        }
        return comparison.changes.filter { $0.pcr == Int(pcr.rawValue) }
    }

    private static func log(of source: ReferenceCapture.Source) throws(Failure) -> TCGEventLog {
        let log: TCGEventLog
        do throws(TCGEventLogError) {
            log = try TCGEventLog(parsing: source.eventLog, registers: .pcrs)
        } catch {
            throw Failure(description: "\(source.label): \(error)")
        }
        guard log.events.count <= maximumEvents else {
            throw Failure(description: "\(source.label): a log of \(log.events.count) events is not compared here")
        }
        return log
    }
}
