public import ReferenceValues
public import TCGEventLog

/// One event of one boot as a comparison shows it. Every word of it is the log's; the digest is true where that log's replay
/// agrees with a quote.
public struct ComparedEvent: Hashable, Sendable, Codable {
    public var event: Int
    public var untrustedType: String
    /// Of the strongest bank that both logs have: `sha256:hex`.
    public var digest: String
    /// As ``TCGPCREvent2/dataVerified``.
    public var dataVerified: Bool?
    /// For people, control characters escaped.
    public var description: String
}

/// One difference between two boots.
public struct BootChange: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        case added, removed
        /// Another content in the place of the same thing.
        case changed
        /// The same content in another place of the register.
        case moved
        /// The same digest under another text or type: nothing was measured differently, somebody wrote the log differently.
        case relabelled
    }

    public var kind: Kind
    public var pcr: Int
    public var layer: LayerID
    /// What it is: `kernel-command-line`, `boot-option`, ….
    public var component: EventComponent.Kind
    /// Its human name: a file, a variable, a boot option, a driver's path.
    public var name: String
    public var before: ComparedEvent?
    public var after: ComparedEvent?
    /// What changed inside, one entry a line: options of a command line, entries of dbx, partitions, the order of boot options.
    public var details: [String]
    public var cause: BootChangeCause.Kind
}
