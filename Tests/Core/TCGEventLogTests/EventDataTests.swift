import AttestationTestKit
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Data of events")
struct EventDataTests {
    private func log(_ pcr: UInt32, _ type: TCGEventType, _ data: [UInt8], measuring: [UInt8]? = nil) throws
        -> TCGEventLog
    {
        var builder = EventLogBuilder(banks: [.sha1, .sha256])
        builder.append(pcr, type, data, measuring: measuring)
        return try builder.log
    }

    private func refusal(_ type: TCGEventType, _ data: [UInt8], pcr: UInt32 = 7) throws -> EventDataError? {
        let event = try log(pcr, type, data).events[1]
        do throws(EventDataError) {
            _ = try event.decoded()
            return nil
        } catch {
            return error
        }
    }

    /// The reasons of PCR 7's findings for one policy event behind an otherwise honest policy.
    private func reasons(replacing name: String, _ data: [UInt8]) throws -> Set<LogReason> {
        var builder = EventLogBuilder.honest()
        let start = EventLogData.variable(name, value: []).dropFirst(16).prefix(8)
        let place = try #require(
            builder.index {
                $0.pcr == 7 && $0.type == .efiVariableDriverConfig && $0.data.dropFirst(16).prefix(8) == start
                    && EventLogData.utf16(name).elementsEqual($0.data.dropFirst(32).prefix(name.utf16.count * 2))
            })
        builder.events[place] = builder.event(7, .efiVariableDriverConfig, data)
        return Set(try builder.log.findings().filter { $0.severity == .contraindicated }.map(\.id))
    }

    private func lists(_ bytes: [UInt8]) throws -> [EFISignatureList] { try EFISignatureList.parse(bytes.span) }

    // MARK: EL-16

    @Test("EL-16: SecureBoot under another GUID, with value 2, empty, too long or under an unclear name is refused")
    func secureBootConfusion() throws {
        let random = [UInt8](repeating: 0x42, count: 16)
        #expect(
            try reasons(replacing: "SecureBoot", EventLogData.variable("SecureBoot", vendor: random, value: [1]))
                == [.variable])
        for value in [[2], [], [1, 0], [0xFF]] as [[UInt8]] {
            #expect(
                try reasons(replacing: "SecureBoot", EventLogData.variable("SecureBoot", value: value)) == [.variable])
        }
        #expect(try reasons(replacing: "SecureBoot", EventLogData.variable("SecureBoot", value: [0])) == [])
        let withNUL = Array("SecureBoot".utf16) + [0]
        #expect(
            try reasons(replacing: "SecureBoot", EventLogData.variable("", value: [1], nameUnits: withNUL))
                == [.variable])
        let lone: [UInt16] = [0xD800] + Array("ecureBoot".utf16)
        #expect(
            try reasons(replacing: "SecureBoot", EventLogData.variable("", value: [1], nameUnits: lone)) == [.variable])
    }

    @Test("EL-16: lengths of a variable that leave the event are refused without a trap")
    func variableLengths() throws {
        let type = TCGEventType.efiVariableDriverConfig
        for length in [UInt64(1) << 31, .max, 1025, 11, 9] {
            let data = EventLogData.variable("SecureBoot", value: [1], nameLength: length)
            #expect(try refusal(type, data)?.reason == .variable, "name length \(length)")
        }
        for length in [UInt64(1) << 63, .max, 2, 0] {
            let data = EventLogData.variable("SecureBoot", value: [1], valueLength: length)
            #expect(try refusal(type, data)?.reason == .variable, "value length \(length)")
        }
        let whole = EventLogData.variable("SecureBoot", value: [1])
        #expect(try refusal(type, whole) == nil)
        for length in whole.indices { #expect(try refusal(type, Array(whole[..<length]))?.reason == .variable) }
    }

    @Test("EL-16: db under the global GUID, and db twice, are refused")
    func databaseConfusion() throws {
        let list = EventLogData.signatureList(hashes: [[UInt8](repeating: 1, count: 32)])
        #expect(try reasons(replacing: "db", EventLogData.variable("db", value: list)) == [.variable])
        var builder = EventLogBuilder.honest()
        let place = try #require(
            builder.index { $0.pcr == 7 && EventLogData.utf16("db").elementsEqual($0.data.dropFirst(32).prefix(4)) })
        builder.events.insert(builder.events[place], at: place)
        #expect(try builder.log.findings().map(\.id) == [.duplicate])
    }

    @Test("EL-16: a name of an odd number of bytes shifts the value, and neither is taken for SecureBoot")
    func oddName() throws {
        // Nine and a half units: the length counts units, so that one byte of the name becomes the value's first.
        var data = EventLogData.variable("SecureBoot", value: [1])
        data.removeLast(2)
        data.append(1)
        #expect(try refusal(.efiVariableDriverConfig, data)?.reason == .variable)
        #expect(try reasons(replacing: "SecureBoot", data) == [.variable])
    }

    // MARK: EL-17

    @Test("EL-17: a signature header is refused where the type defines none, else skipped, never read as hashes")
    func signatureHeader() throws {
        let chosen = [UInt8](repeating: 0xCC, count: 32)
        let honest = [UInt8](repeating: 0xAA, count: 32)
        let data = EventLogData.signatureList(hashes: [honest], header: chosen)
        #expect(throws: EventDataError.self) { try lists(data) }
        let variable = EventLogData.variable("db", vendor: EventLogData.imageSecurityDatabase, value: data)
        #expect(try reasons(replacing: "db", variable) == [.signatureList])
        let unknown = try lists(
            EventLogData.signatureList(hashes: [honest], header: chosen, type: [UInt8](repeating: 0x42, count: 16)))
        #expect(unknown.flatMap(\.entries).map(\.data) == [honest])
        #expect(unknown.first?.headerSize == 32)
    }

    struct ListCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
    }
    static let hash = [UInt8](repeating: 0xAA, count: 32)
    static let badListCases = [
        ListCase(testDescription: "size 0", bytes: EventLogData.signatureList(hashes: [hash], entrySize: 0)),
        ListCase(testDescription: "size 16", bytes: EventLogData.signatureList(hashes: [hash], entrySize: 16)),
        ListCase(testDescription: "size 24", bytes: EventLogData.signatureList(hashes: [hash], entrySize: 24)),
        ListCase(testDescription: "size max", bytes: EventLogData.signatureList(hashes: [hash], entrySize: .max)),
        ListCase(testDescription: "list 0", bytes: EventLogData.signatureList(hashes: [hash], listSize: 0)),
        ListCase(testDescription: "list 27", bytes: EventLogData.signatureList(hashes: [hash], listSize: 27)),
        ListCase(testDescription: "list + 1", bytes: EventLogData.signatureList(hashes: [hash], listSize: 77)),
        ListCase(testDescription: "list - 1", bytes: EventLogData.signatureList(hashes: [hash], listSize: 75)),
        ListCase(testDescription: "list max", bytes: EventLogData.signatureList(hashes: [hash], listSize: .max)),
        ListCase(testDescription: "header max", bytes: EventLogData.signatureList(hashes: [hash], headerSize: .max)),
        ListCase(testDescription: "header 1", bytes: EventLogData.signatureList(hashes: [hash], headerSize: 1)),
        ListCase(testDescription: "trailing byte", bytes: EventLogData.signatureList(hashes: [hash]) + [0]),
    ]

    @Test("EL-17: a list whose sizes do not divide exactly yields no hash at all", arguments: badListCases)
    func badLists(_ testCase: ListCase) throws {
        #expect(throws: EventDataError.self) { try lists(testCase.bytes) }
        let data = EventLogData.variable("db", vendor: EventLogData.imageSecurityDatabase, value: testCase.bytes)
        #expect(try reasons(replacing: "db", data) == [.signatureList])
    }

    @Test("EL-17: every prefix of a signature list is refused")
    func listPrefixes() throws {
        let bytes = EventLogData.signatureList(hashes: [Self.hash, Self.hash])
        for length in 1..<bytes.count {
            #expect(throws: EventDataError.self) { try lists(Array(bytes[..<length])) }
        }
        #expect(try lists(bytes).first?.entries.count == 2)
        #expect(try lists([]).isEmpty)
    }

    // MARK: EL-18

    @Test(
        "EL-18: tagged events nested two million deep are refused by depth, and released",
        arguments: [9, 1000, 2_000_000])
    func nestedTaggedEvents(depth: Int) throws {
        let data = EventLogData.nestedTaggedEvents(depth: depth)
        let log = try log(12, .eventTag, data)
        #expect(log.findings().contains { $0.id == .depth && $0.severity == .contraindicated })
        #expect(log.events[1].description.contains("LOG_DEPTH"))
    }

    @Test("Tagged events nested eight deep are read")
    func allowedDepth() throws {
        let log = try log(12, .eventTag, EventLogData.nestedTaggedEvents(depth: 8))
        guard case .tagged(let events) = try log.events[1].decoded() else {
            Issue.record("no tagged events")
            return
        }
        #expect(events.map(\.depth) == Array(1...8))
        #expect(!log.findings().contains { $0.id == .depth })
    }

    @Test("EL-18: a device path of two million nodes is refused by depth, in an image and in a boot option")
    func longDevicePath() throws {
        let nodes = [UInt8]([1, 1, 4, 0]).repeated(2_000_000)
        let image = try log(4, .efiBootServicesApplication, [UInt8](repeating: 0, count: 32) + nodes)
        #expect(image.findings().contains { $0.id == .depth })
        let option: [UInt8] = [1, 0, 0, 0, 0xFC, 0xFF, 0, 0] + nodes.prefix(0xFFFC)
        let boot = try log(1, .efiVariableBoot, EventLogData.variable("Boot0001", value: option))
        #expect(boot.findings().contains { $0.id == .depth })
    }

    // MARK: EL-02

    @Test("EL-02: one edited byte of data is LOG_DATA_DIGEST where the digest covers it, and changes nothing else")
    func editedData() throws {
        let honest = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        var covered = 0
        for event in honest.events.dropFirst() where !event.dataRange.isEmpty {
            var bytes = honest.bytes
            // The byte before the last is measured in every form; a prefix or a final NUL may not be.
            bytes[event.dataRange.lowerBound + max(0, event.dataRange.count - 2)] ^= 0x01
            let log = try TCGEventLog(parsing: bytes)
            let found = log.findings().filter { $0.id == .dataDigest && $0.eventIndex == event.index }
            if event.dataVerified == true {
                covered += 1
                #expect(found.count == 1, "\(event)")
            } else {
                #expect(found.isEmpty, "\(event)")
            }
            #expect(log.replay().values == honest.replay().values)
        }
        #expect(covered > 30)
    }

    @Test("EL-02: GRUB's prefix and its NUL are not measured; the text behind them is")
    func grubPrefix() throws {
        let command = Array("linux /vmlinuz ro".utf8)
        let data = Array("kernel_cmdline: ".utf8) + command + [0]
        #expect(try log(8, .ipl, data, measuring: command).events[1].dataVerified == true)
        #expect(try log(8, .ipl, data, measuring: command + [0]).events[1].dataVerified == true)
        #expect(try log(8, .ipl, data, measuring: Array("other".utf8)).events[1].dataVerified == false)
        // Without a loader's prefix only the digest counts.
        #expect(try log(9, .ipl, Array("/vmlinuz".utf8) + [0], measuring: [1]).events[1].dataVerified == nil)
    }

    @Test("EL-02: an old shim's digest over all but the last byte is noted where that byte is padding, else a warning")
    func oldShim() throws {
        let variable = EventLogData.variable("Shim", vendor: [UInt8](repeating: 5, count: 16), value: [1, 2, 3])
        let event = try log(7, .efiVariableAuthority, variable + [0xAF], measuring: variable)
        #expect(event.events[1].dataVerification == .verified(.withoutLastByte))
        #expect(!event.findings().contains { $0.id == .dataDigest })
        #expect(event.quirks().map(\.quirk).contains(.digestWithoutLastByte))
        let short = try log(7, .efiVariableAuthority, variable, measuring: variable.dropLast())
        let finding = try #require(short.findings().first { $0.id == .dataDigest })
        #expect(finding.severity == .warning)
    }

    @Test("EL-02: data is verified only when the digests of all banks agree")
    func everyBank() throws {
        var builder = EventLogBuilder(banks: [.sha1, .sha256])
        builder.append(4, .efiAction, Array("text".utf8))
        builder.events[0].digests[0].bytes[0] ^= 1
        #expect(try builder.log.events[1].dataVerified == false)
    }

    // MARK: Names

    @Test("The golden boot's events have the names that a diagnosis needs")
    func goldenNames() throws {
        let events = try TCGEventLog(parsing: TestVectors.golden.eventLog).events
        let components = events.map(\.component)
        #expect(components.contains { $0.kind == .kernelCommandLine && $0.name.contains("ima_policy=tcb") })
        #expect(components.contains { $0.kind == .kernelImage && $0.name == "/boot/vmlinuz" })
        #expect(components.contains { $0.kind == .initrd && $0.name == "/boot/initrd.img" })
        #expect(components.contains { $0.kind == .application && $0.name == "\\EFI\\BOOT\\grubx64.efi" })
        #expect(components.contains { $0.kind == .bootOption && $0.name == "Boot0000 \"UiApp\"" })
        #expect(components.contains { $0.kind == .shimVariable && $0.name == "SbatLevel" })
        #expect(
            components.filter { $0.kind == .secureBootVariable }.map(\.name) == [
                "SecureBoot", "PK", "KEK", "db", "dbx",
            ])
        #expect(
            events.contains { $0.description.contains("BootOrder (EFI_GLOBAL_VARIABLE): Boot0001, Boot0000, Boot0002") }
        )
        #expect(events.contains { $0.description.contains("\"ESP\" (EFI system partition") })
    }

    @Test("Control characters, direction marks and long texts cannot reach a terminal")
    func escaping() throws {
        let evil = "grub_cmd: \u{1B}]0;title\u{7}\u{202E}\r\nok\u{85}"
        let event = try log(8, .ipl, Array(evil.utf8)).events[1]
        for text in [event.description, event.component.name] {
            #expect(
                text.unicodeScalars.allSatisfy {
                    $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x202E && $0.value != 0x85
                })
            #expect(text.contains("\\u{1b}"))
        }
        let long = try log(4, .efiAction, [UInt8](repeating: 0x41, count: 100_000)).events[1]
        #expect(long.description.count < 5000)
    }

    @Test("A GUID keeps its mixed byte order")
    func guid() throws {
        let guid = try #require(EFIGUID("8be4df61-93ca-11d2-aa0d-00e098032b8c"))
        #expect(guid.bytes == EventLogData.globalVariable)
        #expect(guid.description == "8be4df61-93ca-11d2-aa0d-00e098032b8c")
        #expect(guid == .globalVariable)
        #expect(EFIGUID("8be4df61-93ca-11d2-aa0d-00e098032b8") == nil)
        #expect(EFIGUID("8be4df6193ca11d2aa0d00e098032b8c") == nil)
    }
}

extension [UInt8] {
    fileprivate func repeated(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(self.count * count)
        for _ in 0..<count { result += self }
        return result
    }
}
