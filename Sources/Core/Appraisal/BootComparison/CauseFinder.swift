internal import TCGEventLog
internal import TPMStructures

/// Reads all changes of a comparison together: a new kernel explains its initrd, a new version explains firmware's code. A
/// change that only the log's breach of a rule explains is tampering, whatever it is called.
struct CauseFinder {
    private(set) var changes: [BootChange]
    private(set) var causes: [BootChangeCause] = []

    /// - Parameter firmwareBlobs: how many volumes of firmware the earlier boot measured into PCR 0.
    init(_ changes: [BootChange], broken: [LogFinding], firmwareBlobs: Int) {
        self.changes = changes
        explainSecureBoot()
        explainShim()
        explainFirmware(firmwareBlobs)
        explainKernel()
        explainCommandLine()
        let accused = Set(broken.compactMap(\.eventIndex))
        for place in self.changes.indices {
            if let event = self.changes[place].after?.event, accused.contains(event) {
                self.changes[place].cause = .tampering
            }
        }
        let groups = Dictionary(grouping: self.changes.indices) { self.changes[$0].cause }
        causes = groups.map { BootChangeCause($0.key, changes: $0.value.sorted()) }
        if !broken.isEmpty, groups[.tampering] == nil { causes.append(BootChangeCause(.tampering, changes: [])) }
        let order = BootChangeCause.Kind.allCases
        causes.sort { left, right in
            if left.weight != right.weight { return left.weight > right.weight }
            return (order.firstIndex(of: left.cause) ?? 0) < (order.firstIndex(of: right.cause) ?? 0)
        }
    }

    private func has(_ cause: BootChangeCause.Kind) -> Bool { changes.contains { $0.cause == cause } }

    private mutating func replace(
        _ causes: Set<BootChangeCause.Kind>, with cause: BootChangeCause.Kind, where isMeant: (BootChange) -> Bool
    ) {
        for place in changes.indices where causes.contains(changes[place].cause) && isMeant(changes[place]) {
            changes[place].cause = cause
        }
    }

    /// An update replaces every volume, or says another version; memory or setup changes a part.
    private mutating func explainFirmware(_ blobs: Int) {
        let changed = changes.count { $0.component == .firmwareBlob && $0.pcr == 0 && $0.kind == .changed }
        guard has(.firmwareUpdate) || changed > 0 && changed == blobs else { return }
        replace([.firmwareChange], with: .firmwareUpdate) { _ in true }
        replace([.firmwareConfiguration], with: .firmwareUpdate) { $0.component == .firmwareTables }
    }

    private mutating func explainKernel() {
        guard has(.kernelUpdate) else { return }
        replace([.initrdRebuilt], with: .kernelUpdate) { _ in true }
        replace([.commandLine, .bootLoaderConfiguration, .bootPath], with: .kernelUpdate) { change in
            change.component == .file || Self.differsInNumbersOnly(change)
        }
    }

    /// A file of configuration that holds the changed command line changes with it, and nothing else of it was executed.
    private mutating func explainCommandLine() {
        let configuration = changes.filter { $0.cause == .bootLoaderConfiguration }
        guard has(.commandLine), configuration.allSatisfy({ $0.component == .file }) else { return }
        replace([.bootLoaderConfiguration], with: .commandLine) { _ in true }
    }

    /// Without Secure Boot firmware measures its policy as empty, and shim verifies nothing.
    private mutating func explainSecureBoot() {
        guard has(.secureBootOff) else { return }
        let policy: Set<BootChangeCause.Kind> = [
            .secureBootKeys, .revocationRemoved, .revocationUpdate, .bootLoaderUpdate, .machineOwnerKeys,
        ]
        replace(policy, with: .secureBootOff) { $0.pcr == 7 }
        replace([.kernelUpdate], with: .secureBootOff) { $0.kind == .removed && $0.component == .application }
    }

    /// Where shim's lists are gone from PCR 14, shim did not run: its level is not lowered but not measured.
    private mutating func explainShim() {
        let lists = changes.filter { $0.pcr == 14 && $0.component == .shimVariable }
        guard !lists.isEmpty, lists.allSatisfy({ $0.kind == .removed }) else { return }
        replace([.machineOwnerKeys, .revocationRemoved], with: .bootPath) {
            $0.kind == .removed && $0.component == .shimVariable
        }
    }

    /// `vmlinuz-6.1.0-51` and `vmlinuz-6.1.0-52`: a version, not an option.
    private static func differsInNumbersOnly(_ change: BootChange) -> Bool {
        guard change.kind == .changed, let before = change.before, let after = change.after else { return false }
        return before.description.filter { !$0.isNumber } == after.description.filter { !$0.isNumber }
    }
}
