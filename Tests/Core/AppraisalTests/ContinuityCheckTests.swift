import Appraisal
import TPMStructures
import Testing

@Suite("Continuity of a node's boot")
struct ContinuityCheckTests {
    private func record(
        clock: UInt64 = 1000, reset: UInt32 = 5, restart: UInt32 = 1, safe: Bool = true, firmware: UInt64 = 7,
        boot: String = "b1", run: String = "r1"
    ) -> BootRecord {
        BootRecord(
            clock: TPMSClockInfo(clock: clock, resetCount: reset, restartCount: restart, safe: safe),
            firmwareVersion: firmware, bootID: boot, agentRunID: run)
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
}
