internal import ReferenceValues
public import TPMStructures

/// What the last accepted evidence of a node, or the present one, says about its boot.
public struct BootRecord: Hashable, Sendable {
    public var clock: TPMSClockInfo
    /// The TPM's firmware version, uninterpreted.
    public var firmwareVersion: UInt64
    /// Both self-reported: they may explain a reset, never hide one.
    public var bootID: String
    public var agentRunID: String

    public init(clock: TPMSClockInfo, firmwareVersion: UInt64, bootID: String, agentRunID: String) {
        self.clock = clock
        self.firmwareVersion = firmwareVersion
        self.bootID = bootID
        self.agentRunID = agentRunID
    }
}

/// Compares the counters of two quotes of one attestation key (catalogue QF-18 to QF-24). Belongs to layer 1.
public enum ContinuityCheck {
    public enum ID {
        public static let newBoot = "BOOT_NEW"
        public static let unexpectedBoot = "BOOT_UNEXPECTED"
        public static let unexplainedReset = "QUOTE_RESET_UNEXPLAINED"
        public static let restart = "QUOTE_RESTART"
        public static let rollback = "QUOTE_CLOCK_ROLLBACK"
        public static let unsafeClock = "QUOTE_CLOCK_UNSAFE"
        public static let firmware = "QUOTE_TPM_FIRMWARE"
    }

    public struct Rules: Hashable, Sendable {
        /// Whether a reboot is expected now.
        public var inMaintenanceWindow: Bool
        /// TPM firmware versions that are refused.
        public var deniedFirmware: Set<UInt64>
        public init(inMaintenanceWindow: Bool, deniedFirmware: Set<UInt64>) {
            self.inMaintenanceWindow = inMaintenanceWindow
            self.deniedFirmware = deniedFirmware
        }
    }

    public struct Outcome: Hashable, Sendable {
        public var findings: [Finding]
        /// The counters differ from the last evidence: what was kept of the running system (IMA state) is void, and whole
        /// logs are due.
        public var isNewBoot: Bool
    }

    /// - Parameter last: the node's last accepted evidence by the same AK; nil on first contact.
    public static func check(_ present: BootRecord, after last: BootRecord?, rules: Rules) -> Outcome {
        var findings = firmware(present, last, rules)
        if !present.clock.safe {
            findings.append(
                note(ID.unsafeClock, .affirming, "the clock is not safe after an unclean stop; not used for order"))
        }
        guard let last else { return Outcome(findings: findings, isNewBoot: true) }
        let (was, now) = (last.clock, present.clock)
        let counters =
            "resetCount \(was.resetCount)→\(now.resetCount), restartCount \(was.restartCount)→\(now.restartCount)"
        let isNewBoot = was.resetCount != now.resetCount || was.restartCount != now.restartCount
        if now.resetCount < was.resetCount {
            findings.append(note(ID.rollback, .contraindicated, "\(counters): reset counts never fall"))
        } else if now.resetCount > was.resetCount {
            findings += reset(present, last, rules, counters)
        } else {
            findings += sameReset(was, now, counters)
        }
        return Outcome(findings: findings, isNewBoot: isNewBoot)
    }

    private static func reset(
        _ present: BootRecord, _ last: BootRecord, _ rules: Rules, _ counters: String
    ) -> [Finding] {
        if present.bootID == last.bootID || present.agentRunID == last.agentRunID {
            let same = present.bootID == last.bootID ? "kernel boot" : "agent run"
            return [
                note(
                    ID.unexplainedReset, .contraindicated,
                    "\(counters): the TPM was reset while the \(same) went on")
            ]
        }
        let boot = note(ID.newBoot, .affirming, counters)
        guard !rules.inMaintenanceWindow else { return [boot] }
        return [boot, note(ID.unexpectedBoot, .affirming, "\(counters), outside a maintenance window")]
    }

    private static func sameReset(_ was: TPMSClockInfo, _ now: TPMSClockInfo, _ counters: String) -> [Finding] {
        if now.restartCount < was.restartCount {
            return [note(ID.rollback, .contraindicated, "\(counters): restart counts never fall within one reset")]
        }
        var findings: [Finding] = []
        if now.restartCount > was.restartCount {
            findings.append(
                note(ID.restart, .contraindicated, "\(counters): the TPM went on from a saved state"))
        }
        // A clock that was not safe may have been ahead of itself; only two safe readings are ordered (QF-22).
        if now.safe, was.safe, now.clock < was.clock {
            findings.append(
                note(ID.rollback, .contraindicated, "clock \(was.clock)→\(now.clock) ms within one reset"))
        }
        return findings
    }

    private static func firmware(_ present: BootRecord, _ last: BootRecord?, _ rules: Rules) -> [Finding] {
        let version = hexadecimal(present.firmwareVersion)
        if rules.deniedFirmware.contains(present.firmwareVersion) {
            return [note(ID.firmware, .contraindicated, "the TPM firmware \(version) is on the deny-list")]
        }
        guard let last, last.firmwareVersion != present.firmwareVersion else { return [] }
        return [
            note(
                ID.firmware, .affirming,
                "the TPM firmware changed from \(hexadecimal(last.firmwareVersion)) to \(version)")
        ]
    }

    private static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

    private static func note(_ id: String, _ tier: Tier, _ detail: String) -> Finding {
        Finding(id, tier, .tpmIdentity, detail: detail)
    }
}
