internal import AttestationMessages
internal import SecurityEvents

/// Who may operate. Somebody who can add operators always remains.
struct OperatorRegistry: Sendable {
    let ledger: OperatorLedger
    let issuer: any OperatorCertificateIssuer

    func list(_ peer: OperatorPeer) async throws -> [OperatorView] {
        try await ledger.perform(peer, "operator.list", subject: nil) { tx in try tx.operators().map(Self.view) }
    }

    func add(_ request: OperatorRequest, _ peer: OperatorPeer) async throws -> OperatorReply {
        let name = try OperatorInput.name(request.name, "operator")
        let issuer = issuer
        return try await ledger.perform(
            peer, "operator.add", subject: name, detail: ["roles": Self.text(request.roles)]
        ) { tx in
            guard let csr = request.certificateRequest else {
                throw ServiceError(.invalid, "OPERATOR_CSR", "a certificate request is needed")
            }
            let roles = try Self.checked(request.roles)
            if let existing = try tx.operatorRecord(name), existing.active {
                throw ServiceError(.conflict, "OPERATOR_EXISTS", "\(name) is an operator already")
            }
            let issued = try issuer.operatorCertificate(
                name: name, certificateRequest: csr.bytes, nowMilliseconds: tx.now)
            if let other = try tx.operatorRecord(keySHA256: issued.keySHA256) {
                // Two names over one key would be one person with two voices (RV-03).
                throw ServiceError(.conflict, "OPERATOR_KEY_REUSED", "the key is that of \(other.name)")
            }
            let record = OperatorRecord(
                name: name, roles: roles, keySHA256: issued.keySHA256, active: true, addedBy: peer.name,
                addedAtMilliseconds: tx.now)
            try tx.save(record)
            try Self.announce("added", record, peer, tx)
            return OperatorReply(view: Self.view(record), certificates: issued.certificates.map { WireBytes($0) })
        }
    }

    func setRoles(_ roles: [Role], of name: String, _ peer: OperatorPeer) async throws -> OperatorView {
        let name = try OperatorInput.name(name, "operator")
        return try await ledger.perform(
            peer, "operator.roles", subject: name, detail: ["roles": Self.text(roles)]
        ) { tx in
            var record = try Self.existing(name, tx)
            record.roles = try Self.checked(roles)
            try Self.keepAdministrator(besides: name, unless: record.roles.contains(.securityAdmin), tx)
            try tx.save(record)
            try Self.announce("has new roles", record, peer, tx)
            return Self.view(record)
        }
    }

    func remove(_ name: String, _ peer: OperatorPeer) async throws -> OperatorView {
        let name = try OperatorInput.name(name, "operator")
        return try await ledger.perform(peer, "operator.remove", subject: name) { tx in
            var record = try Self.existing(name, tx)
            try Self.keepAdministrator(besides: name, unless: false, tx)
            record.active = false
            try tx.save(record)
            try Self.announce("removed", record, peer, tx)
            return Self.view(record)
        }
    }

    private static func keepAdministrator(
        besides name: String, unless stays: Bool, _ tx: any StoreTransaction
    ) throws {
        let remains = try tx.operators().contains { $0.active && $0.name != name && $0.roles.contains(.securityAdmin) }
        guard stays || remains else {
            throw ServiceError(.conflict, "OPERATOR_LAST_ADMIN", "\(name) is the last security-admin")
        }
    }

    private static func checked(_ roles: [Role]) throws -> Set<Role> {
        guard !roles.isEmpty else { throw ServiceError(.invalid, "OPERATOR_ROLES", "at least one role is needed") }
        return Set(roles)
    }

    private static func existing(_ name: String, _ tx: any StoreTransaction) throws -> OperatorRecord {
        guard let record = try tx.operatorRecord(name), record.active else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no operator \(name)")
        }
        return record
    }

    private static func announce(
        _ what: String, _ record: OperatorRecord, _ peer: OperatorPeer, _ tx: any StoreTransaction
    ) throws {
        try tx.announce(
            SecurityEventID.operatorChanged, by: peer, "operator \(record.name) \(what) by \(peer.name)",
            ["operator": record.name, "roles": text(Array(record.roles)), "operatorKeySHA256": record.keySHA256])
    }

    private static func text(_ roles: [Role]) -> String { roles.map(\.rawValue).sorted().joined(separator: " ") }

    private static func view(_ record: OperatorRecord) -> OperatorView {
        OperatorView(
            name: record.name, roles: record.roles.sorted { $0.rawValue < $1.rawValue },
            keySHA256: record.keySHA256, active: record.active)
    }
}
