public import TCGEventLog

/// What an update changes, as the contents of files: everything else stays as the last boot measured it.
public struct BootUpdate: Sendable {
    /// The GRUB configuration, and the name under which GRUB opens it; nil: the last one that the last boot read.
    public var grubConfiguration: (name: String?, content: [UInt8])?
    public var grub = GRUBInputs()
    /// PE images.
    public var shim: [UInt8]?
    public var grubImage: [UInt8]?
    public var systemdBoot: [UInt8]?
    public var unifiedKernel: [UInt8]?
    /// The kernel's command line without the kernel's path.
    public var commandLine: String?
    public var variables: [SecureBootVariable: SignatureDatabase] = [:]
    /// Sections of a unified kernel that its stub measures or not, where neither the last boot nor every version of
    /// systemd-stub tells.
    public var measuredSections: [String: Bool] = [:]

    public init() {}
}

/// Why the next boot cannot be predicted.
public struct PredictionError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// A file of the update cannot be read: field and offset are in the description.
        case malformed
        /// The last boot's log does not show what the update replaces, or the two do not fit together.
        case baseMismatch
        /// Something must be given that only the machine or its operator knows.
        case undecided
    }
    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: GRUBError) {
        self.init(error.kind == .syntax || error.kind == .limit ? .malformed : .undecided, error.description)
    }
}
