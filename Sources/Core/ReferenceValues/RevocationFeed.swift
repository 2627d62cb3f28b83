public import JSONCoding
public import TPMStructures

/// What the world knows to be vulnerable, as of a date: the format `bootgate-revocations/v1`. An operator makes it from
/// Microsoft's dbx and shim's levels, and imports it; nothing is fetched.
public struct RevocationFeed: Hashable, Sendable, Codable {
    public static let currentFormat = "bootgate-revocations/v1"
    /// Of each list. Microsoft's dbx has some 700 entries over all machines.
    public static let maximumEntries = 65_536
    static let maximumText = 1_024

    /// Boot components that are known to be vulnerable, signed or not.
    public struct Component: Hashable, Sendable, Codable {
        public var name: String
        /// `sha256:hex` as extended: for a UEFI image its Authenticode digest.
        public var digests: [String]
        /// `CVE-2020-10713`, ….
        public var cves: [String]
        public init(name: String, digests: [String], cves: [String]) {
            self.name = name
            self.digests = digests
            self.cves = cves
        }
    }

    public var format: String
    /// RFC 3339 in UTC: what it says was known then.
    public var date: String
    /// Where the entries come from, for the people who read it.
    public var provenance: [String]
    /// SHA-256 (hex) that a machine's dbx must hold, and that no booted image may have.
    public var dbx: [String]
    /// The lowest generation of each component that shim's SbatLevel must demand: `shim,4`.
    public var sbat: [String]
    public var components: [Component]

    public init(date: String, provenance: [String], dbx: [String], sbat: [String], components: [Component]) {
        format = Self.currentFormat
        self.date = date
        self.provenance = provenance
        self.dbx = dbx
        self.sbat = sbat
        self.components = components
    }

    /// Reads and checks a document from its exact bytes.
    ///
    /// - Throws: ``ReferenceSetError`` `POL_SCHEMA` with every problem's place.
    public init(parsing bytes: [UInt8]) throws(ReferenceSetError) {
        do {
            self = try StrictJSON.decode(RevocationFeed.self, from: bytes, limits: .document, unknownKeys: .refused)
        } catch {
            throw ReferenceSetError(Self.problem(error.path, String(describing: error)))
        }
        _ = try CompiledRevocations(self)
    }

    /// The document's bytes: sorted keys, indented.
    public func encoded() throws(StrictJSONError) -> [UInt8] { try StrictJSON.encode(self, pretty: true) + [0x0A] }

    static func problem(_ path: String, _ detail: String) -> ReferenceSetProblem {
        ReferenceSetProblem(code: ReferenceSetProblem.schema, path: path, detail: detail)
    }
}

/// A feed made ready to judge by. Only a sound feed compiles.
public struct CompiledRevocations: Sendable {
    public let feed: RevocationFeed
    /// Milliseconds since 1970.
    public let date: Int64
    /// SHA-256 digests that a dbx must hold.
    public let dbx: Set<Digest>
    /// Component → lowest generation.
    public let sbat: [String: UInt32]
    public let components: [Digest: RevocationFeed.Component]

    public init(parsing bytes: [UInt8]) throws(ReferenceSetError) { try self.init(RevocationFeed(parsing: bytes)) }

    /// - Throws: ``ReferenceSetError`` with all problems.
    public init(_ feed: RevocationFeed) throws(ReferenceSetError) {
        var problems: [ReferenceSetProblem] = []
        func refuse(_ path: String, _ detail: String) { problems.append(RevocationFeed.problem(path, detail)) }
        self.feed = feed
        if feed.format != RevocationFeed.currentFormat { refuse("format", "not \(RevocationFeed.currentFormat)") }
        let date = RFC3339.milliseconds(feed.date)
        if date == nil { refuse("date", "not an instant such as 2026-11-01T00:00:00Z") }
        self.date = date ?? 0
        for (name, count) in [
            ("dbx", feed.dbx.count), ("sbat", feed.sbat.count), ("components", feed.components.count),
            ("provenance", feed.provenance.count),
        ] where count > RevocationFeed.maximumEntries {
            refuse(name, "\(count) entries, \(RevocationFeed.maximumEntries) are allowed")
        }
        if feed.dbx.isEmpty, feed.sbat.isEmpty, feed.components.isEmpty { refuse("", "the feed revokes nothing") }
        var dbx: Set<Digest> = []
        for (place, text) in feed.dbx.enumerated() {
            if let digest = Digest("sha256:\(text)") {
                dbx.insert(digest)
            } else {
                refuse("dbx[\(place)]", "not the hex of a SHA-256")
            }
        }
        self.dbx = dbx
        var sbat: [String: UInt32] = [:]
        for (place, line) in feed.sbat.enumerated() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            if fields.count == 2, !fields[0].isEmpty, let generation = UInt32(fields[1]), generation > 0,
                sbat.updateValue(generation, forKey: String(fields[0])) == nil
            {
                continue
            }
            refuse("sbat[\(place)]", "not component,generation, or named twice")
        }
        self.sbat = sbat
        var components: [Digest: RevocationFeed.Component] = [:]
        for (place, component) in feed.components.enumerated() {
            if component.name.isEmpty || component.name.utf8.count > RevocationFeed.maximumText
                || component.cves.contains(where: { $0.utf8.count > 64 })
            {
                refuse(
                    "components[\(place)].name", "a name of 1 to \(RevocationFeed.maximumText) bytes, CVEs of up to 64")
            }
            if component.digests.isEmpty || component.digests.count > RevocationFeed.maximumEntries {
                refuse("components[\(place)].digests", "1 to \(RevocationFeed.maximumEntries) digests")
            }
            for (number, text) in component.digests.enumerated() {
                if let digest = Digest(text) {
                    components[digest] = component
                } else {
                    refuse("components[\(place)].digests[\(number)]", "not a digest such as sha256:…")
                }
            }
        }
        self.components = components
        if let first = problems.first { throw ReferenceSetError(first, Array(problems.dropFirst())) }
    }
}
