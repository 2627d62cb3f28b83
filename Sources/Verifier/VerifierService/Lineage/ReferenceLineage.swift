internal import AttestationMessages
internal import ByteParsing
internal import ReferenceValues

/// A reference set together with the sets that it rests on, up to the first that rests on none (decision 0025).
struct ReferenceLineage: Sendable {
    /// What judges: the child over its parents.
    let compiled: CompiledReferences
    /// The set over its parents; nil where it rests on none.
    let effective: ReferenceSet?
    /// Whether any set of the line was approved in lab mode.
    let labMode: Bool

    /// A document that is not stored yet.
    ///
    /// - Throws: `invalid` with the problem's code: `POL_…`, `POL_PARENT` for a parent that is missing, of other bytes, or not
    ///   approved, and for a line that is too long.
    init(drafting document: [UInt8], _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot) throws {
        try self.init(document, ends: [], labMode: false, policy, snapshot) { ServiceError(.invalid, $0, $1) }
    }

    /// A stored version; its own signatures were verified before.
    ///
    /// - Throws: `unavailable`: `STORE_POISON` for a document that does not read, `POL_PARENT` as above, and what
    ///   ``ReferenceSignatures/verify(_:_:_:)`` finds in a parent. Nobody is judged by a part of a line.
    init(loading record: ReferenceRecord, _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot) throws {
        let set = "reference set \(record.name)@\(record.version)"
        try self.init(
            record.document, ends: [record.validUntilMilliseconds], labMode: record.labMode, policy, snapshot
        ) { code, detail in
            ServiceError(
                .unavailable, code == ReferenceSetProblem.parent ? code : "STORE_POISON", "\(set): \(detail)")
        }
    }

    private init(
        _ document: [UInt8], ends: [Int64?], labMode: Bool, _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot,
        refusal: (_ code: String, _ detail: String) -> ServiceError
    ) throws {
        var ends = ends
        var labMode = labMode
        do {
            if let whole = try Self.whole(document) {
                effective = nil
                compiled = whole.ending(by: ends.compactMap { $0 }.min())
            } else {
                let line = try Self.line(from: document, policy, snapshot) { record in
                    ends.append(record.validUntilMilliseconds)
                    labMode = labMode || record.labMode
                }
                let together = try line.dropLast().reversed().reduce(line.last) { parent, child in
                    try parent.map { try child.inheriting(from: $0) }
                }
                effective = together
                guard let together else { throw Self.problem("there is no set") }
                compiled = try CompiledReferences(together).ending(by: ends.compactMap { $0 }.min())
            }
        } catch let error as ReferenceSetError { throw refusal(error.code, error.description) }
        self.labMode = labMode
    }

    /// Most sets rest on none, and may be large: they are read once.
    ///
    /// - Returns: nil for a set with a parent.
    private static func whole(_ document: [UInt8]) throws(ReferenceSetError) -> CompiledReferences? {
        do throws(ReferenceSetError) { return try CompiledReferences(parsing: document) } catch {
            guard error.code == ReferenceSetProblem.parent else { throw error }
            return nil
        }
    }

    /// The child first, each of the others verified.
    private static func line(
        from document: [UInt8], _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot,
        noting note: (ReferenceRecord) -> Void
    ) throws -> [ReferenceSet] {
        var line = [try ReferenceSet(parsing: document)]
        while let parent = line.last?.extends {
            guard line.count < ReferenceSet.longestLine else {
                throw problem("more than \(ReferenceSet.longestLine) sets rest on each other")
            }
            let record = try Self.parent(parent, snapshot)
            try ReferenceSignatures.verify(record, policy, snapshot)
            note(record)
            line.append(try ReferenceSet(parsing: record.document))
        }
        return line
    }

    /// What two persons approved once and nobody rejected since; by its exact bytes.
    private static func parent(
        _ parent: ReferenceSet.Parent, _ snapshot: any StoreSnapshot
    ) throws -> ReferenceRecord {
        guard let record = try snapshot.reference(parent.name, version: parent.version) else {
            throw problem("there is no reference set \(parent)")
        }
        guard [.approved, .active, .retired].contains(record.status) else {
            throw problem("\(parent) is \(record.status.rawValue), not approved")
        }
        guard Hex.decode(parent.documentSHA256) == record.documentSHA256 else {
            throw problem("\(parent) is a document of SHA-256 \(Hex.encode(record.documentSHA256))")
        }
        return record
    }

    private static func problem(_ detail: String) -> ReferenceSetError {
        ReferenceSetError(ReferenceSetProblem(code: ReferenceSetProblem.parent, path: "extends", detail: detail))
    }
}
