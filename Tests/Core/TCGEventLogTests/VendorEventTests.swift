import AttestationTestKit
import ByteParsing
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Events of vendors, boot loaders and systems")
struct VendorEventTests {
    private func event(_ pcr: UInt32, _ type: TCGEventType, _ data: [UInt8]) throws -> TCGPCREvent2 {
        var builder = EventLogBuilder(banks: [.sha256])
        builder.events = [type == .noAction ? builder.noAction(data, pcr: pcr) : builder.event(pcr, type, data)]
        return try #require(try builder.log.events.last)
    }

    /// Reads every proper prefix, the data with a byte more, and every flipped bit: decoded otherwise or refused, no trap.
    private func torture(_ pcr: UInt32, _ type: TCGEventType, _ data: [UInt8]) throws {
        let whole = try event(pcr, type, data).decoded()
        for length in 0..<data.count {
            #expect((try? event(pcr, type, Array(data[..<length])).decoded()) != whole, "\(length)")
        }
        #expect((try? event(pcr, type, data + [0]).decoded()) != whole)
        for bit in 0..<data.count * 8 {
            var flipped = data
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let read = try event(pcr, type, flipped)
            _ = (read.component, read.description)
        }
    }

    private static let guid = [UInt8](1...16)

    private static func sized(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    private static func manifest(_ revision: Int) -> [UInt8] {
        let signature = "SP800-155 Event" + (revision > 1 ? String(revision) : "")
        var data = Array(signature.utf8) + (revision > 1 ? [] : [0]) + [0x79, 0x2B, 0, 0] + guid
        if revision > 1 {
            data += sized("Maker\0") + sized("Model") + sized("") + sized("Firm") + [1, 0, 0, 0] + sized("1.2")
        }
        if revision > 2 { data += [1, 0, 0, 0, 3, 0, 0, 0] + Array("uri".utf8) + [0, 0, 0, 0, 0, 0, 0, 0] }
        return data
    }

    @Test("SP 800-155 events of all revisions name the platform and its manifest", arguments: [1, 2, 3])
    func platformManifest(revision: Int) throws {
        let data = Self.manifest(revision)
        guard case .platformManifest(let manifest) = try event(0, .noAction, data).decoded() else {
            Issue.record("not a manifest")
            return
        }
        #expect(manifest.revision == revision && manifest.manufacturerID == 0x2B79)
        #expect(manifest.manifest == EFIGUID(bytes: Self.guid))
        #expect(manifest.platformManufacturer == (revision > 1 ? "Maker" : ""))
        #expect(manifest.firmwareVersion == (revision > 1 ? "1.2" : ""))
        #expect(manifest.manifestLocator?.data == (revision > 2 ? Array("uri".utf8) : nil))
        #expect(manifest.certificateLocator?.data == (revision > 2 ? [] : nil))
        try torture(0, .noAction, data)
    }

    private static func tag(_ id: UInt32, _ content: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeLittleEndian(id)
        writer.writeLittleEndian(UInt32(content.count))
        writer.write(content)
        return writer.bytes
    }

    @Test("Windows' trust point is known in no register, and stays a finding as an EV_NO_ACTION of no known place")
    func trustPoint() throws {
        let data = Self.tag(0xC001_0004, Self.tag(0x8008_0003, EventLogData.utf16("AIK")))
        let read = try event(.max, .noAction, data)
        #expect(read.component.name == "Windows trust point")
        var builder = EventLogBuilder.honest()
        var last = builder.noAction(data, pcr: .max)
        last.digests = builder.event(0, .noAction, data).digests
        builder.events.append(last)
        let found = try builder.log.findings()
        #expect(found.map(\.id) == [.noAction, .noAction])
        #expect(found.map(\.quirk) == [.noActionDigest, .noActionRegister])
        #expect(found.allSatisfy { $0.isWaivable && $0.pcr?.rawValue == 0 && $0.digests.isEmpty })
        // The same words in PCR 0 are an unknown signature.
        #expect(try event(0, .noAction, data).decoded() != read.decoded())
        try torture(.max, .noAction, data)
    }

    @Test("Windows' aggregates are told by their modules, else by their settings")
    func windows() throws {
        let path = "\\Windows\\system32\\winload.efi"
        let module = Self.tag(
            0x4001_0003, Self.tag(0x7_0001, EventLogData.utf16(path + "\0")) + Self.tag(0x7_0002, [0, 1, 0, 0]))
        let modules = try event(13, .eventTag, Self.tag(0x4001_0001, module)).component
        #expect(modules.kind == .windowsModules && modules.name == path)
        let settings = try event(12, .eventTag, Self.tag(0x4001_0001, Self.tag(0x5_0002, [1]))).component
        #expect(settings.kind == .windowsSettings && settings.name == "CodeIntegrity 1")
        let unknown = try event(12, .eventTag, Self.tag(0x1234_5678, [1, 2]) + Self.tag(0x99, [])).component
        #expect(unknown.kind == .taggedEvent)
        try torture(13, .eventTag, Self.tag(0x4001_0001, module))
    }

    @Test("systemd's tags name their configuration, add-on or profile")
    func systemd() throws {
        let cases: [(UInt32, EventComponent.Kind, String)] = [
            (0xF5BC_582A, .bootLoaderConfiguration, "systemd-boot configuration x.conf"),
            (0x6C46_F751, .kernelSection, "device tree add-on x.conf"),
            (0x49DF_FE0F, .initrd, "initrd add-on x.conf"), (0xDAC0_8E1A, .initrd, "microcode add-on x.conf"),
            (0x13AE_D6DB, .kernelSection, "UKI profile x.conf"),
        ]
        for (id, kind, name) in cases {
            let component = try event(12, .eventTag, Self.tag(id, EventLogData.utf16("x.conf\0"))).component
            #expect(component.kind == kind && component.name == name)
        }
        let options = try event(9, .eventTag, Self.tag(0x8F3B_22ED, Array("LOADED_IMAGE::LoadOptions".utf8) + [0]))
        #expect(options.component.kind == .loadOptions)
    }

    private static func spdm(second: Bool) -> [UInt8] {
        let path: [UInt8] = [1, 1, 6, 0, 0, 0x1C, 0x7F, 0xFF, 4, 0]
        let head: [UInt8] =
            second
            ? Array("SPDM Device Sec2".utf8) + [2, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
            : Array("SPDM Device Sec".utf8) + [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 0, 0xAA, 0xBB]
        return head + [UInt8(path.count), 0, 0, 0, 0, 0, 0, 0] + path
    }

    @Test("SPDM events of both forms name the device and whether it was authenticated", arguments: [false, true])
    func spdm(second: Bool) throws {
        let data = Self.spdm(second: second)
        guard case .device(let device) = try event(2, .efiSPDMFirmwareBlob, data).decoded() else {
            Issue.record("not a device")
            return
        }
        #expect(device.deviceType == 1 && device.devicePath.text == "Pci(0x1c,0x0)")
        #expect(device.authentication == (second ? .invalid : nil))
        let component = try event(2, .efiSPDMFirmwareBlob, data).component
        #expect(component.kind == .device && component.name.contains("NOT authenticated") == second)
        let lengthOffset = data.count - 18
        var long = data
        long[lengthOffset + 7] = 0xFF
        #expect(throws: EventDataError.self) { try event(2, .efiSPDMFirmwareBlob, long).decoded() }
        for length in 16..<lengthOffset + 8 {
            #expect(throws: EventDataError.self) {
                try event(2, .efiSPDMFirmwareBlob, Array(data[..<length])).decoded()
            }
        }
    }

    @Test("An SBAT level is read line by line, and anything else is none")
    func sbat() throws {
        let level = try #require(SBATLevel(Array("sbat,1,2021030218\nshim,2\ngrub.debian,4\n".utf8)[...]))
        #expect(level.date == "2021030218")
        #expect(level.entries.map(\.component) == ["sbat", "shim", "grub.debian"])
        #expect(level.entries.map(\.generation) == [1, 2, 4])
        #expect(level.summary == "2021030218: shim 2, grub.debian 4")
        for text in ["", "shim,2\n", "sbat\n", "sbat,x\n", "sbat,1,\n", "sbat,4294967296\n", "sbat,1\nshim,\u{1}\n"] {
            #expect(SBATLevel(Array(text.utf8)[...]) == nil, "\(text)")
        }
        let long = "sbat,1\n" + String(repeating: "a,1\n", count: SBATLevel.maximumEntries)
        #expect(SBATLevel(Array(long.utf8)[...]) == nil)
        #expect(SBATLevel(Array(long.dropLast(4).utf8)[...]) != nil)
    }

    @Test("RHEL 8's GRUB writes no colon; what it measures is the same text, the kernel and the initrd by their kind")
    func redHatGRUB() throws {
        func read(_ pcr: UInt32, _ text: String, measuring: String) throws -> TCGPCREvent2 {
            var builder = EventLogBuilder(banks: [.sha256])
            builder.append(pcr, .ipl, Array(text.utf8) + [0], measuring: Array(measuring.utf8))
            return try #require(try builder.log.events.last)
        }
        let command = try read(8, "grub_cmd set timeout=5", measuring: "set timeout=5\0")
        #expect(command.component.kind == .bootLoaderCommand && command.component.name == "set timeout=5")
        #expect(command.dataVerified == true)
        let line = try read(8, "grub_kernel_cmdline /vmlinuz ro", measuring: "/vmlinuz ro")
        #expect(line.component.kind == .kernelCommandLine && line.dataVerified == true)
        #expect(try read(8, "grub_kernel_cmdline /vmlinuz rw", measuring: "/vmlinuz ro").dataVerified == false)
        #expect(try read(9, "grub_linuxefi Kernel", measuring: "x").component.kind == .kernelImage)
        #expect(try read(9, "grub_linuxefi Initrd", measuring: "x").component.kind == .initrd)
    }

    @Test("Names filled up with NULs are ASCII, not UTF-16")
    func paddedNames() throws {
        let name = try event(1, .platformConfigFlags, Array("etc/acpi/tables".utf8) + [UInt8](repeating: 0, count: 41))
        #expect(name.component.name == "etc/acpi/tables")
        let wide = try event(1, .platformConfigFlags, EventLogData.utf16("kernel\0\0"))
        #expect(wide.component.name == "kernel")
    }

    @Test("Load options of drivers and recovery, and their order, read like those of boot")
    func loadOptions() throws {
        let order = try event(1, .efiVariableBoot, EventLogData.variable("DriverOrder", value: [2, 0, 0x1A, 0]))
        #expect(order.description.hasSuffix("Driver0002, Driver001A"))
        #expect(order.component.kind == .bootOrder)
        let name = try event(1, .efiVariableBoot, EventLogData.variable("SysPrep000A", value: [1]))
        #expect(name.component.kind == .bootOption)
    }
}
