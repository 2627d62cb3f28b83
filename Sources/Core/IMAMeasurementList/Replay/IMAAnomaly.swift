public import TPMStructures

/// What an entry may show whatever the references say. Counted over the whole list, and kept in checkpoints.
public enum IMAAnomaly: UInt8, CaseIterable, Hashable, Sendable {
    case violation = 0
    /// The data does not have the listed template digest.
    case templateDigest = 1
    case unknownTemplate = 2
    /// Another template than the first entry's; buffers, which have their own, do not count.
    case templateChange = 3
    case laterBootAggregate = 4
    /// A kernel was loaded or executed by kexec (buffers `kexec-cmdline`, `kexec_load`, `kexec_execute`).
    case kexec = 5

    public var reason: IMAReason {
        switch self {
        case .violation: .violation
        case .templateDigest: .templateDigest
        case .unknownTemplate, .templateChange: .template
        case .laterBootAggregate: .bootAggregate
        case .kexec: .kexec
        }
    }
}

/// How often an anomaly occurred, and where first.
public struct IMATally: Hashable, Sendable {
    public var count = 0
    /// The first entry's number; 0 while the count is.
    public var firstEntry = 0
}

/// One entry that shows an anomaly.
public struct IMAOccurrence: Hashable, Sendable {
    public let anomaly: IMAAnomaly
    public let entry: Int
    public let offset: Int
    public let pcr: PCRIndex
    /// The file's or buffer's name, raw.
    public let name: [UInt8]
    /// Of an unknown or changed template, its name, raw; of a wrong template digest, the listed one.
    public let seen: [UInt8]
    /// Of a wrong template digest, the computed one; of a changed template, the first one's name.
    public let expected: [UInt8]
}
