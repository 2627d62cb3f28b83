internal import ByteParsing
public import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// Computes the next boot's event log from the last boot's and what an update changes. Pure; guesses nothing: what cannot be
/// told is a ``PredictionError`` that says what would decide it.
public enum BootPredictor {
    /// - Parameter base: The last boot's log; the caller says whether a quote proves it.
    public static func predict(_ base: TCGEventLog, _ update: BootUpdate) throws(PredictionError) -> PredictedBoot {
        var records = try PredictedRecords(base)
        var decisions: [PredictionDecision] = []
        for (variable, database) in update.variables.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try change(variable, database, &records)
        }
        try ImageStage.apply(update, &records)
        if let image = update.unifiedKernel { try UnifiedKernelStage.apply(image, update, &records) }
        if let configuration = update.grubConfiguration {
            decisions = try interpret(configuration, update, &records)
        } else {
            try replaceFiles(update, &records)
            if let line = update.commandLine { try CommandLineStage.apply(line, &records) }
        }
        return try records.finish(decisions)
    }

    // MARK: Secure Boot variables

    /// UEFI_VARIABLE_DATA of the new content (PFP 1.06, section 10.4.2.1): vendor, lengths, name, value.
    private static func change(
        _ variable: SecureBootVariable, _ database: SignatureDatabase, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        let base = records.base
        let events = base.events.filter { event in
            guard event.registerIndex == 7, event.untrustedEventType == .efiVariableDriverConfig,
                case .variable(let data)? = try? event.decoded()
            else { return false }
            return data.name == variable.rawValue && data.vendor == variable.vendor
        }
        guard events.count == 1, let event = events.first, event.dataVerified == true,
            case .variable(let old)? = try? event.decoded()
        else {
            throw PredictionError(
                .baseMismatch, "the last boot's PCR 7 does not show exactly one verified \(variable.rawValue)")
        }
        guard variable.isSignatureDatabase else {
            throw PredictionError(.undecided, "\(variable.rawValue) is not a signature database")
        }
        let value = database.lists.flatMap(\.marshalled)
        var writer = ByteWriter()
        writer.write(old.vendor.bytes)
        writer.writeLittleEndian(UInt64(old.nameUnits.count))
        writer.writeLittleEndian(UInt64(value.count))
        for unit in old.nameUnits { writer.writeLittleEndian(unit) }
        writer.write(value)
        records.change(event.index, records.hash(writer.bytes), data: writer.bytes)
        if database.form == .signedUpdate {
            records.notes.append(
                "\(variable.rawValue): the update is taken for the whole content; firmware that appends it to what it holds "
                    + "will measure the sum")
        }
        if variable == .db { noteAuthorities(database, &records) }
    }

    /// PCR 7 also holds the entry of db that verified each image: it must still be there.
    private static func noteAuthorities(_ database: SignatureDatabase, _ records: inout PredictedRecords) {
        let entries = database.lists.flatMap(\.entries).map { $0.owner.bytes + $0.data }
        for event in records.base.events where event.untrustedEventType == .efiVariableAuthority {
            guard case .variable(let data)? = try? event.decoded(), data.name == SecureBootVariable.db.rawValue,
                data.vendor == .imageSecurityDatabase,
                !entries.contains(Array(records.base.bytes[data.valueRange]))
            else { continue }
            records.notes.append(
                "db: event \(event.index) of PCR 7 names an authority that the new db lacks; the image will be refused, or "
                    + "another entry verifies it and another digest is measured")
        }
    }

    // MARK: GRUB

    private static func interpret(
        _ configuration: (name: String?, content: [UInt8]), _ update: BootUpdate, _ records: inout PredictedRecords
    ) throws(PredictionError) -> [PredictionDecision] {
        if update.commandLine != nil {
            throw PredictionError(.undecided, "a GRUB configuration holds the command line: give one of the two")
        }
        let stage = try GRUBStage(records.base, configuration: configuration.name)
        var inputs = update.grub
        inputs.files[stage.configuration] = configuration.content
        let result = try stage.interpret(configuration.content, inputs)
        let oldLine = stage.commandLines.last?.measurement.text
        stage.apply(configuration.content, result.measurements, to: &records)
        let newLine = result.measurements.last { $0.kind == .kernelCommandLine }?.text
        let initrd = result.measurements.filter { $0.kind == .file }.last?.digests
        try CommandLineStage.followStub(
            oldLine: oldLine, newLine: newLine, oldInitrd: stage.files.last?.measurement.digests, newInitrd: initrd,
            &records)
        return result.decisions
    }

    /// Files of PCR 9, and of PCR 5 and 12 for systemd-boot, whose content changes while nothing else does.
    private static func replaceFiles(
        _ update: BootUpdate, _ records: inout PredictedRecords
    ) throws(PredictionError) {
        let events = records.base.events.filter { $0.isExtended && [5, 9, 12].contains($0.registerIndex) }
        for (name, content) in update.grub.files.sorted(by: { $0.key < $1.key }) {
            let own = events.filter { isFile($0, name) }
            guard !own.isEmpty else {
                throw PredictionError(.baseMismatch, "the last boot did not measure a file \(name)")
            }
            let old = own.compactMap { $0.digest(records.base.banks.first ?? .sha256) }
            for event in own { records.change(event.index, records.hash(content)) }
            try followInitrd(own, old, content, &records)
        }
        for (content, kind) in [(update.grub.kernel, EventComponent.Kind.kernelImage), (update.grub.initrd, .initrd)] {
            guard let content else { continue }
            let own = events.filter {
                $0.registerIndex == 9 && $0.untrustedEventType == .ipl && $0.component.kind == kind
            }
            guard own.count == 1, let event = own.first else {
                throw PredictionError(
                    .baseMismatch,
                    "the last boot's PCR 9 shows \(own.count) files of the kind \(kind.rawValue), not one; name it with "
                        + "--file PATH=FILE")
            }
            let old = event.digest(records.base.banks.first ?? .sha256)
            records.change(event.index, records.hash(content))
            if kind == .initrd { try followInitrd([event], [old].compactMap { $0 }, content, &records) }
        }
    }

    /// The kernel's stub measures the same initrd again.
    private static func followInitrd(
        _ own: [TCGPCREvent2], _ old: [Digest], _ content: [UInt8], _ records: inout PredictedRecords
    ) throws(PredictionError) {
        guard let bank = records.base.banks.first, own.contains(where: { $0.component.kind == .initrd }) else { return }
        for event in CommandLineStage.stubEvents(records.base, .initrd)
        where !own.contains(where: { $0.index == event.index }) {
            guard let digest = event.digest(bank), old.contains(digest) else {
                throw PredictionError(
                    .undecided,
                    "event \(event.index): the kernel's stub measured an initrd that is not the one file alone")
            }
            records.change(event.index, records.hash(content))
        }
    }

    private static func isFile(_ event: TCGPCREvent2, _ name: String) -> Bool {
        let component = event.component
        switch component.kind {
        case .file, .kernelImage, .initrd, .bootLoaderConfiguration, .other:
            return component.name == name
                || !name.hasPrefix("(") && GRUBInterpreter.withoutDevice(component.name) == name
                || component.kind == .bootLoaderConfiguration && name.hasSuffix("loader.conf")
        default: return false
        }
    }
}
