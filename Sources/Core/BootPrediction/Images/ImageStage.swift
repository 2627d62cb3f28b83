internal import ByteParsing
internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// Images that firmware and shim measure into PCR 4 by their Authenticode digest.
enum ImageStage {
    static func apply(_ update: BootUpdate, _ records: inout PredictedRecords) throws(PredictionError) {
        if let shim = update.shim {
            try replace(shim, "shim", &records) { path, number in
                number == 0 || ["shim", "bootx64", "bootaa64", "bootia32"].contains(where: baseName(path).hasPrefix)
            }
            records.notes.append(
                "another shim may bring another SBAT level and other vendor keys (PCR 7 and 14): these stay the last boot's here"
            )
        }
        if let image = update.grubImage {
            try replace(image, "GRUB", &records) { path, _ in baseName(path).hasPrefix("grub") }
        }
        if let image = update.systemdBoot {
            try replace(image, "systemd-boot", &records) { path, number in
                baseName(path).hasPrefix("systemd-boot") || number == 0
            }
        }
        if let kernel = update.grub.kernel, update.unifiedKernel == nil { try replaceKernel(kernel, &records) }
    }

    static func parse(_ bytes: [UInt8], _ what: String) throws(PredictionError) -> PEImage {
        do throws(ParsingError) { return try PEImage(parsing: bytes) } catch {
            throw PredictionError(.malformed, "\(what): \(error)")
        }
    }

    private static func baseName(_ path: String) -> String {
        (path.split { $0 == "\\" || $0 == "/" }.last.map(String.init) ?? path).lowercased()
    }

    /// Applications of PCR 4 with their path; nil for one that a boot loader loaded itself.
    static func applications(_ log: TCGEventLog) -> [(event: TCGPCREvent2, path: String?)] {
        log.events.compactMap { event in
            guard event.isExtended, event.registerIndex == 4,
                event.untrustedEventType == .efiBootServicesApplication,
                case .imageLoad(let image)? = try? event.decoded()
            else { return nil }
            return (event, image.devicePath.filePath)
        }
    }

    /// - Parameter isIt: Whether an application, by its path and its number among those with one, is the replaced one; the
    ///   first match by name wins over the first by place.
    private static func replace(
        _ bytes: [UInt8], _ what: String, _ records: inout PredictedRecords, _ isIt: (String, Int) -> Bool
    ) throws(PredictionError) {
        let image = try parse(bytes, what)
        let named = applications(records.base).compactMap { entry in entry.path.map { (entry.event, $0) } }
        let matches = named.enumerated().filter { isIt($0.element.1, $0.offset) }
        let byName = matches.filter { isIt($0.element.1, .max) }
        guard let match = (byName.first ?? matches.first)?.element else {
            throw PredictionError(
                .baseMismatch,
                "the last boot's PCR 4 shows no \(what) among: " + named.map(\.1).joined(separator: ", "))
        }
        // A loader that is measured twice, by firmware and by shim, has the same digest twice.
        let old = match.0.strongestDigest
        let digests = image.authenticodeDigests(records.base.banks)
        for entry in named where entry.0.strongestDigest == old { records.change(entry.0.index, digests) }
    }

    /// A kernel that GRUB loads: shim measures it without a path, once or twice.
    private static func replaceKernel(_ bytes: [UInt8], _ records: inout PredictedRecords) throws(PredictionError) {
        let kernels = applications(records.base).filter { $0.path == nil }.map(\.event)
        // Without Secure Boot nobody measures it into PCR 4.
        guard !kernels.isEmpty else { return }
        let digests = try parse(bytes, "kernel").authenticodeDigests(records.base.banks)
        for event in kernels { records.change(event.index, digests) }
    }
}

/// A unified kernel image: PCR 4 by firmware, its sections in PCR 11 by systemd-stub, load options and initrd in PCR 9 by the
/// kernel inside.
enum UnifiedKernelStage {
    /// The order of systemd-stub (src/fundamental/uki.h); the signature section is never measured.
    private static let order = [
        ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
        ".profile",
        ".dtbauto", ".hwids", ".efifw",
    ]
    /// Measured by every systemd-stub that measures into PCR 11 (252 and later).
    private static let always: Set<String> = [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey"]

    static func apply(
        _ bytes: [UInt8], _ update: BootUpdate, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        let image = try ImageStage.parse(bytes, "unified kernel")
        let applications = ImageStage.applications(records.base)
        guard let own = applications.last(where: { $0.path != nil }) else {
            throw PredictionError(.baseMismatch, "the last boot's PCR 4 shows no image that firmware loaded")
        }
        records.change(own.event.index, image.authenticodeDigests(records.base.banks))
        if let kernel = image.content(ofSection: ".linux") {
            let inner = applications.filter { $0.path == nil }
            if !inner.isEmpty {
                let digests = try ImageStage.parse(kernel, "section .linux").authenticodeDigests(records.base.banks)
                for entry in inner { records.change(entry.event.index, digests) }
            }
        }
        let old = sections(records.base)
        guard !old.isEmpty else {
            throw PredictionError(.baseMismatch, "the last boot's PCR 11 shows no sections of a unified kernel")
        }
        func measured(_ name: String) -> TCGPCREvent2? { old.first { $0.name == name }?.content }
        try measure(image, old, update, &records)
        try followInitrd(image, measured(".initrd"), &records)
        try followCommandLine(image, measured(".cmdline"), update, &records)
    }

    private struct Measured {
        var name: String
        var label: TCGPCREvent2
        var content: TCGPCREvent2
    }

    /// Pairs of events: the section's name, then its content.
    private static func sections(_ log: TCGEventLog) -> [Measured] {
        let events = log.events.filter {
            $0.isExtended && $0.registerIndex == 11 && $0.component.kind == .kernelSection
        }
        return stride(from: 0, to: events.count - 1, by: 2).compactMap { index in
            let (label, content) = (events[index], events[index + 1])
            let name = label.component.name
            return content.component.name == name ? Measured(name: name, label: label, content: content) : nil
        }
    }

    private static func measure(
        _ image: PEImage, _ old: [Measured], _ update: BootUpdate, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        var remaining = old
        for name in order where image.sections.contains(where: { $0.name == name }) {
            guard let content = image.content(ofSection: name) else {
                throw PredictionError(.malformed, "section \(name) is far larger than its data")
            }
            if let place = remaining.firstIndex(where: { $0.name == name }) {
                for section in remaining[..<place] { remove(section, &records) }
                records.change(remaining[place].content.index, records.hash(content))
                remaining.removeFirst(place + 1)
                continue
            }
            guard let measures = update.measuredSections[name] ?? (always.contains(name) ? true : nil) else {
                throw PredictionError(
                    .undecided,
                    "whether this image's stub measures section \(name) is not known: the last boot shows none; "
                        + "--section \(name)=yes or =no says it")
            }
            guard measures else { continue }
            let next = remaining.first?.label.index ?? old.last.map { $0.content.index + 1 }
            let data = CommandLineStage.utf16(name, terminated: true)
            for digests in [records.hash(Array(name.utf8) + [0]), records.hash(content)] {
                records.insert(.init(register: 11, type: .ipl, digests: digests, data: data), before: next)
            }
        }
        for section in remaining { remove(section, &records) }
    }

    private static func remove(_ section: Measured, _ records: inout PredictedRecords) {
        records.remove(section.label.index)
        records.remove(section.content.index)
    }

    /// The kernel inside measures the initrd that the stub hands to it.
    private static func followInitrd(
        _ image: PEImage, _ oldInitrd: TCGPCREvent2?, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        for event in CommandLineStage.stubEvents(records.base, .initrd) {
            guard event.digests == oldInitrd?.digests, let content = image.content(ofSection: ".initrd") else {
                throw PredictionError(
                    .undecided,
                    "event \(event.index): the initrd that the kernel measured is not section .initrd alone")
            }
            records.change(event.index, records.hash(content))
        }
    }

    /// The image's own command line: systemd-boot measures in PCR 12 what it passes to the image, and the kernel inside measures
    /// in PCR 9 what the stub hands on.
    private static func followCommandLine(
        _ image: PEImage, _ oldSection: TCGPCREvent2?, _ update: BootUpdate, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        let options = CommandLineStage.stubEvents(records.base, .loadOptions)
        let passed = records.base.events.filter { $0.isExtended && $0.registerIndex == 12 }
        guard !options.isEmpty || !passed.isEmpty, update.commandLine == nil else { return }
        guard let section = image.content(ofSection: ".cmdline") else {
            throw PredictionError(.undecided, "the image has no .cmdline; --cmdline says what it is started with")
        }
        // Versions of systemd-stub treat white space at the ends and control characters differently.
        let text = section.prefix { $0 != 0 }
        guard !text.contains(where: { $0 < 0x20 || $0 > 0x7E }), text.first != 0x20, text.last != 0x20 else {
            throw PredictionError(
                .undecided, "section .cmdline has characters that versions of systemd-stub hand on differently")
        }
        let line = String(decoding: text, as: UTF8.self)
        for event in passed {
            guard let encode = encoding(ofOwn: event, oldSection, records.base.banks) else {
                throw PredictionError(
                    .undecided,
                    "the last boot's command line was not the image's own (PCR 12); --cmdline says the new one")
            }
            records.change(
                event.index, records.hash(encode(line)), data: CommandLineStage.utf16(line, terminated: true))
        }
        let handed = CommandLineStage.utf16(line, terminated: true)
        for event in options { records.change(event.index, records.hash(handed)) }
    }

    /// How a line of PCR 12 was measured; nil for one that was not the last image's own: an entry file, or a person at the boot
    /// menu, may have passed it, and passes it to the next image too.
    private static func encoding(
        ofOwn event: TCGPCREvent2, _ section: TCGPCREvent2?, _ banks: [PCRBank]
    ) -> ((String) -> [UInt8])? {
        guard let section, case .bootLoader(.kernelCommandLine(let old))? = try? event.decoded(),
            event.dataVerified == true,
            // Tools that make images end the section with nothing, a newline or a NUL; the loader leaves them off.
            ["", "\n", "\0"].contains(where: { end in
                banks.allSatisfy { MessageDigest.hash(Array((old + end).utf8), $0) == section.digest($0) }
            })
        else { return nil }
        return CommandLineStage.encoding(of: old, event, banks)
    }
}
