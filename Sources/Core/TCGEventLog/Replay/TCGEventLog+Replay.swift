public import TPMCryptography
public import TPMStructures

extension TCGEventLog {
    /// Registers that firmware and boot loaders alone extend, all of which a boot log must account for: 0–9, and 14 (MOK).
    /// 10 is IMA's, 11–13 and 15 are also extended by the operating system, 16–23 are never judged.
    public static let firmwarePCRs = PCRSet(((0...9) + [14]).compactMap { PCRIndex($0) })
    /// The same of a CC event log: RTMR 0 to 3.
    public static let measurementRegisters = PCRSet(LoggedRegisters.extendable.compactMap { PCRIndex(Int($0)) })

    /// The first StartupLocality event, wherever it stands; ``findings()`` says when it stands in the wrong place.
    public var startupLocality: StartupLocality? { events.lazy.compactMap(StartupLocality.init).first }

    /// An H-CRTM measurement precedes every other event of PCR 0: the TPM then starts PCR 0 at locality 4
    /// (TPM 2.0 Library, Part 1, section 34.3; PFP 1.06, EV_EFI_HCRTM_EVENT).
    public var startsWithHCRTM: Bool {
        events.first { $0.isExtended && $0.registerIndex == 0 }?.untrustedEventType == .efiHCRTMEvent
    }

    /// Registers that at least one event extends, whatever the bank.
    public var extendedPCRs: PCRSet { PCRSet(events.lazy.filter(\.isExtended).compactMap(\.pcr)) }

    /// What a TPM would hold if these events, in this order, were all that was extended.
    ///
    /// EV_NO_ACTION is never extended. Where a record lacks a bank's digest, that bank is not extended.
    public func replay() -> PCRReplay {
        let locality: UInt8
        if registers == .measurementRegisters {
            locality = 0
        } else if startsWithHCRTM {
            locality = 4
        } else if let logged = startupLocality, logged.isKnown {
            locality = logged.untrustedValue
        } else {
            locality = 0
        }
        let banks = self.banks
        var values = banks.map { PCRReplay.initialRegisters($0, registers, startupLocality: locality) }
        var extended = [UInt32](repeating: 0, count: banks.count)
        for event in events where event.isExtended {
            let index = Int(event.registerIndex)
            event.forEachDigest { bank, range in
                guard let bank, let place = banks.firstIndex(of: bank) else { return }
                MessageDigest.extend(
                    &values[place], at: index * bank.digestSize, with: bytes.span.extracting(range), bank)
                extended[place] |= 1 << UInt32(index)
            }
        }
        return PCRReplay(banks: banks, registers: values, extended: extended, startupLocality: locality)
    }

    /// Compares the log with the registers that a quote signs, bank by bank.
    ///
    /// - Parameters:
    ///   - attested: Register values of a verified quote.
    ///   - covering: Registers that the log must account for. nil, the strict choice, means ``firmwarePCRs`` (of a CC event
    ///     log ``measurementRegisters``) and every register that the log extends. A register without events must hold its initial value.
    /// - Returns: A replayed log only when every attested register of `covering` agrees, in every attested bank. A bank
    ///   that the log lacks agrees only where nothing was extended. Without a single register to compare nothing
    ///   agrees.
    public func replay(against attested: AttestedPCRs, covering: PCRSet? = nil) -> ReplayOutcome {
        replay(againstUnsigned: attested.values, covering: covering)
    }

    /// As ``replay(against:covering:)``, for register values that nobody signed.
    ///
    /// - Warning: What agrees here agrees with whoever sent the values. For inspection and tests.
    public func replay(againstUnsigned attested: PCRValues, covering: PCRSet? = nil) -> ReplayOutcome {
        let replay = replay()
        let own = registers == .pcrs ? Self.firmwarePCRs : Self.measurementRegisters
        let judged = covering ?? PCRSet(own.indices + extendedPCRs.indices)
        var mismatches: [ReplayMismatch] = []
        var compared = 0
        for bank in attested.banks.keys.sorted() {
            for pcr in judged.indices {
                guard let value = attested[bank, pcr] else { continue }
                compared += 1
                let expected =
                    replay.values[bank, pcr]
                    ?? (registers == .pcrs
                        ? PCRReplay.initialValue(pcr, bank: bank, startupLocality: replay.startupLocality)
                        : .zero(bank))
                guard expected != value else { continue }
                mismatches.append(
                    ReplayMismatch(
                        bank: bank, pcr: pcr, replayed: expected, attested: value,
                        eventCount: extendCount(pcr, bank)))
            }
        }
        guard compared > 0 else { return .nothingToCompare }
        guard mismatches.isEmpty else { return .disagrees(mismatches) }
        return .agrees(ReplayedEventLog(log: self, replay: replay, covered: judged))
    }

    private func extendCount(_ pcr: PCRIndex, _ bank: PCRBank) -> Int {
        events.count { $0.isExtended && $0.pcr == pcr && $0.digestRange(bank) != nil }
    }
}

/// What came of comparing a log with a TPM's registers.
public enum ReplayOutcome: Sendable {
    case agrees(ReplayedEventLog)
    /// `LOG_REPLAY`: at least one register, ascending by bank and index.
    case disagrees([ReplayMismatch])
    /// `LOG_REPLAY`: the quote signs no register that the log must account for.
    case nothingToCompare

    public var replayed: ReplayedEventLog? {
        if case .agrees(let log) = self { log } else { nil }
    }
    public var mismatches: [ReplayMismatch] {
        if case .disagrees(let mismatches) = self { mismatches } else { [] }
    }
}

/// A log whose digests, PCR indices and order for each PCR are what the TPM signed. Event types, and data where
/// ``TCGPCREvent2/dataVerified`` is not true, remain the words of whoever sent the log.
public struct ReplayedEventLog: Sendable {
    public let log: TCGEventLog
    public let replay: PCRReplay
    /// The registers for which the log speaks. Events of other registers are as untrusted as before.
    public let covered: PCRSet
}
