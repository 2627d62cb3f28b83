import Appraisal
import ReferenceValues
import TPMStructures
import Testing

@Suite("Continuity of a node's boot")
struct ContinuityCheckTests {
    private func record(
        clock: UInt64 = 1000, reset: UInt32 = 5, restart: UInt32 = 1, safe: Bool = true, firmware: UInt64 = 7,
        boot: String = "b1", run: String = "r1", first: String = "b1"
    ) -> BootRecord {
        BootRecord(
            clock: TPMSClockInfo(clock: clock, resetCount: reset, restartCount: restart, safe: safe),
            firmwareVersion: firmware, bootID: boot, agentRunID: run, firstBootID: first)
    }
    private func ids(
        _ present: BootRecord, maintenance: Bool = false, denied: Set<UInt64> = []
    ) -> [String: Tier] {
        let outcome = ContinuityCheck.check(
            present, after: record(),
            rules: .init(inMaintenanceWindow: maintenance, deniedFirmware: denied))
        return Dictionary(outcome.findings.map { ($0.id, $0.tier) }) { first, _ in first }
    }

    @Test("QF-18: a reboot is a new boot, unexpected outside a maintenance window, and no failure")
    func qf18() {
        let reboot = record(clock: 10, reset: 6, restart: 0, boot: "b2", run: "r2")
        #expect(ids(reboot) == ["BOOT_NEW": .affirming, "BOOT_UNEXPECTED": .affirming])
        #expect(ids(reboot, maintenance: true) == ["BOOT_NEW": .affirming])
        let outcome = ContinuityCheck.check(
            reboot, after: record(), rules: .init(inMaintenanceWindow: true, deniedFirmware: []))
        #expect(outcome.isNewBoot)
        #expect(
            !ContinuityCheck.check(
                record(clock: 1001), after: record(), rules: .init(inMaintenanceWindow: true, deniedFirmware: [])
            ).isNewBoot)
    }

    @Test("QF-19: a TPM reset under a running kernel or agent fails")
    func qf19() {
        #expect(ids(record(reset: 6, boot: "b1", run: "r2")) == ["QUOTE_RESET_UNEXPLAINED": .contraindicated])
        #expect(ids(record(reset: 6, boot: "b2", run: "r1")) == ["QUOTE_RESET_UNEXPLAINED": .contraindicated])
        #expect(ids(record(reset: 6), maintenance: true)["QUOTE_RESET_UNEXPLAINED"] == .contraindicated)
    }

    @Test("QF-20: a TPM Restart or Resume fails")
    func qf20() {
        #expect(ids(record(clock: 1100, restart: 2, boot: "b2", run: "r2")) == ["QUOTE_RESTART": .contraindicated])
    }

    @Test("QF-21, QF-23: counters or a clock that step back fail")
    func qf21() {
        #expect(ids(record(reset: 4, boot: "b2", run: "r2")) == ["QUOTE_CLOCK_ROLLBACK": .contraindicated])
        #expect(ids(record(clock: 10, reset: 0, restart: 0)) == ["QUOTE_CLOCK_ROLLBACK": .contraindicated])
        #expect(ids(record(clock: 2000, restart: 0)) == ["QUOTE_CLOCK_ROLLBACK": .contraindicated])
        #expect(ids(record(clock: 999)) == ["QUOTE_CLOCK_ROLLBACK": .contraindicated])
        #expect(ids(record(clock: 1000)).isEmpty)
        #expect(ids(record(clock: 1001)).isEmpty)
    }

    @Test("QF-22: a clock that is not safe is told and not used for order")
    func qf22() {
        #expect(ids(record(clock: 1, safe: false)) == ["QUOTE_CLOCK_UNSAFE": .affirming])
    }

    @Test("QF-24: changed TPM firmware is told, denied firmware fails")
    func qf24() {
        #expect(ids(record(clock: 1001, firmware: 6)) == ["QUOTE_TPM_FIRMWARE": .affirming])
        #expect(ids(record(clock: 1001, firmware: 6), denied: [6]) == ["QUOTE_TPM_FIRMWARE": .contraindicated])
    }

    private func outcome(_ present: BootRecord, after last: BootRecord?) -> ContinuityCheck.Outcome {
        ContinuityCheck.check(present, after: last, rules: .init(inMaintenanceWindow: true, deniedFirmware: []))
    }

    @Test("IM-11: another kernel under counters that stand still fails, also in a maintenance window")
    func im11() throws {
        let kexec = record(clock: 1100, boot: "b2", run: "r2")
        #expect(ids(kexec) == ["BOOT_WITHOUT_RESET": .contraindicated])
        #expect(ids(kexec, maintenance: true) == ["BOOT_WITHOUT_RESET": .contraindicated])
        let finding = try #require(outcome(kexec, after: record()).findings.first)
        #expect(finding.layer == .tpmIdentity && finding.expected == "boot id b1" && finding.seen == "boot id b2")
        #expect(!outcome(kexec, after: record()).isNewBoot)
        // Suspended and resumed, it is the same kernel.
        #expect(ids(record(clock: 1100, restart: 2)) == ["QUOTE_RESTART": .contraindicated])
        let long = outcome(record(clock: 1100, boot: String(repeating: "x", count: 9999)), after: record())
        #expect(long.findings.first?.seen?.count == 72)
    }

    @Test("IM-11: the kernel that the registers tell of stays the first one until the counters move")
    func im11Persists() {
        let kexec = record(clock: 1100, boot: "b2", run: "r2")
        let second = outcome(kexec, after: record())
        #expect(second.firstBootID == "b1")
        let later = outcome(
            record(clock: 1200, boot: "b2", run: "r2"), after: record(clock: 1100, boot: "b2", first: "b1"))
        #expect(later.findings.map(\.id) == ["BOOT_WITHOUT_RESET"] && later.firstBootID == "b1")
        let third = outcome(
            record(clock: 1200, boot: "b3", run: "r3"), after: record(clock: 1100, boot: "b2", first: "b1"))
        #expect(third.findings.map(\.id) == ["BOOT_WITHOUT_RESET"])
        let reset = outcome(
            record(clock: 10, reset: 6, restart: 0, boot: "b3", run: "r3"),
            after: record(clock: 1100, boot: "b2", run: "r2", first: "b1"))
        #expect(reset.findings.map(\.id) == ["BOOT_NEW"] && reset.firstBootID == "b3")
        // The TPM alone is reset under the kernel that kexec started.
        let alone = outcome(
            record(clock: 10, reset: 6, restart: 0, boot: "b2", run: "r3"),
            after: record(clock: 1100, boot: "b2", run: "r2", first: "b1"))
        #expect(alone.findings.map(\.id) == ["QUOTE_RESET_UNEXPLAINED"])
    }

    @Test("IM-11: first contact and a boot id that was never known say nothing; one that is withheld later counts")
    func im11Unknown() {
        #expect(outcome(record(boot: "b7", first: ""), after: nil).firstBootID == "b7")
        #expect(outcome(record(boot: "b7", first: ""), after: nil).findings.isEmpty)
        let unknown = record(boot: "", first: "")
        #expect(outcome(record(clock: 1100, boot: "b2"), after: unknown).findings.isEmpty)
        #expect(outcome(record(clock: 1100, boot: "b2"), after: unknown).firstBootID == "b2")
        #expect(outcome(record(clock: 1100, boot: ""), after: unknown).findings.isEmpty)
        // A store of the version before knows the last boot id only.
        let old = record(boot: "b1", first: "")
        #expect(outcome(record(clock: 1100, boot: "b1"), after: old).findings.isEmpty)
        #expect(outcome(record(clock: 1100, boot: "b2"), after: old).findings.map(\.id) == ["BOOT_WITHOUT_RESET"])
        let withheld = outcome(record(clock: 1100, boot: ""), after: record())
        #expect(withheld.findings.first?.id == "BOOT_WITHOUT_RESET")
        #expect(withheld.findings.first?.seen == "boot id withheld")
    }
}
