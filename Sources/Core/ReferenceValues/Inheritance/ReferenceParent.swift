internal import ByteParsing

extension ReferenceSet {
    /// The set that another one rests on, named by its exact bytes: whoever signs the child signs for the parent too, and no
    /// circle of sets can be written.
    public struct Parent: Hashable, Sendable, Codable, CustomStringConvertible {
        public var name: String
        public var version: Int
        /// Hex of SHA-256 over the parent's document.
        public var documentSHA256: String

        public init(name: String, version: Int, documentSHA256: String) {
            self.name = name
            self.version = version
            self.documentSHA256 = documentSHA256
        }

        public var description: String { "\(name)@\(version)" }
    }

    /// Sets in one line, the child included: model, site role, group, and one to spare.
    public static let longestLine = 4

    /// This set over its parent: what this one says of a layer, a register or a finding that may stand takes the place of
    /// what the parent says; deny-lists and provenance add up; a validity only becomes narrower. The section `runtime` is
    /// taken whole. Names, group and description are the child's.
    ///
    /// - Parameter parent: a set that has no parent left.
    /// - Throws: `POL_PARENT` where the two name other banks; the rules of ``lint()`` where the result is not sound.
    public func inheriting(from parent: ReferenceSet) throws(ReferenceSetError) -> ReferenceSet {
        guard parent.extends == nil, Set(banks) == Set(parent.banks) else {
            throw ReferenceSetError(
                ReferenceSetProblem(
                    code: ReferenceSetProblem.parent, path: "banks",
                    detail: "must be those of the parent: \(parent.banks.joined(separator: ", "))"))
        }
        var result = self
        result.extends = nil
        result.provenance = provenance + parent.provenance
        result.validity = Self.narrower(validity, parent.validity)
        result.layers = Self.over(layers, parent.layers, by: \.id)
        result.pcrs = Self.over(pcrs, parent.pcrs, by: \.pcr).sorted { $0.pcr < $1.pcr }
        let denied = (parent.denied ?? []) + (self.denied ?? [])
        result.denied = denied.isEmpty ? nil : denied
        let waivers = Self.over(self.waivers ?? [], parent.waivers ?? []) { WaivedFinding($0) }
        result.waivers = waivers.isEmpty ? nil : waivers
        result.runtime = runtime ?? parent.runtime
        let problems = result.lint()
        if let first = problems.first { throw ReferenceSetError(first, Array(problems.dropFirst())) }
        return result
    }

    private struct WaivedFinding: Hashable {
        private let finding: String
        private let pcr: Int
        private let digests: [String]
        init(_ waiver: Waiver) {
            finding = waiver.finding
            pcr = waiver.pcr
            digests = waiver.digests.sorted()
        }
    }

    /// The parent's elements in their order, each replaced where the child has one of the same key; then the child's others.
    private static func over<Element, Key: Hashable>(
        _ child: [Element], _ parent: [Element], by key: (Element) -> Key
    ) -> [Element] {
        var own = Dictionary(child.map { (key($0), $0) }) { first, _ in first }
        return parent.map { own.removeValue(forKey: key($0)) ?? $0 } + child.filter { own[key($0)] != nil }
    }

    private static func narrower(_ child: Validity?, _ parent: Validity?) -> Validity? {
        guard let child, let parent else { return child ?? parent }
        // Instants of this form sort as they follow each other.
        return Validity(
            notBefore: [child.notBefore, parent.notBefore].compactMap(\.self).max(),
            notAfter: [child.notAfter, parent.notAfter].compactMap(\.self).min())
    }
}

extension ReferenceSetLint {
    mutating func parent() {
        guard let parent = set.extends else { return }
        if parent.name.isEmpty || parent.name.utf8.count > Self.maximumNameBytes {
            report(ReferenceSetProblem.schema, "extends.name", "must have 1 to \(Self.maximumNameBytes) bytes")
        }
        if !(1...Int(Int32.max)).contains(parent.version) {
            report(ReferenceSetProblem.schema, "extends.version", "must be 1 or more")
        }
        if Hex.decode(parent.documentSHA256)?.count != 32 {
            report(ReferenceSetProblem.schema, "extends.documentSHA256", "must be 64 hex digits")
        }
    }
}
