/// What operators approve as the good state of a group of nodes: the document itself, format
/// `bootgate-reference-set/v1`, described for people in `ReferenceValues/README.md` and for programs in
/// `ReferenceValues/schema/reference-set-v1.schema.json`.
///
/// A value of this type says nothing about its rules being sound: ``init(parsing:)`` and ``lint()`` do, and only
/// ``CompiledReferences`` judges.
public struct ReferenceSet: Hashable, Sendable, Codable {
    public static let currentFormat = "bootgate-reference-set/v1"

    public var format: String
    public var name: String
    /// The group of nodes it is for.
    public var group: String
    /// The set that this one rests on: what it does not say itself holds as the parent says it.
    public var extends: Parent?
    public var description: String?
    /// Where the values come from, for the people who approve them.
    public var provenance: [String]
    public var validity: Validity?
    /// Banks whose digests the rules name. Every alternative of every rule names each of them.
    public var banks: [String]
    /// The layers that this set covers, and what a finding in each does.
    public var layers: [LayerRule]
    /// One rule for each register of the covered layers.
    public var pcrs: [PCRRule]
    /// Digests that are refused wherever they appear, whatever the rules allow (EL-20).
    public var denied: [DeniedComponent]?
    public var waivers: [Waiver]?
    /// Goes with the layer `runtime`: the one is never there without the other.
    public var runtime: Runtime?

    public init(
        name: String, group: String, description: String? = nil, provenance: [String], validity: Validity? = nil,
        banks: [String], layers: [LayerRule], pcrs: [PCRRule], denied: [DeniedComponent]? = nil,
        waivers: [Waiver]? = nil, runtime: Runtime? = nil, extends: Parent? = nil
    ) {
        format = Self.currentFormat
        self.name = name
        self.group = group
        self.extends = extends
        self.description = description
        self.provenance = provenance
        self.validity = validity
        self.banks = banks
        self.layers = layers
        self.pcrs = pcrs
        self.denied = denied
        self.waivers = waivers
        self.runtime = runtime
    }

    /// Instants as RFC 3339 in UTC (`2027-01-31T00:00:00Z`); an absent end is open.
    public struct Validity: Hashable, Sendable, Codable {
        public var notBefore: String?
        public var notAfter: String?
        public init(notBefore: String? = nil, notAfter: String? = nil) {
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    public struct LayerRule: Hashable, Sendable, Codable {
        public var id: String
        /// Whether a verdict needs this layer.
        public var required: Bool
        /// What a component that no reference knows does to the layer: `fail` (contraindicated) or `warn` (warning).
        public var onUnknown: OnUnknown
        public enum OnUnknown: String, Hashable, Sendable, Codable { case fail, warn }
        public init(id: LayerID, required: Bool = true, onUnknown: OnUnknown = .fail) {
            self.id = id.rawValue
            self.required = required
            self.onUnknown = onUnknown
        }
    }

    /// Exactly one of `values` and `events` accompanies the rule of the same name; `ignore` needs a reason.
    public struct PCRRule: Hashable, Sendable, Codable {
        public var pcr: Int
        public var rule: Kind
        /// `values`: the register holds one of these, by bank.
        public var values: [[String: String]]?
        /// `events`: what extends the register. Events that are not listed are refused, listed ones that are missing too.
        public var events: [EventRule]?
        /// `events`: whether the listed order is demanded. Absent means `strict`.
        public var order: Order?
        /// `ignore`: why nobody judges this register.
        public var reason: String?

        public enum Kind: String, Hashable, Sendable, Codable { case values, events, ignore }
        public enum Order: String, Hashable, Sendable, Codable { case strict, any }

        public init(values: [[String: String]], pcr: Int) {
            self.pcr = pcr
            rule = .values
            self.values = values
        }
        public init(events: [EventRule], order: Order = .strict, pcr: Int) {
            self.pcr = pcr
            rule = .events
            self.events = events
            self.order = order == .strict ? nil : order
        }
        public init(ignoring reason: String, pcr: Int) {
            self.pcr = pcr
            rule = .ignore
            self.reason = reason
        }
    }

    /// One expected event: any of its alternatives matches, by digest alone.
    public struct EventRule: Hashable, Sendable, Codable {
        /// For people: file, variable, image, command.
        public var name: String
        /// The type that the captured log stated; shown, never compared.
        public var type: String
        /// The layer that breaks when this event is missing or another one stands in its place. Absent: the register's.
        public var layer: String?
        /// Alternatives, each a digest for every bank of the set.
        public var digests: [[String: String]]?
        /// Alternatives given as a kernel command line, token by token as GRUB measures it (tokens joined by one space,
        /// without terminator): the digest is computed from them, so nothing but exactly these tokens matches (EL-22).
        public var commandLines: [[String]]?
        /// In place of alternatives, why any content may stand here, once: of settings that each machine has of its own. Only
        /// in ``anyContentPCRs``.
        public var anyContent: String?
        /// Whether the event may be absent. Absent means false.
        public var optional: Bool?

        /// Registers of settings and tables; what stands in the others is code, keys or commands.
        public static let anyContentPCRs: Set<Int> = [1, 3, 5, 6]

        public init(
            name: String, type: String, layer: LayerID? = nil, digests: [[String: String]]? = nil,
            commandLines: [[String]]? = nil, anyContent: String? = nil, optional: Bool = false
        ) {
            self.name = name
            self.type = type
            self.layer = layer?.rawValue
            self.digests = digests
            self.commandLines = commandLines
            self.anyContent = anyContent
            self.optional = optional ? true : nil
        }
    }

    public struct DeniedComponent: Hashable, Sendable, Codable {
        public var name: String
        /// `sha256:<hex>`.
        public var digests: [String]
        public var reason: String
        public init(name: String, digests: [String], reason: String) {
            self.name = name
            self.digests = digests
            self.reason = reason
        }
    }

    /// Lets up to `count` findings of one id in one register stand, for events with exactly these digests.
    public struct Waiver: Hashable, Sendable, Codable {
        public var finding: String
        public var pcr: Int
        public var count: Int
        /// `sha256:<hex>` of the events' digests; empty for a finding about an event that is missing.
        public var digests: [String]
        public var reason: String
        public init(finding: String, pcr: Int, count: Int, digests: [String], reason: String) {
            self.finding = finding
            self.pcr = pcr
            self.count = count
            self.digests = digests
            self.reason = reason
        }

        /// Findings about firmware's taste; everything else stands whatever a set says.
        public static let waivable: Set<String> = [
            "LOG_SEPARATOR", "LOG_AFTER_BOOT", "LOG_NO_EXIT_BOOT", "LOG_NO_ACTION", "LOG_DATA_DIGEST", "LOG_VARIABLE",
            "LOG_SIGLIST", "LOG_DEPTH", "LOG_STARTUP_LOCALITY", "LOG_DIGEST_LIST", "LOG_BANK_UNUSED",
        ]
    }
}
