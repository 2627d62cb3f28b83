/// `GET /v1/peers?group=G`: whether machines of one model in one group show the same registers, and which do not. Rests on
/// quotes, needs no reference set, and never changes a verdict.
public struct PeerReport: Hashable, Sendable, Codable {
    /// The least number of machines that are compared.
    public var minimumMachines: Int
    /// By group, manufacturer and product.
    public var classes: [PeerClassView]
    /// Enrolled nodes that told neither manufacturer nor product: nobody knows what they should agree with.
    public var withoutModel: Int
    /// Enrolled nodes without kept register values.
    public var withoutEvidence: Int

    public init(minimumMachines: Int, classes: [PeerClassView], withoutModel: Int, withoutEvidence: Int) {
        self.minimumMachines = minimumMachines
        self.classes = classes
        self.withoutModel = withoutModel
        self.withoutEvidence = withoutEvidence
    }
}

/// Machines of one model, as they told it when they enrolled, in one group.
public struct PeerClassView: Hashable, Sendable, Codable {
    public var group: String
    public var manufacturer: String?
    public var product: String?
    public var machines: Int
    /// Registers of the layers of the boot that any machine quoted; the strongest bank first.
    public var registers: [PeerRegisterView]
    /// By node, then by register.
    public var outliers: [PeerOutlierView]
    /// Outliers beyond those that are listed.
    public var outliersLeftOut: Int

    public init(
        group: String, manufacturer: String?, product: String?, machines: Int, registers: [PeerRegisterView],
        outliers: [PeerOutlierView], outliersLeftOut: Int
    ) {
        self.group = group
        self.manufacturer = manufacturer
        self.product = product
        self.machines = machines
        self.registers = registers
        self.outliers = outliers
        self.outliersLeftOut = outliersLeftOut
    }
}

public struct PeerRegisterView: Hashable, Sendable, Codable {
    public var pcr: Int
    public var bank: String
    public var layer: String
    /// Machines that quoted it.
    public var machines: Int
    /// `agreed`, `majority` (there are outliers), `no-majority` (nobody is an outlier), `too-few`.
    public var agreement: String
    /// Hex; absent without a majority.
    public var majority: String?
    /// Machines that hold the most frequent value.
    public var largestCount: Int
    public var distinctValues: Int

    public init(
        pcr: Int, bank: String, layer: String, machines: Int, agreement: String, majority: String?, largestCount: Int,
        distinctValues: Int
    ) {
        self.pcr = pcr
        self.bank = bank
        self.layer = layer
        self.machines = machines
        self.agreement = agreement
        self.majority = majority
        self.largestCount = largestCount
        self.distinctValues = distinctValues
    }
}

/// One register of one machine that holds another value than the majority.
public struct PeerOutlierView: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var pcr: Int
    public var layer: String
    /// The strongest bank in which it differs.
    public var bank: String
    /// Hex.
    public var majority: String
    public var majorityCount: Int
    /// Machines that quoted the register.
    public var machines: Int
    /// Hex.
    public var seen: String
    /// The machine of the majority with which events were compared.
    public var comparedWith: NodeID
    /// What differs, in the node's order; at most 16.
    public var events: [PeerEventView]
    /// Differences beyond those that are listed.
    public var eventsLeftOut: Int
    /// Why no event is named.
    public var eventsMissing: String?

    public init(
        nodeID: NodeID, pcr: Int, layer: String, bank: String, majority: String, majorityCount: Int, machines: Int,
        seen: String, comparedWith: NodeID, events: [PeerEventView], eventsLeftOut: Int, eventsMissing: String?
    ) {
        self.nodeID = nodeID
        self.pcr = pcr
        self.layer = layer
        self.bank = bank
        self.majority = majority
        self.majorityCount = majorityCount
        self.machines = machines
        self.seen = seen
        self.comparedWith = comparedWith
        self.events = events
        self.eventsLeftOut = eventsLeftOut
        self.eventsMissing = eventsMissing
    }
}

/// One event that differs; its words are the node's log's, its digests add up to the quoted register.
public struct PeerEventView: Hashable, Sendable, Codable {
    /// `added`, `removed`, `changed`, `moved`, `relabelled`, as of `bootgate inspect eventlog --diff`.
    public var kind: String
    /// Index in the node's log; absent for an event that it lacks.
    public var event: Int?
    /// `initrd`, `boot-option`, ….
    public var component: String
    public var name: String
    /// `sha256:hex` on the machine of the majority, and on the node.
    public var majority: String?
    public var seen: String?
    /// The likely cause: `kernel-update`, `boot-order`, ….
    public var cause: String
    /// What changed inside.
    public var details: [String]

    public init(
        kind: String, event: Int?, component: String, name: String, majority: String?, seen: String?, cause: String,
        details: [String]
    ) {
        self.kind = kind
        self.event = event
        self.component = component
        self.name = name
        self.majority = majority
        self.seen = seen
        self.cause = cause
        self.details = details
    }
}
