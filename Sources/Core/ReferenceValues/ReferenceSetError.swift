public import JSONCoding

/// Why a reference set is refused: a `POL_…` code of the attack catalogue, the place in the document, and a sentence.
public struct ReferenceSetProblem: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// `POL_SCHEMA`, `POL_EMPTY`, `POL_PCR_UNSET`, `POL_RESETTABLE_PCR`, `POL_WAIVER`, `POL_PATTERN`,
    /// `POL_PRESENCE_RULE` or `POL_PARENT`.
    public let code: String
    /// `pcrs[3].events[0].digests`.
    public let path: String
    public let detail: String

    public init(code: String, path: String, detail: String) {
        self.code = code
        self.path = path
        self.detail = detail
    }

    public var description: String { path.isEmpty ? "\(code): \(detail)" : "\(code): \(path): \(detail)" }

    public static let schema = "POL_SCHEMA"
    public static let empty = "POL_EMPTY"
    public static let pcrUnset = "POL_PCR_UNSET"
    public static let resettablePCR = "POL_RESETTABLE_PCR"
    public static let waiver = "POL_WAIVER"
    public static let pattern = "POL_PATTERN"
    public static let presenceRule = "POL_PRESENCE_RULE"
    public static let parent = "POL_PARENT"
}

/// All problems of one set; never empty.
public struct ReferenceSetError: Error, Hashable, Sendable, CustomStringConvertible {
    public let problems: [ReferenceSetProblem]
    public init(_ first: ReferenceSetProblem, _ others: [ReferenceSetProblem] = []) { problems = [first] + others }
    public var code: String { problems.first?.code ?? ReferenceSetProblem.schema }
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension ReferenceSet {
    /// Reads a document from its exact bytes: strict JSON, no unknown keys, and every rule of ``lint()``.
    public init(parsing bytes: [UInt8]) throws(ReferenceSetError) {
        let set: ReferenceSet
        do {
            set = try StrictJSON.decode(ReferenceSet.self, from: bytes, limits: .document, unknownKeys: .refused)
        } catch {
            throw ReferenceSetError(
                ReferenceSetProblem(
                    code: ReferenceSetProblem.schema, path: error.path, detail: String(describing: error)))
        }
        let problems = set.lint()
        if let first = problems.first { throw ReferenceSetError(first, Array(problems.dropFirst())) }
        self = set
    }

    /// The document's bytes: sorted keys, indented. Equal sets give equal bytes.
    public func encoded() throws(StrictJSONError) -> [UInt8] { try StrictJSON.encode(self, pretty: true) + [0x0A] }
}
