package import AttestationMessages
internal import ByteParsing
internal import SecurityEvents

/// What one verifier says of itself.
package struct VerifierFacts: Sendable {
    package var version: String
    package var labMode: Bool
    /// End of the verifier's own server certificate, milliseconds since 1970; asked at each call, as certificates are
    /// reloaded.
    package var certificateExpiry: @Sendable () -> Int64?

    package init(version: String, labMode: Bool, certificateExpiry: @escaping @Sendable () -> Int64?) {
        self.version = version
        self.labMode = labMode
        self.certificateExpiry = certificateExpiry
    }
}

/// Alarms, SIEM, operators, audit log and status.
package struct OversightService: OversightUseCases {
    let store: any TransactionalStore
    let ledger: OperatorLedger
    let operators: OperatorRegistry
    let views: NodeViews
    let facts: VerifierFacts

    package init(
        store: any TransactionalStore, policy: VerifierPolicy, issuer: any OperatorCertificateIssuer,
        facts: VerifierFacts
    ) {
        self.store = store
        self.facts = facts
        ledger = OperatorLedger(store: store)
        operators = OperatorRegistry(ledger: OperatorLedger(store: store), issuer: issuer)
        views = NodeViews(policy: policy)
    }

    // MARK: Alarms

    package func alarms(
        open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<AlarmView> {
        let limit = try OperatorInput.limit(limit)
        let cursor = try OperatorInput.identifierCursor(cursor)
        return try await ledger.perform(peer, "alarm.list", subject: node?.rawValue) { tx in
            let records = try tx.alarms(open: open, node: node, before: cursor, limit: limit + 1)
            let page = records.prefix(limit)
            return Page(items: page.map(Self.view), nextCursor: records.count > limit ? page.last?.alarmID : nil)
        }
    }

    package func alarm(_ id: String, peer: OperatorPeer) async throws -> AlarmView {
        let id = try OperatorInput.identifier(id, "an alarm")
        return try await ledger.perform(peer, "alarm.show", subject: id) { tx in Self.view(try Self.existing(id, tx)) }
    }

    /// Says that somebody saw it. Never changes a node's standing (AD-05).
    package func acknowledge(_ id: String, reason: String, peer: OperatorPeer) async throws -> AlarmView {
        let id = try OperatorInput.identifier(id, "an alarm")
        return try await ledger.perform(peer, "alarm.acknowledge", subject: id, detail: ["reason": reason]) { tx in
            _ = try OperatorInput.reason(reason)
            _ = try Self.existing(id, tx)
            guard try tx.acknowledgeAlarm(id, by: peer.name) else {
                throw ServiceError(.conflict, "ALARM_STATE", "the alarm was acknowledged before")
            }
            return Self.view(try Self.existing(id, tx))
        }
    }

    private static func existing(_ id: String, _ snapshot: any StoreSnapshot) throws -> AlarmRecord {
        guard let record = try snapshot.alarm(id) else { throw ServiceError(.unknown, "API_UNKNOWN", "no alarm \(id)") }
        return record
    }

    private static func view(_ record: AlarmRecord) -> AlarmView {
        AlarmView(
            alarmID: record.alarmID, eventID: record.eventID, severity: record.severity.rawValue,
            nodeID: record.node, message: record.message,
            detail: record.detail.merging(["nextStep": SecurityEventCatalogue.entry(record.eventID).nextStep]) { $1 },
            atMilliseconds: record.atMilliseconds, count: record.count, acknowledgedBy: record.acknowledgedBy,
            acknowledgedAtMilliseconds: record.acknowledgedAtMilliseconds)
    }

    // MARK: SIEM

    package func siemDestinations(peer: OperatorPeer) async throws -> [SIEMDestinationView] {
        try await ledger.perform(peer, "siem.list", subject: nil) { tx in try Self.destinations(tx) }
    }

    package func testSIEM(peer: OperatorPeer) async throws -> [SIEMDestinationView] {
        try await ledger.perform(peer, "siem.test", subject: nil) { tx in
            try tx.announce(SecurityEventID.siemTest, by: peer, "test event asked for by \(peer.name)")
            return try Self.destinations(tx)
        }
    }

    package func dropSIEM(
        _ name: String, reason: String, peer: OperatorPeer
    ) async throws -> [SIEMDestinationView] {
        let name = try OperatorInput.name(name, "a destination")
        return try await ledger.perform(peer, "siem.drop", subject: name, detail: ["reason": reason]) { tx in
            _ = try OperatorInput.reason(reason)
            guard let record = try tx.destinations().first(where: { $0.name == name }) else {
                throw ServiceError(.unknown, "API_UNKNOWN", "no SIEM destination \(name)")
            }
            guard record.removedAtMilliseconds != nil else {
                throw ServiceError(
                    .conflict, "SIEM_STATE", "\(name) is configured: take it out of the configuration first")
            }
            let backlog = String(try tx.backlog(of: record))
            try tx.removeDestination(name)
            try tx.announce(
                "SIEM_DESTINATION_DROPPED", by: peer,
                "SIEM destination \(name) was given up with \(backlog) undelivered events",
                ["destination": name, "backlog": backlog, "reason": reason])
            return try Self.destinations(tx)
        }
    }

    private static func destinations(_ snapshot: any StoreSnapshot) throws -> [SIEMDestinationView] {
        try snapshot.destinations().map { record in
            SIEMDestinationView(
                name: record.name, kind: record.kind, target: record.target,
                backlog: try snapshot.backlog(of: record),
                oldestUndeliveredAtMilliseconds: try snapshot.outbox(after: record.deliveredSequence, limit: 1).first?
                    .atMilliseconds,
                lastDeliveredAtMilliseconds: record.lastDeliveredAtMilliseconds, lastError: record.lastError,
                removedAtMilliseconds: record.removedAtMilliseconds)
        }
    }

    // MARK: Operators

    package func operators(peer: OperatorPeer) async throws -> [OperatorView] { try await operators.list(peer) }
    package func addOperator(_ request: OperatorRequest, peer: OperatorPeer) async throws -> OperatorReply {
        try await operators.add(request, peer)
    }
    package func setRoles(_ roles: [Role], of name: String, peer: OperatorPeer) async throws -> OperatorView {
        try await operators.setRoles(roles, of: name, peer)
    }
    package func removeOperator(_ name: String, peer: OperatorPeer) async throws -> OperatorView {
        try await operators.remove(name, peer)
    }
    package func identify(name: String, keySHA256: String) async throws -> Set<Role>? {
        try await store.read { snapshot in
            guard let record = try snapshot.operatorRecord(name), record.active, record.keySHA256 == keySHA256 else {
                return nil
            }
            return record.roles
        }
    }

    // MARK: Audit log and status

    package func auditRecords(
        cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<AuditRecordView> {
        let limit = try OperatorInput.limit(limit)
        let cursor = try OperatorInput.numberCursor(cursor)
        return try await ledger.perform(peer, "audit.list", subject: nil) { tx in
            let records = try tx.auditRecords(before: cursor, limit: limit + 1)
            let page = Array(records.prefix(limit))
            return Page(items: page, nextCursor: records.count > limit ? page.last.map { String($0.number) } : nil)
        }
    }

    package func verifyAudit(peer: OperatorPeer) async throws -> AuditVerification {
        let state = try await store.verifyAudit()
        return try await ledger.perform(
            peer, "audit.verify", subject: nil,
            detail: [
                "records": String(state.recordCount), "firstBad": state.firstBadNumber.map { String($0) } ?? "none",
            ]
        ) { tx in
            if let bad = state.firstBadNumber {
                try tx.announce(
                    "STORE_TAMPERED", by: peer, "the audit chain breaks at record \(bad)",
                    ["firstBadNumber": String(bad)])
            }
            return AuditVerification(
                recordCount: state.recordCount, firstBadNumber: state.firstBadNumber, head: Hex.encode(state.head))
        }
    }

    package func status(peer: OperatorPeer) async throws -> VerifierStatus {
        let views = views
        let facts = facts
        let startedAt = store.clock.startedAt
        return try await ledger.perform(peer, "verifier.status", subject: nil) { tx in
            var states: [NodeState: Int] = [:]
            var cursor: NodeID?
            while true {
                let page = try tx.nodes(site: nil, group: nil, after: cursor, limit: 1_000)
                for node in page { states[try views.state(node, tx), default: 0] += 1 }
                guard page.count == 1_000, let last = page.last else { break }
                cursor = last.nodeID
            }
            return VerifierStatus(
                version: facts.version, instance: try tx.instanceID(), startedAtMilliseconds: startedAt, nodes: states,
                openAlarms: try tx.openAlarmCount(),
                siemBacklog: try tx.destinations().map { try tx.backlog(of: $0) }.max() ?? 0, labMode: facts.labMode,
                certificateExpiresAtMilliseconds: facts.certificateExpiry())
        }
    }

    /// Repeats by one caller at one route are one alarm that counts.
    package func refused(code: String, actor: String, route: String, source: String) async throws {
        let actor = SecurityEventText.printable(String(actor.prefix(256)))
        let route = SecurityEventText.printable(String(route.prefix(256)))
        try await store.write { tx in
            try tx.audit(
                AuditEntry(
                    actor: actor, action: "request.refused", subject: route, outcome: "failure",
                    detail: ["code": code, "source": source]))
            let entry = SecurityEventCatalogue.entry(code)
            guard entry.severity > .info else { return }
            try tx.raise(
                EventDraft(
                    eventID: code, severity: entry.severity, outcome: "failure", node: nil, actor: actor,
                    message: "\(entry.title): \(route) by \(actor)", fields: ["source": source, "route": route],
                    foldingKey: "\(actor) \(route)"))
        }
    }
}
