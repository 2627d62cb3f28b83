internal import ReferenceValues
public import TPMStructures

/// What the last accepted evidence of a node, or the present one, says about its boot.
public struct BootRecord: Hashable, Sendable {
    public var clock: TPMSClockInfo
    /// The TPM's firmware version, uninterpreted.
    public var firmwareVersion: UInt64
    /// The kernel's. Self-reported as the next one: they may explain a reset or show that there was none, never hide one.
    public var bootID: String
    public var agentRunID: String
    /// The kernel's boot id in the first evidence since the counters last moved: as far as anybody knows, the kernel that the
    /// registers tell of. Empty where none is known.
    public var firstBootID: String

    public init(
        clock: TPMSClockInfo, firmwareVersion: UInt64, bootID: String, agentRunID: String, firstBootID: String
    ) {
        self.clock = clock
        self.firmwareVersion = firmwareVersion
        self.bootID = bootID
        self.agentRunID = agentRunID
        self.firstBootID = firstBootID
    }
}

/// Compares the counters of two quotes of one attestation key (catalogue QF-18 to QF-24), and the kernel that runs with the one
/// that the registers tell of (IM-11). Belongs to layer 1.
public enum ContinuityCheck {
    public enum ID {
        public static let newBoot = "BOOT_NEW"
        public static let unexpectedBoot = "BOOT_UNEXPECTED"
        public static let unexplainedReset = "QUOTE_RESET_UNEXPLAINED"
        public static let restart = "QUOTE_RESTART"
        /// Another kernel runs than the one that the TPM's registers tell of.
        public static let bootWithoutReset = "BOOT_WITHOUT_RESET"
        /// The same, where the measurement list shows that the references allow it.
        public static let allowedKexec = "BOOT_KEXEC"
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
        /// What the next evidence is compared with as ``BootRecord/firstBootID``.
        public var firstBootID: String
    }

    /// - Parameter last: the node's last accepted evidence by the same AK; nil on first contact. Which kernel runs then is not
    ///   known to be the one that was measured: nothing was seen before.
    public static func check(_ present: BootRecord, after last: BootRecord?, rules: Rules) -> Outcome {
        var findings = firmware(present, last, rules)
        if !present.clock.safe {
            findings.append(
                note(ID.unsafeClock, .affirming, "the clock is not safe after an unclean stop; not used for order"))
        }
        guard let last else { return Outcome(findings: findings, isNewBoot: true, firstBootID: present.bootID) }
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
        guard !isNewBoot else { return Outcome(findings: findings, isNewBoot: true, firstBootID: present.bootID) }
        let measured = [last.firstBootID, last.bootID, present.bootID].first { !$0.isEmpty } ?? ""
        findings += sameKernel(present, measured, counters)
        return Outcome(findings: findings, isNewBoot: false, firstBootID: measured)
    }

    /// A kernel's boot id lives as long as the kernel, through every suspend. Another one, under counters that stand still,
    /// was started by kexec, or the TPM's reset was suppressed: the registers, and every layer above that rests on them, go on
    /// telling of the kernel before. That stays true for each later evidence until the TPM is reset. One that was known and is
    /// withheld counts as another.
    private static func sameKernel(_ present: BootRecord, _ measured: String, _ counters: String) -> [Finding] {
        guard present.bootID != measured else { return [] }
        return [
            Finding(
                ID.bootWithoutReset, .contraindicated, .tpmIdentity, name: "kernel", expected: bootID(measured),
                seen: bootID(present.bootID),
                detail: "\(counters): another kernel runs, and the TPM was not reset before it: its registers tell of "
                    + "the kernel before")
        ]
    }

    /// A UUID, unless the node makes up another.
    private static func bootID(_ text: String) -> String { "boot id \(text.isEmpty ? "withheld" : text.prefix(64))" }

    /// What was found under one set, as another set has it: a kernel that was started without a reset contradicts layer 1,
    /// unless that set's own judgement of the whole measurement list shows that every kernel was started by an allowed kexec.
    /// Then it warns, because layers 2 to 6 still tell of the first kernel.
    ///
    /// - Parameter runtime: layer 7 by that set; nil where it does not judge it, which allows nothing.
    static func weigh(_ findings: [Finding], under runtime: RuntimeAppraisal?) -> [Finding] {
        let isAllowed = runtime?.showsAllowedKexec ?? false
        return findings.map { finding in
            guard finding.id == ID.bootWithoutReset || finding.id == ID.allowedKexec else { return finding }
            var finding = finding
            finding.id = isAllowed ? ID.allowedKexec : ID.bootWithoutReset
            finding.tier = isAllowed ? .warning : .contraindicated
            return finding
        }
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
