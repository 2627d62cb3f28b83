package import AssetFingerprints
package import AttestationMessages
internal import ByteParsing
internal import ReferenceValues
internal import SecurityEvents

/// Asset fingerprints as operators see and judge them, and the settings of groups.
package struct FingerprintService: FingerprintUseCases {
    let store: any TransactionalStore
    let policy: VerifierPolicy
    let ledger: OperatorLedger
    let labMode: Bool

    package init(store: any TransactionalStore, policy: VerifierPolicy, labMode: Bool) {
        self.store = store
        self.policy = policy
        self.labMode = labMode
        ledger = OperatorLedger(store: store)
    }

    // MARK: Reports

    package func fingerprint(
        _ kind: FingerprintKind, of node: NodeID, peer: OperatorPeer
    ) async throws -> FingerprintView {
        try await ledger.perform(peer, "fingerprint.show", subject: node.rawValue, detail: ["kind": kind.slug]) { tx in
            try Self.view(Self.current(kind, node, tx), tx)
        }
    }

    package func fingerprintHistory(
        _ kind: FingerprintKind, of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<FingerprintView> {
        let limit = min(try OperatorInput.limit(limit), Self.maxReports)
        let cursor = try OperatorInput.numberCursor(cursor)
        return try await ledger.perform(
            peer, "fingerprint.history", subject: node.rawValue, detail: ["kind": kind.slug]
        ) { tx in
            let records = try tx.fingerprintHistory(of: node, kind: kind, before: cursor, limit: limit + 1)
            let page = records.prefix(limit)
            return Page(
                items: try page.map { try Self.view($0, tx) },
                nextCursor: records.count > limit ? page.last.map { String($0.receivedAtMilliseconds) } : nil)
        }
    }

    /// Reports may have megabytes: a page of them stays within what a reply may hold.
    private static let maxReports = 20

    private static func current(
        _ kind: FingerprintKind, _ node: NodeID, _ snapshot: any StoreSnapshot
    ) throws -> FingerprintReportRecord {
        guard let record = try snapshot.currentFingerprints(of: node).first(where: { $0.kind == kind }) else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no \(kind.slug) report of \(node)")
        }
        return record
    }

    private static func view(
        _ record: FingerprintReportRecord, _ snapshot: any StoreSnapshot
    ) throws -> FingerprintView {
        guard let report = try snapshot.blob(sha256: record.sha256) else {
            throw ServiceError(
                .unavailable, "STORE_POISON", "a \(record.kind.slug) report of \(record.nodeID) is missing")
        }
        return FingerprintView(
            nodeID: record.nodeID, kind: record.kind, sha256: Hex.encode(record.sha256),
            collectedAtMilliseconds: record.collectedAtMilliseconds,
            receivedAtMilliseconds: record.receivedAtMilliseconds, report: WireBytes(report))
    }

    // MARK: Baselines

    /// The newest version, whatever its status: what waits for approval is what a second person wants to see.
    package func baseline(
        _ kind: FingerprintKind, group: String, peer: OperatorPeer
    ) async throws -> FingerprintBaselineView {
        let group = try OperatorInput.name(group, "group")
        return try await ledger.perform(peer, "fingerprint.baseline", subject: group, detail: ["kind": kind.slug]) {
            tx in
            guard let record = try tx.latestBaseline(group: group, kind: kind) else {
                throw ServiceError(.unknown, "API_UNKNOWN", "group \(group) has no \(kind.slug) baseline")
            }
            return Self.view(record)
        }
    }

    package func proposeBaseline(
        _ kind: FingerprintKind, group: String, _ request: FingerprintBaselineRequest, peer: OperatorPeer
    ) async throws -> FingerprintBaselineView {
        let group = try OperatorInput.name(group, "group")
        return try await ledger.perform(
            peer, "fingerprint.propose", subject: "\(group)/\(kind.slug)"
        ) { tx in
            let document = try Self.document(kind, request, tx)
            let record = BaselineRecord(
                group: group, kind: kind,
                version: (try tx.latestBaseline(group: group, kind: kind)?.version ?? 0) + 1, status: .proposed,
                document: document, documentSHA256: ReferenceService.sha256(document), proposedBy: peer.name,
                proposedByKeySHA256: peer.keySHA256, approvedBy: nil, labMode: false, createdAtMilliseconds: tx.now)
            try tx.save(record)
            try Self.announce(record, peer, tx)
            return Self.view(record)
        }
    }

    package func approveBaseline(
        _ kind: FingerprintKind, group: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) async throws -> FingerprintBaselineView {
        let group = try OperatorInput.name(group, "group")
        let labMode = labMode
        return try await ledger.perform(
            peer, "fingerprint.approve", subject: "\(group)/\(kind.slug)@\(version)", detail: ["reason": request.reason]
        ) { tx in
            _ = try OperatorInput.reason(request.reason, required: false)
            guard var record = try tx.baseline(group: group, kind: kind, version: version) else {
                throw ServiceError(.unknown, "API_UNKNOWN", "group \(group) has no \(kind.slug) baseline \(version)")
            }
            try ReferenceService.checkContent(
                named: request.documentSHA256, stored: record.documentSHA256, document: record.document)
            let active = try tx.baseline(group: group, kind: kind, version: nil)
            if let active, version <= active.version {
                throw ServiceError(.conflict, "REF_ROLLBACK", "version \(active.version) is active")
            }
            guard record.status == .proposed else {
                throw ServiceError(.conflict, "REF_STATUS", "version \(version) is \(record.status.rawValue)")
            }
            record.labMode = try FourEyes.check(
                proposer: record.proposedBy, proposerKey: record.proposedByKeySHA256, approver: peer, labMode: labMode)
            if var active {
                active.status = .retired
                try tx.save(active)
            }
            record.status = .active
            record.approvedBy = peer.name
            try tx.save(record)
            try Self.announce(record, peer, tx)
            return Self.view(record)
        }
    }

    private static func document(
        _ kind: FingerprintKind, _ request: FingerprintBaselineRequest, _ tx: any StoreTransaction
    ) throws -> [UInt8] {
        do {
            switch (request.document, request.fromNode) {
            case (let document?, nil):
                let given = try FingerprintBaseline(document: document.bytes, kind: kind)
                // The one byte form, so that equal baselines have equal digests.
                return try FingerprintBaseline(
                    report: given.report, allow: given.allow.map(\.pattern) + request.allow
                ).document
            case (nil, let node?):
                guard let report = try tx.blob(sha256: current(kind, node, tx).sha256) else {
                    throw ServiceError(.unavailable, "STORE_POISON", "a report of \(node) is missing")
                }
                return try FingerprintBaseline(
                    report: FingerprintReport(canonicalBytes: report, kind: kind), allow: request.allow
                ).document
            default: throw ServiceError(.invalid, "FP_SOURCE", "give a document, or a node to take the report from")
            }
        } catch let error as FingerprintError {
            if case .badPattern = error { throw ServiceError(.invalid, "POL_PATTERN", error.description) }
            throw ServiceError(.invalid, "POL_SCHEMA", error.description)
        }
    }

    private static func announce(_ record: BaselineRecord, _ peer: OperatorPeer, _ tx: any StoreTransaction) throws {
        try tx.announce(
            SecurityEventID.baselineChanged, by: peer,
            "\(record.kind.slug) baseline \(record.version) of group \(record.group) is \(record.status.rawValue)",
            [
                "group": record.group, "kind": record.kind.slug, "version": String(record.version),
                "documentSHA256": Hex.encode(record.documentSHA256), "labMode": String(record.labMode),
            ])
    }

    private static func view(_ record: BaselineRecord) -> FingerprintBaselineView {
        FingerprintBaselineView(
            group: record.group, kind: record.kind, version: record.version, status: record.status,
            documentSHA256: Hex.encode(record.documentSHA256), document: WireBytes(record.document),
            proposedBy: record.proposedBy, approvedBy: record.approvedBy, labMode: record.labMode)
    }

    // MARK: Settings

    package func settings(group: String, peer: OperatorPeer) async throws -> GroupSettings {
        let group = try OperatorInput.name(group, "group")
        let policy = policy
        return try await ledger.perform(peer, "group.settings", subject: group) { tx in
            try policy.settings(of: group, in: tx)
        }
    }

    package func setSettings(
        _ settings: GroupSettings, group: String, peer: OperatorPeer
    ) async throws -> GroupSettings {
        let group = try OperatorInput.name(group, "group")
        return try await ledger.perform(peer, "group.set", subject: group, detail: Self.summary(settings)) { tx in
            try Self.check(settings)
            try tx.save(
                GroupSettingsRecord(
                    group: group, settings: settings, changedBy: peer.name, changedAtMilliseconds: tx.now))
            try tx.announce(
                "GROUP_SETTINGS_CHANGED", by: peer, "settings of group \(group) changed by \(peer.name)",
                Self.summary(settings).merging(["group": group]) { $1 })
            return settings
        }
    }

    /// 10 s to 7 days.
    static let intervals = 10...604_800

    /// All problems at once.
    static func check(_ settings: GroupSettings) throws {
        var problems: [String] = []
        for kind in FingerprintKind.allCases {
            guard let interval = settings.fingerprintIntervals[kind] else {
                problems.append("fingerprintIntervals: \(kind.rawValue) is missing")
                continue
            }
            if !intervals.contains(interval) { problems.append("fingerprintIntervals.\(kind.rawValue): \(interval) s") }
        }
        if !intervals.contains(settings.attestationIntervalSeconds) {
            problems.append("attestationIntervalSeconds: \(settings.attestationIntervalSeconds) s")
        }
        for (field, layers) in [
            ("requiredLayers", settings.requiredLayers), ("warningPassesIn", settings.warningPassesIn),
        ] {
            if Set(layers).count != layers.count { problems.append("\(field): a layer is there twice") }
            for layer in layers where LayerID(rawValue: layer) == nil {
                problems.append("\(field): unknown layer \(layer.prefix(64))")
            }
        }
        if settings.warningPassesIn.contains(LayerID.tpmIdentity.rawValue) {
            problems.append("warningPassesIn: tpm-identity cannot be waived")
        }
        if let stale = settings.staleRevocations, stale != "warn", stale != "fail" {
            problems.append("staleRevocations: warn or fail")
        }
        if settings.fingerprintDifference != "warn", settings.fingerprintDifference != "deny" {
            problems.append("fingerprintDifference: warn or deny")
        }
        guard problems.isEmpty else {
            throw ServiceError(
                .invalid, "POL_SETTINGS",
                problems.joined(separator: "; ") + " (intervals: \(intervals.lowerBound) to \(intervals.upperBound) s)")
        }
    }

    private static func summary(_ settings: GroupSettings) -> [String: String] {
        [
            "attestationInterval": String(settings.attestationIntervalSeconds),
            "fingerprintIntervals": settings.fingerprintIntervals.map { "\($0.key.slug)=\($0.value)" }.sorted()
                .joined(separator: " "),
            "requiredLayers": settings.requiredLayers.joined(separator: " "),
            "warningPassesIn": settings.warningPassesIn.joined(separator: " "),
            "fingerprintDifference": settings.fingerprintDifference,
            "staleRevocations": settings.staleRevocations ?? "warn",
        ]
    }
}
