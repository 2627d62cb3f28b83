internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// The kernel's command line, wherever the last boot measured one: GRUB's command and command line in PCR 8, systemd-boot's and
/// systemd-stub's in PCR 12, the load options that the kernel's own stub measures in PCR 9.
enum CommandLineStage {
    /// - Parameter line: Without the kernel's path.
    static func apply(_ line: String, _ records: inout PredictedRecords) throws(PredictionError) {
        let base = records.base
        var found = false
        let grub = base.events.filter { $0.isExtended && $0.registerIndex == 8 && $0.untrustedEventType == .ipl }
        for event in grub {
            guard case .bootLoader(.kernelCommandLine(let old))? = try? event.decoded(), event.dataVerified == true
            else {
                continue
            }
            let path = old.split(separator: " ", maxSplits: 1).first.map(String.init) ?? old
            let new = line.isEmpty ? path : "\(path) \(line)"
            records.change(
                event.index, records.hash(Array(new.utf8)), data: Array("kernel_cmdline: \(new)\0".utf8))
            // The command as GRUB ran it: only the loader's own quoting can tell the two texts apart.
            let commands = grub.filter { command in
                guard case .bootLoader(.command(let text))? = try? command.decoded(), command.dataVerified == true
                else {
                    return false
                }
                return ["linux", "linuxefi", "linux16"].contains { text == "\($0) \(old)" }
            }
            guard let command = commands.last, case .bootLoader(.command(let text))? = try? command.decoded(),
                !line.contains(where: { #"\'""#.contains($0) })
            else {
                throw PredictionError(
                    .undecided,
                    "GRUB's command for the kernel does not follow from the command line; give --grub-config")
            }
            let name = text.prefix { $0 != " " }
            records.change(
                command.index, records.hash(Array("\(name) \(new)".utf8)),
                data: Array("grub_cmd: \(name) \(new)\0".utf8))
            records.notes.append(
                "the command line stands in grub.cfg: its digest in PCR 9 stays the last boot's here; --grub-config predicts both"
            )
            try followStub(
                oldLine: Array(old.utf8), newLine: Array(new.utf8), oldInitrd: nil, newInitrd: nil, &records)
            found = true
        }
        for event in base.events where event.isExtended && event.registerIndex == 12 && event.untrustedEventType == .ipl
        {
            guard case .bootLoader(.kernelCommandLine(let old))? = try? event.decoded(), event.dataVerified == true,
                let encode = encoding(of: old, event, base.banks)
            else { continue }
            records.change(event.index, records.hash(encode(line)), data: utf16(line, terminated: true))
            try followStub(
                oldLine: Array(old.utf8), newLine: Array(line.utf8), oldInitrd: nil, newInitrd: nil, &records)
            found = true
        }
        guard found else {
            throw PredictionError(.baseMismatch, "the last boot measured no kernel command line in PCR 8 or 12")
        }
    }

    /// What the kernel's own EFI stub measures behind the boot loader: load options and initrd, EV_EVENT_TAG in PCR 9.
    static func followStub(
        oldLine: [UInt8]?, newLine: [UInt8]?, oldInitrd: [PCRBank: Digest]?, newInitrd: [PCRBank: Digest]?,
        _ records: inout PredictedRecords
    ) throws(PredictionError) {
        if let oldLine, let newLine, oldLine != newLine {
            for event in stubEvents(records.base, .loadOptions) {
                guard let encode = encoding(of: String(decoding: oldLine, as: UTF8.self), event, records.base.banks)
                else {
                    throw PredictionError(
                        .undecided, "event \(event.index): the load options of the last boot are not its command line")
                }
                records.change(event.index, records.hash(encode(String(decoding: newLine, as: UTF8.self))))
            }
        }
        if let oldInitrd, let newInitrd, oldInitrd != newInitrd {
            for event in stubEvents(records.base, .initrd) {
                guard event.digests.allSatisfy({ oldInitrd[$0.algorithm] == $0 }) else {
                    throw PredictionError(
                        .undecided,
                        "event \(event.index): the initrd that the kernel's stub measured is not one file alone")
                }
                records.change(event.index, newInitrd)
            }
        }
    }

    static func stubEvents(_ log: TCGEventLog, _ kind: EventComponent.Kind) -> [TCGPCREvent2] {
        log.events.filter {
            $0.isExtended && $0.registerIndex == 9 && $0.untrustedEventType == .eventTag && $0.component.kind == kind
        }
    }

    /// How the text became the bytes whose digest the event has; nil when no known way gives it.
    static func encoding(
        of text: String, _ event: TCGPCREvent2, _ banks: [PCRBank]
    ) -> ((String) -> [UInt8])? {
        let ways: [(String) -> [UInt8]] = [
            { utf16($0, terminated: true) }, { utf16($0, terminated: false) },
            { utf16("BOOT_IMAGE=" + $0, terminated: true) }, { utf16("BOOT_IMAGE=" + $0, terminated: false) },
            { Array($0.utf8) },
        ]
        return ways.first { way in
            let content = way(text)
            return banks.allSatisfy { MessageDigest.hash(content, $0) == event.digest($0) }
        }
    }

    static func utf16(_ text: String, terminated: Bool) -> [UInt8] {
        let units = Array(text.utf16) + (terminated ? [0] : [])
        return units.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }
}
