/// Why a configuration's measurements cannot be told beforehand: what stands where, and what would decide it. Nothing is
/// guessed in its place.
public struct GRUBError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// GRUB would refuse the line.
        case syntax
        /// The outcome depends on the machine, and neither the last boot nor the operator says it.
        case undecided
        /// A file's content is needed.
        case missingFile
        /// A construct that is not predicted.
        case unsupported
        /// A limit of ours, against configurations that never end.
        case limit
    }

    public let kind: Kind
    /// The configuration as GRUB names it.
    public let file: String
    /// From 1.
    public let line: Int
    /// The command or construct.
    public let construct: String
    public let reason: String

    public var description: String { "\(file), line \(line): \(construct): \(reason)" }
}
