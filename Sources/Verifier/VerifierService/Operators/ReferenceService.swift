package import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import ReferenceValues
internal import SecurityEvents

/// Reference sets: drafts, four-eyes approval, activation. A document's bytes never change after they are stored; every
/// step names their SHA-256.
package struct ReferenceService: ReferenceUseCases {
    let store: any TransactionalStore
    let ledger: OperatorLedger
    /// One operator may approve their own proposal; switched on only by the verifier's configuration file.
    let labMode: Bool
    let policy: VerifierPolicy

    package init(store: any TransactionalStore, labMode: Bool, policy: VerifierPolicy = VerifierPolicy()) {
        self.store = store
        self.labMode = labMode
        self.policy = policy
        ledger = OperatorLedger(store: store)
    }

    package func references(peer: OperatorPeer) async throws -> Page<ReferenceView> {
        try await ledger.perform(peer, "reference.list", subject: nil) { tx in
            Page(items: try tx.references().map(Self.view))
        }
    }

    package func reference(_ name: String, version: Int?, peer: OperatorPeer) async throws -> ReferenceDetail {
        let name = try OperatorInput.name(name, "reference set")
        let record = try await ledger.perform(peer, "reference.show", subject: name) { tx in
            try Self.existing(name, version, tx)
        }
        // Documents are read and verified outside of the writer's transaction: no verdict waits for it.
        return try await store.read { [policy] in try ReferenceSignatures.detail(record, policy, $0) }
    }

    // MARK: Drafts

    package func draft(_ request: ReferenceDraftRequest, peer: OperatorPeer) async throws -> ReferenceDetail {
        do {
            return try await checkedDraft(request, peer)
        } catch let error as ServiceError {
            if error.kind != .unavailable { try await ledger.refuse(error, peer, "reference.draft", request.name) }
            throw error
        }
    }

    private func checkedDraft(_ request: ReferenceDraftRequest, _ peer: OperatorPeer) async throws -> ReferenceDetail {
        let name = try OperatorInput.name(request.name, "reference set")
        let group = try OperatorInput.name(request.group, "group")
        if let note = request.note { _ = try OperatorInput.reason(note, required: false) }
        let document: [UInt8]
        var report: JSONValue?
        switch (request.document, request.captureFrom.isEmpty) {
        case (let given?, true): document = given.bytes
        case (nil, false): (document, report) = try await capture(name, group, request.captureFrom)
        default: throw ServiceError(.invalid, "REF_SOURCE", "give a document, or nodes to capture from")
        }
        let compiled = try await store.read { [policy] snapshot in
            try ReferenceLineage(drafting: document, policy, snapshot).compiled
        }
        guard compiled.set.name == name, compiled.set.group == group else {
            throw ServiceError(
                .invalid, "POL_SCHEMA",
                "the document is for \(compiled.set.name) in group \(compiled.set.group)")
        }
        let layers = compiled.coveredLayers.map(\.rawValue)
        let validUntil = compiled.notAfter
        let record = try await store.write { tx in
            let record = ReferenceRecord(
                name: name, version: (try tx.reference(name, version: nil)?.version ?? 0) + 1, status: .draft,
                group: group, document: document, documentSHA256: Self.sha256(document), layers: layers,
                createdBy: peer.name, proposedBy: nil, proposedByKeySHA256: nil, approvedBy: nil,
                approvedByKeySHA256: nil, labMode: false, note: request.note, createdAtMilliseconds: tx.now,
                validUntilMilliseconds: validUntil)
            try tx.save(record)
            try Self.record(
                request.document == nil ? "reference.capture" : "reference.draft", "draft", record, peer,
                request.note ?? "", nil, nil, tx)
            return record
        }
        return ReferenceDetail(view: Self.view(record), document: WireBytes(document), capture: report)
    }

    private func capture(
        _ name: String, _ group: String, _ nodes: [NodeID]
    ) async throws -> (document: [UInt8], report: JSONValue) {
        guard nodes.count <= 64, Set(nodes).count == nodes.count else {
            throw ServiceError(.invalid, "REF_SOURCE", "1 to 64 different nodes")
        }
        let stored = try await store.read { snapshot in try nodes.map { try StoredEvidence.last(of: $0, snapshot) } }
        return try StoredEvidence.capture(name: name, group: group, from: stored)
    }

    // MARK: Acts

    package func act(
        _ act: ReferenceAct, on name: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) async throws -> ReferenceView {
        let name = try OperatorInput.name(name, "reference set")
        let labMode = labMode
        let policy = policy
        do {
            let preview = act == .activate ? try await previewBeforeActivation(name, version) : nil
            let record = try await store.write { tx in
                let reason = try OperatorInput.reason(request.reason, required: act == .expire)
                let ticket = try request.ticket.map { try OperatorInput.reason($0, required: false) }
                var note: String?
                var record = try Self.existing(name, version, tx)
                try PlanRule.check(act, on: record, tx)
                try Self.checkContent(
                    named: request.documentSHA256, stored: record.documentSHA256, document: record.document)
                let signature = try ReferenceSignatures.take(
                    act, on: record, request.signature?.bytes, peer, policy, tx)
                switch act {
                case .propose:
                    try Self.demand(record, .draft)
                    record.status = .proposed
                    record.proposedBy = peer.name
                    record.proposedByKeySHA256 = peer.keySHA256
                case .approve:
                    try Self.demand(record, .proposed)
                    // Neither who proposed it nor who wrote it.
                    let own = try FourEyes.check(
                        proposer: record.proposedBy ?? "", proposerKey: record.proposedByKeySHA256, approver: peer,
                        labMode: labMode)
                    let written = try FourEyes.check(
                        proposer: record.createdBy, proposerKey: "", approver: peer, labMode: labMode)
                    record.labMode = own || written
                    record.status = .approved
                    record.approvedBy = peer.name
                    record.approvedByKeySHA256 = peer.keySHA256
                case .reject:
                    guard record.status == .proposed || record.status == .approved || record.status == .draft else {
                        throw Self.wrongStatus(record, .proposed)
                    }
                    record.status = .rejected
                case .activate:
                    try ReferenceSignatures.demand(record, policy, tx)
                    try Self.activate(&record, tx)
                    note = try accept(preview, record, request, peer, tx)
                case .expire: note = try Self.expire(&record, at: request.atMilliseconds, tx)
                }
                try tx.save(record)
                if let signature { try tx.insert(signature) }
                note = note ?? ReferenceSignatures.note(act, signature)
                try Self.record("reference.\(act.rawValue)", act.rawValue, record, peer, reason, ticket, note, tx)
                return record
            }
            return Self.view(record)
        } catch let error as ServiceError {
            if error.kind != .unavailable {
                try await ledger.refuse(error, peer, "reference.\(act.rawValue)", "\(name)@\(version)")
            }
            throw error
        }
    }

    /// Only what was approved, and never a version below one that was active before (RV-05, RV-07).
    static func activate(_ record: inout ReferenceRecord, _ tx: any StoreTransaction) throws {
        try demandActivatable(record, tx)
        if var before = try tx.activeReference(group: record.group) {
            before.status = .retired
            try tx.save(before)
        }
        record.status = .active
    }

    static func demandActivatable(_ record: ReferenceRecord, _ tx: any StoreSnapshot) throws {
        let newest = try tx.references().filter { other in
            other.name == record.name && (other.status == .active || other.status == .retired)
        }.map(\.version).max()
        if let newest, record.version <= newest {
            throw ServiceError(
                .conflict, "REF_ROLLBACK",
                "version \(newest) of \(record.name) was active; draft the old content as a new version")
        }
        guard record.status == .approved else {
            guard record.status == .draft || record.status == .proposed else { throw wrongStatus(record, .approved) }
            throw ServiceError(
                .forbidden, "REF_NEEDS_APPROVAL", "\(record.name)@\(record.version) is \(record.status.rawValue)")
        }
        if let until = record.validUntilMilliseconds, until <= tx.now {
            throw ServiceError(.conflict, "REF_EXPIRED", "\(record.name)@\(record.version) is past its end")
        }
    }

    /// An end only comes earlier: what was approved for a time is not good for longer without another approval.
    private static func expire(
        _ record: inout ReferenceRecord, at end: Int64?, _ tx: any StoreTransaction
    ) throws -> String {
        guard record.status == .active || record.status == .approved else { throw wrongStatus(record, .active) }
        let end = end ?? tx.now
        guard end >= tx.now else { throw ServiceError(.invalid, "REF_END", "the end lies in the past") }
        if let known = record.validUntilMilliseconds, end >= known {
            throw ServiceError(
                .conflict, "REF_END", "\(record.name)@\(record.version) ends at \(RFC3339.text(known)) already")
        }
        record.validUntilMilliseconds = end
        return "ends at \(RFC3339.text(end))"
    }

    // MARK: Helpers

    /// The named digest, the stored one and that of the stored bytes must be one (RV-04).
    static func checkContent(named: String, stored: [UInt8], document: [UInt8]) throws {
        guard Hex.decode(named) == stored, sha256(document) == stored else {
            throw ServiceError(
                .conflict, "REF_CONTENT_CHANGED",
                "stored is a document of SHA-256 \(Hex.encode(sha256(document))), recorded as \(Hex.encode(stored))")
        }
    }

    static func hex(_ bytes: [UInt8]) -> String { Hex.encode(bytes) }
    static func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    static func existing(
        _ name: String, _ version: Int?, _ snapshot: any StoreSnapshot
    ) throws -> ReferenceRecord {
        guard let record = try snapshot.reference(name, version: version) else {
            throw ServiceError(
                .unknown, "API_UNKNOWN", "no reference set \(name)\(version.map { "@\($0)" } ?? "")")
        }
        return record
    }

    private static func demand(_ record: ReferenceRecord, _ status: ReferenceStatus) throws {
        guard record.status == status else { throw wrongStatus(record, status) }
    }

    private static func wrongStatus(_ record: ReferenceRecord, _ status: ReferenceStatus) -> ServiceError {
        ServiceError(
            .conflict, "REF_STATUS",
            "\(record.name)@\(record.version) is \(record.status.rawValue), not \(status.rawValue)")
    }

    static func record(
        _ action: String, _ act: String, _ record: ReferenceRecord, _ peer: OperatorPeer, _ reason: String,
        _ ticket: String?, _ note: String?, _ tx: any StoreTransaction
    ) throws {
        try Self.record(action, act, record, by: Initiator(peer: peer), reason, ticket, note, tx)
    }

    /// A change of what nodes are judged by is never silent (RV-03).
    static func record(
        _ action: String, _ act: String, _ record: ReferenceRecord, by initiator: Initiator, _ reason: String,
        _ ticket: String?, _ note: String?, _ tx: any StoreTransaction
    ) throws {
        try tx.insert(
            ReferenceHistoryEntry(
                name: record.name, version: record.version, act: act, atMilliseconds: tx.now, by: initiator.name,
                reason: reason, ticket: ticket, note: note), group: record.group,
            keySHA256: initiator.peer?.keySHA256 ?? "")
        let set = "\(record.name)@\(record.version)"
        let fields = [
            "referenceSet": set, "group": record.group, "status": record.status.rawValue,
            "documentSHA256": Hex.encode(record.documentSHA256), "reason": reason,
            "labMode": String(record.labMode), "ticket": ticket ?? "", "note": note ?? "",
        ]
        try tx.audit(
            AuditEntry(
                actor: initiator.actor, action: action, subject: set, outcome: "success",
                detail: fields.merging(initiator.origin) { $1 }))
        try tx.announce(
            SecurityEventID.referenceChanged, by: initiator,
            "reference set \(set) of group \(record.group) is \(record.status.rawValue), by \(initiator.name)", fields)
    }

    static func view(_ record: ReferenceRecord) -> ReferenceView {
        ReferenceView(
            name: record.name, version: record.version, status: record.status,
            documentSHA256: Hex.encode(record.documentSHA256), group: record.group, layers: record.layers,
            createdBy: record.createdBy, proposedBy: record.proposedBy, approvedBy: record.approvedBy,
            labMode: record.labMode, note: record.note, createdAtMilliseconds: record.createdAtMilliseconds,
            validUntilMilliseconds: record.validUntilMilliseconds)
    }
}
