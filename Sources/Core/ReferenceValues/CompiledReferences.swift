internal import ByteParsing
internal import TPMCryptography
public import TPMStructures

/// A reference set made ready to judge by: digests as bytes, rules by register. Only a sound set compiles.
public struct CompiledReferences: Sendable {
    /// One expected event.
    public struct ExpectedEvent: Sendable {
        public let name: String
        public let type: String
        public let layer: LayerID
        /// Each alternative has a digest for every bank of the set.
        public let alternatives: [[PCRBank: Digest]]
        /// The command lines that the alternatives were computed from, for display.
        public let commandLines: [String]
        /// Why any content may stand here; then there are no alternatives.
        public let anyContent: String?
        public let isOptional: Bool

        /// Whether an event with these digests is this one: some alternative agrees in every bank of `banks`.
        public func matches(_ digests: [PCRBank: Digest], banks: [PCRBank]) -> Bool {
            alternatives.contains { alternative in
                banks.allSatisfy { bank in
                    guard let expected = alternative[bank], let seen = digests[bank] else { return false }
                    return expected == seen
                }
            }
        }
    }

    public enum Rule: Sendable {
        case values([[PCRBank: Digest]])
        case events([ExpectedEvent], isOrdered: Bool)
        case ignore(reason: String)
    }

    public struct Denied: Hashable, Sendable {
        public let name: String
        public let reason: String
    }

    /// Without its section `runtime`, whose lists ``runtime`` holds in a tenth of the memory.
    public let set: ReferenceSet
    /// In the set's order.
    public let banks: [PCRBank]
    public let rules: [PCRIndex: Rule]
    public let layers: [LayerID: ReferenceSet.LayerRule]
    public let denied: [Digest: Denied]
    public let waivers: [ReferenceSet.Waiver]
    /// Nil where the set does not cover the layer.
    public let runtime: CompiledRuntime?
    /// Milliseconds since 1970.
    public let notBefore: Int64?
    public private(set) var notAfter: Int64?

    public var coveredLayers: [LayerID] { layers.keys.sorted() }
    public var requiredLayers: [LayerID] { layers.filter(\.value.required).keys.sorted() }

    /// Registers that some rule judges.
    public var judgedPCRs: PCRSet {
        PCRSet(
            rules.compactMap { index, rule in
                if case .ignore = rule { nil } else { index }
            })
    }

    /// - Throws: what ``ReferenceSet/lint()`` finds, and `POL_PARENT` for a set that rests on another one, which alone judges
    ///   nobody.
    public init(_ set: ReferenceSet) throws(ReferenceSetError) {
        let problems = set.lint()
        if let first = problems.first { throw ReferenceSetError(first, Array(problems.dropFirst())) }
        try self.init(linted: set)
    }

    private init(linted set: ReferenceSet) throws(ReferenceSetError) {
        if let parent = set.extends {
            throw ReferenceSetError(
                ReferenceSetProblem(
                    code: ReferenceSetProblem.parent, path: "extends",
                    detail: "the set rests on \(parent) and judges only together with it"))
        }
        self.init(sound: set)
    }

    private init(sound set: ReferenceSet) {
        var withoutLists = set
        withoutLists.runtime = nil
        self.set = withoutLists
        let banks = set.banks.compactMap(PCRBank.init(rawValue:))
        self.banks = banks
        var rules: [PCRIndex: Rule] = [:]
        for rule in set.pcrs {
            guard let pcr = PCRIndex(rule.pcr) else { continue }
            rules[pcr] = Self.compile(rule, pcr, banks)
        }
        self.rules = rules
        var layers: [LayerID: ReferenceSet.LayerRule] = [:]
        for rule in set.layers {
            if let layer = LayerID(rawValue: rule.id) { layers[layer] = rule }
        }
        self.layers = layers
        var denied: [Digest: Denied] = [:]
        for component in set.denied ?? [] {
            for digest in component.digests.compactMap({ Digest($0) }) {
                denied[digest] = Denied(name: component.name, reason: component.reason)
            }
        }
        self.denied = denied
        runtime = set.runtime.map {
            CompiledRuntime($0, denied: denied, onUnknown: layers[.runtime]?.onUnknown ?? .fail)
        }
        waivers = set.waivers ?? []
        notBefore = set.validity?.notBefore.flatMap(RFC3339.milliseconds)
        notAfter = set.validity?.notAfter.flatMap(RFC3339.milliseconds)
    }

    /// Reads, checks and compiles a document from its exact bytes.
    public init(parsing bytes: [UInt8]) throws(ReferenceSetError) {
        try self.init(linted: ReferenceSet(parsing: bytes))
    }

    /// The same references with an earlier end; a later one, or nil, changes nothing.
    ///
    /// - Parameter end: milliseconds since 1970.
    public func ending(by end: Int64?) -> CompiledReferences {
        guard let end, end < notAfter ?? Int64.max else { return self }
        var copy = self
        copy.notAfter = end
        return copy
    }

    private static func compile(_ rule: ReferenceSet.PCRRule, _ pcr: PCRIndex, _ banks: [PCRBank]) -> Rule {
        switch rule.rule {
        case .ignore: .ignore(reason: rule.reason ?? "")
        case .values: .values((rule.values ?? []).map(digests))
        case .events:
            .events(
                (rule.events ?? []).map { event in
                    let lines = (event.commandLines ?? []).map { $0.joined(separator: " ") }
                    return ExpectedEvent(
                        name: event.name, type: event.type,
                        layer: event.layer.flatMap(LayerID.init(rawValue:))
                            ?? LayerID.layer(ofUnknownEventIn: pcr) ?? .kernel,
                        alternatives: (event.digests ?? []).map(digests)
                            + lines.map { line in
                                Dictionary(
                                    uniqueKeysWithValues: banks.map {
                                        ($0, MessageDigest.hash(Array(line.utf8), $0))
                                    })
                            },
                        commandLines: lines, anyContent: event.anyContent, isOptional: event.optional ?? false)
                }, isOrdered: rule.order != .any)
        }
    }

    private static func digests(_ texts: [String: String]) -> [PCRBank: Digest] {
        var digests: [PCRBank: Digest] = [:]
        for (name, hex) in texts {
            guard let bank = PCRBank(rawValue: name), let bytes = Hex.decode(hex) else { continue }
            digests[bank] = Digest(algorithm: bank, bytes: bytes)
        }
        return digests
    }
}
