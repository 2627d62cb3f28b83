import AttestationTestKit
import ByteParsing
import SoftwareTPM
import TCGEventLog
import TPMStructures
import Testing

@Suite(
    "Event logs beside a real TPM", .enabled(if: SoftwareTPM.isAvailable, "\(SoftwareTPM.requirement)"))
struct RealTPMTests {
    /// SHA-256 registers 0 to 7 as the TPM holds them.
    private func registers(_ tpm: SoftwareTPM) throws -> PCRValues {
        let text = try tpm.tool("tpm2_pcrread", ["sha256:0,1,2,3,4,5,6,7"])
        var values = PCRValues()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":").map { String($0.filter { !$0.isWhitespace }) }
            guard parts.count == 2, let index = Int(parts[0]).flatMap({ PCRIndex($0) }),
                let digest = Digest("sha256:" + parts[1].dropFirst(2).lowercased())
            else { continue }
            values.set(digest, bank: .sha256, index: index)
        }
        #expect(values.banks[.sha256]?.count == 8)
        return values
    }

    /// What firmware extends of a log into PCR 0 to 7.
    private func boot(_ tpm: SoftwareTPM, _ builder: EventLogBuilder) throws {
        for event in builder.events where event.type != .noAction && event.type != .efiHCRTMEvent && event.pcr < 8 {
            guard let digest = event.digests.first(where: { $0.algorithm == .sha256 }) else { continue }
            try tpm.extend(pcr: Int(event.pcr), digest: digest.bytes)
        }
    }

    private static let judged = PCRSet((0...7).compactMap { PCRIndex($0) })

    @Test("EL-08: a TPM started at locality 3 agrees with a log that says so once, and with no other")
    func locality() throws {
        let tpm = try SoftwareTPM(.unprovisioned)
        try tpm.restart(locality: 3)
        let pcr0 = try #require(PCRIndex(0))
        #expect(try registers(tpm)[.sha256, pcr0]?.hex == String(repeating: "00", count: 31) + "03")
        let truthful = EventLogBuilder.honest(startupLocality: 3)
        try boot(tpm, truthful)
        let held = try registers(tpm)
        let log = try truthful.log
        #expect(log.replay(againstUnsigned: held, covering: Self.judged).replayed != nil)
        #expect(log.findings().isEmpty)
        let silent = try EventLogBuilder.honest().log
        #expect(silent.replay(againstUnsigned: held, covering: Self.judged).mismatches.map(\.pcr) == [pcr0])
        for other in [0, 4] as [UInt8] {
            let lying = try EventLogBuilder.honest(startupLocality: other).log
            #expect(lying.replay(againstUnsigned: held, covering: Self.judged).mismatches.map(\.pcr) == [pcr0])
        }
        var twice = truthful
        twice.events.insert(twice.events[0], at: 1)
        #expect(try twice.log.findings().map(\.id) == [.startupLocality])
    }

    @Test("EL-09: a TPM that started behind an H-CRTM sequence agrees with a log that has its event, and not without")
    func hcrtm() throws {
        let tpm = try SoftwareTPM(.unprovisioned)
        let code = Array("the H-CRTM's code".utf8)
        try tpm.restart(locality: 0, hcrtm: code)
        let pcr0 = try #require(PCRIndex(0))
        #expect(try registers(tpm)[.sha256, pcr0] != .zero(.sha256))
        var builder = EventLogBuilder.honest()
        builder.events.insert(builder.event(0, .efiHCRTMEvent, Array("HCRTM".utf8), measuring: code), at: 0)
        try boot(tpm, builder)
        let held = try registers(tpm)
        #expect(try builder.log.replay(againstUnsigned: held, covering: Self.judged).replayed != nil)
        #expect(try builder.log.findings().isEmpty)
        let without = try EventLogBuilder.honest().log
        #expect(without.replay(againstUnsigned: held, covering: Self.judged).mismatches.map(\.pcr) == [pcr0])
        var other = builder
        other.events[0] = other.event(0, .efiHCRTMEvent, Array("HCRTM".utf8), measuring: [1])
        #expect(try other.log.replay(againstUnsigned: held, covering: Self.judged).mismatches.map(\.pcr) == [pcr0])
    }

    @Test(
        "EL-05: a PCR extended behind the boot does not replay without a log line, and with one it is an event too late"
    )
    func extendedAfterBoot() throws {
        let tpm = try SoftwareTPM(.unprovisioned)
        var builder = EventLogBuilder.honest()
        try boot(tpm, builder)
        let honest = try builder.log
        #expect(honest.replay(againstUnsigned: try registers(tpm), covering: Self.judged).replayed != nil)
        for pcr in UInt32(0)...7 {
            let late = builder.event(pcr, .efiAction, Array("late".utf8))
            try tpm.tool("tpm2_pcrextend", ["\(pcr):sha256=\(Hex.encode(late.digests[0].bytes))"])
            let held = try registers(tpm)
            let before = try builder.log.replay(againstUnsigned: held, covering: Self.judged)
            #expect(before.mismatches.map { UInt32($0.pcr.rawValue) } == [pcr])
            builder.events.append(late)
            let log = try builder.log
            #expect(log.replay(againstUnsigned: held, covering: Self.judged).replayed != nil)
            #expect(log.findings().contains { $0.id == .afterBoot && $0.eventIndex == log.events.count - 1 })
        }
    }
}
