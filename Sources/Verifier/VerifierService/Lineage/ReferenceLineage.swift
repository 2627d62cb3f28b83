internal import AttestationMessages
internal import ByteParsing
internal import ReferenceValues

/// A reference set together with the sets that it rests on, up to the first that rests on none (decision 0025).
struct ReferenceLineage: Sendable {
    /// What judges: the child over its parents.
    let compiled: CompiledReferences
    let effective: ReferenceSet
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
        var line: [ReferenceSet] = []
        var ends = ends
        var labMode = labMode
        do {
            line.append(try ReferenceSet(parsing: document))
            while let parent = line.last?.extends {
                guard line.count < ReferenceSet.longestLine else {
                    throw Self.problem("more than \(ReferenceSet.longestLine) sets rest on each other")
                }
                let record = try Self.parent(parent, snapshot)
                try ReferenceSignatures.verify(record, policy, snapshot)
                ends.append(record.validUntilMilliseconds)
                labMode = labMode || record.labMode
                line.append(try ReferenceSet(parsing: record.document))
            }
            var effective = line.removeLast()
            while let child = line.popLast() { effective = try child.inheriting(from: effective) }
            self.effective = effective
            compiled = try CompiledReferences(effective).ending(by: ends.compactMap { $0 }.min())
        } catch let error as ReferenceSetError { throw refusal(error.code, error.description) }
        self.labMode = labMode
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
