import AttestationTestKit
import TCGEventLog
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite("CC event logs")
struct MeasurementRegisterTests {
    /// A log as TDX firmware writes it: policy and configuration in register 1, boot in 2, the loader in 3.
    private static func builder() -> EventLogBuilder {
        var builder = EventLogBuilder(banks: [.sha384])
        builder.headerRegister = 1
        builder.append(1, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [1]))
        builder.append(1, .separator, [0, 0, 0, 0])
        builder.append(2, .separator, [0, 0, 0, 0])
        builder.append(1, .efiVariableBoot, EventLogData.variable("BootOrder", value: [1, 0]))
        builder.append(2, .efiBootServicesApplication, EventLogData.imageLoad(file: "\\EFI\\BOOT\\BOOTX64.EFI"))
        builder.append(3, .ipl, Array("grub_cmd: boot\0".utf8), measuring: Array("boot".utf8))
        return builder
    }

    @Test("The header in register 1 makes a log one of measurement registers, all of which start at zero")
    func replay() throws {
        let builder = Self.builder()
        let log = try builder.log
        #expect(log.registers == .measurementRegisters)
        #expect(log.findings().isEmpty)
        let replay = log.replay()
        for index in 1...3 {
            var state = [UInt8](repeating: 0, count: 48)
            for event in builder.events where event.pcr == UInt32(index) {
                state = MessageDigest.hash(state + event.digests[0].bytes, .sha384).bytes
            }
            let pcr = try #require(PCRIndex(index))
            #expect(replay.values[.sha384, pcr]?.bytes == state)
        }
        #expect(replay.extended[.sha384]?.indices.map(\.rawValue) == [1, 2, 3])
        let last = try #require(PCRIndex(22))
        #expect(replay.values[.sha384, last] == .zero(.sha384))
        #expect(log.replay(againstUnsigned: replay.values).replayed != nil)
        var other = replay.values
        other.set(MessageDigest.hash([1], .sha384), bank: .sha384, index: try #require(PCRIndex(4)))
        #expect(log.replay(againstUnsigned: other).mismatches.map(\.pcr.rawValue) == [4])
    }

    @Test("Secure Boot policy in register 1 tells a CC log whose header names register 0; PCR 7 tells a TPM's")
    func recognition() throws {
        var silent = Self.builder()
        silent.headerRegister = 0
        #expect(try silent.log.registers == .measurementRegisters)
        silent.append(8, .ipl, Array("text".utf8))
        #expect(try silent.log.registers == .pcrs)
        // A small firmware without UEFI variables, in the one bank of such VMs.
        for (bank, kind) in [
            (PCRBank.sha384, LoggedRegisters.measurementRegisters), (.sm3, .measurementRegisters), (.sha256, .pcrs),
        ] {
            var small = EventLogBuilder(banks: [bank])
            for register in UInt32(1)...3 { small.append(register, .efiHandoffTables2, Array("td_hob".utf8)) }
            #expect(try small.log.registers == kind)
            small.append(0, .separator, [0, 0, 0, 0])
            #expect(try small.log.registers == .pcrs)
        }
        #expect(try EventLogBuilder.honest().log.registers == .pcrs)
        #expect(try EventLogBuilder.honest(banks: [.sha384]).log.registers == .pcrs)
        #expect(try TCGEventLog(parsing: TestVectors.golden.eventLog).registers == .pcrs)
        var sha1 = EventLogBuilder(banks: [.sha1])
        sha1.cryptoAgile = false
        sha1.append(1, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [1]))
        #expect(try sha1.log.registers == .pcrs)
    }

    @Test("A TPM's log that calls itself another kind is judged as a TPM's all the same, and the header is a finding")
    func disguise() throws {
        var builder = EventLogBuilder.honest()
        builder.headerRegister = 1
        let log = try TCGEventLog(parsing: builder.bytes, registers: .pcrs)
        #expect(log.findings().map(\.id) == [.noAction])
        #expect(log.findings().map(\.quirk) == [.noActionRegister])
        builder.events.removeAll { $0.type == .separator && $0.pcr == 0 }
        #expect(try TCGEventLog(parsing: builder.bytes, registers: .pcrs).findings().contains { $0.id == .separator })
    }

    @Test(
        "In a CC log a second SecureBoot, a startup locality, an error separator and too many separators are findings")
    func rules() throws {
        func ids(_ change: (inout EventLogBuilder) -> Void) throws -> Set<LogReason> {
            var builder = Self.builder()
            change(&builder)
            return Set(try TCGEventLog(parsing: builder.bytes, registers: .measurementRegisters).findings().map(\.id))
        }
        #expect(try ids { $0.events.append($0.events[0]) } == [.duplicate])
        #expect(try ids { $0.appendNoAction(Array("StartupLocality".utf8) + [0, 3]) } == [.startupLocality])
        #expect(try ids { $0.append(2, .separator, [1, 0, 0, 0]) } == [.separator])
        #expect(try ids { $0.append(1, .separator, [0, 0, 0, 0]) } == [])
        #expect(
            try ids {
                $0.append(1, .separator, [0, 0, 0, 0]); $0.append(1, .separator, [0, 0, 0, 0])
            } == [.separator])
        #expect(try ids { $0.append(4, .separator, [0, 0, 0, 0]) } == [.separator])
        #expect(try ids { $0.events.removeAll { $0.pcr == 1 && $0.type == .separator } } == [.separator])
        #expect(
            try ids {
                $0.events[0] = $0.event(1, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [2]))
            }
                == [.variable])
    }

    @Test("Unused bytes of a firmware table behind a CC log are padding, zeros and ones alike, and a note")
    func padding() throws {
        for byte in [0, 0xFF] as [UInt8] {
            let log = try TCGEventLog(parsing: Self.builder().bytes + [UInt8](repeating: byte, count: 4096))
            #expect(log.padding.count == 4096)
            #expect(log.quirks().map(\.quirk) == [.tablePadding])
        }
    }
}
