internal import Appraisal
package import AttestationMessages
internal import ByteParsing
internal import ReferenceValues

/// What a set would say about the fleet before it says so (RV-15).
extension ReferenceService {
    package func preview(_ name: String, version: Int, peer: OperatorPeer) async throws -> ReferencePreview {
        let name = try OperatorInput.name(name, "reference set")
        let record = try await ledger.perform(peer, "reference.preview", subject: "\(name)@\(version)") { tx in
            try Self.existing(name, version, tx)
        }
        return try await previewing(record)
    }

    /// The preview that an activation rests on; nil for a version that cannot be activated anyway.
    func previewBeforeActivation(_ name: String, _ version: Int) async throws -> ReferencePreview? {
        let record = try await store.read { try $0.reference(name, version: version) }
        guard let record, record.status == .approved else { return nil }
        try await store.read { [policy] in try ReferenceSignatures.demand(record, policy, $0) }
        return try await previewing(record)
    }

    func previewing(_ record: ReferenceRecord) async throws -> ReferencePreview {
        try Self.checkContent(
            named: Hex.encode(record.documentSHA256), stored: record.documentSHA256, document: record.document)
        var preview = ReferencePreview(
            name: record.name, version: record.version, documentSHA256: Hex.encode(record.documentSHA256),
            group: record.group)
        let memory = AppraisalMemory(bootCapacity: 64)
        let lists = MeasurementListAppraiser(store: store)
        var policies: [String: GroupPolicy] = [:]
        var losing: [ReferencePreview.Flip] = []
        var others: [ReferencePreview.Flip] = []
        var flipCount = 0
        try await JudgedFleet(store: store, group: record.group).forEach { node in
            let known = policies[node.group]
            let (policy, last, now) = try await store.read { [general = self.policy] snapshot in
                (
                    try known ?? GroupPolicy(group: node.group, policy: general, candidate: record, in: snapshot),
                    try StoredAppraisal.last(of: node, snapshot), snapshot.now
                )
            }
            policies[node.group] = policy
            guard let last, let result = try await last.appraisal.appraise(policy, memory, lists, now: now) else {
                preview.withoutEvidence += 1
                return
            }
            let after = Verdict(rawValue: result.verdict.rawValue) ?? .error
            preview.count(from: last.verdict, to: after)
            guard after != last.verdict else { return }
            flipCount += 1
            let flip = ReferencePreview.Flip(node.nodeID, last.verdict, after, result)
            if last.verdict == .pass {
                if losing.count < ReferencePreview.longestList { losing.append(flip) }
            } else if others.count < ReferencePreview.longestList {
                others.append(flip)
            }
        }
        preview.flips = Array((losing + others).prefix(ReferencePreview.longestList))
        preview.leftOut = flipCount - preview.flips.count
        return preview
    }

    /// Above the limit only a second person activates, by naming how many nodes may fail.
    ///
    /// - Returns: what the history says of it; nil where nothing had to be accepted.
    /// - Throws: `REF_PREVIEW`, or `REF_NEEDS_APPROVAL` where the proposer accepts their own failures.
    func accept(
        _ preview: ReferencePreview?, _ record: ReferenceRecord, _ request: ReferenceActRequest, _ peer: OperatorPeer,
        _ tx: any StoreTransaction
    ) throws -> String? {
        guard let preview else {
            throw ServiceError(.conflict, "REF_STATUS", "the set was approved while it was being activated; try again")
        }
        guard preview.exceedsLimit else { return nil }
        let counts = "\(preview.newlyFailing) of \(preview.judged) nodes would lose their pass"
        guard let accepted = request.acceptFailures, accepted >= preview.newlyFailing else {
            throw ServiceError(
                .conflict, "REF_PREVIEW", "\(counts), more than \(ReferencePreview.limitPercent) %")
        }
        _ = try FourEyes.check(
            proposer: record.proposedBy ?? "", proposerKey: record.proposedByKeySHA256, approver: peer,
            labMode: labMode)
        let note = "\(counts); up to \(accepted) accepted"
        try tx.announce(
            "REF_FAILURES_ACCEPTED", by: peer,
            "\(record.name)@\(record.version) activated by \(peer.name): \(note)",
            ["referenceSet": "\(record.name)@\(record.version)", "reason": request.reason])
        return note
    }
}

extension ReferencePreview {
    fileprivate mutating func count(from before: Verdict, to after: Verdict) {
        judged += 1
        switch (before, after) {
        case (.pass, .fail): passToFail += 1
        case (.pass, .error): passToError += 1
        case (.fail, .pass): failToPass += 1
        case (.error, .pass): errorToPass += 1
        case (.fail, .error), (.error, .fail): otherChanges += 1
        case (.pass, .pass), (.fail, .fail), (.error, .error): unchanged += 1
        }
    }
}

extension ReferencePreview.Flip {
    fileprivate init(_ node: NodeID, _ before: Verdict, _ after: Verdict, _ result: AttestationResult) {
        let event = result.firstDivergentEvent
        self.init(
            nodeID: node, before: before, after: after, firstBrokenLayer: result.firstBrokenLayer?.rawValue,
            reasons: result.reasons, pcr: event?.pcr, event: event?.index, name: event?.name,
            expected: event?.expected, seen: event?.seen)
    }
}
