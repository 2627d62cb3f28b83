internal import AttestationMessages
internal import ByteParsing
internal import SecurityEvents
internal import TPMCryptography
internal import TPMStructures

/// What an activation that proved itself may write, decided inside the transaction that writes it.
struct EnrollmentRules: Sendable {
    let challenge: EnrollmentChallengeRecord
    let keys: EnrollmentKeys
    let endorsement: EKEndorsement
    let qualifiedSigner: [UInt8]
    let policy: VerifierPolicy

    // MARK: Checks that also answer early, before anything was proved

    /// Node id to EK is write-once (ID-01); an EK and an AK stand under one node id (ID-02).
    static func checkIdentity(_ node: NodeID, _ keys: EnrollmentKeys, _ snapshot: any StoreSnapshot) throws {
        if let existing = try snapshot.node(node) {
            guard existing.lifecycle != .revoked else {
                throw ServiceError(.forbidden, "ID_NODE_REVOKED", "the node is revoked")
            }
            if let identity = try snapshot.identity(existing.identityID), identity.status == .active,
                identity.ekName != keys.endorsement.name.bytes
            {
                throw ServiceError(
                    .conflict, "ID_EK_MISMATCH",
                    "enrolled with EK \(Hex.encode(identity.ekName)), claimed by \(keys.endorsement.name)")
            }
        }
        if let other = try snapshot.activeIdentity(ekName: keys.endorsement.name.bytes), other.nodeID != node {
            throw ServiceError(.conflict, "ID_EK_REUSED", "the EK is that of \(other.nodeID)")
        }
        if let other = try snapshot.identity(akName: keys.attestation.name.bytes), other.status == .active,
            other.nodeID != node
        {
            throw ServiceError(.conflict, "ID_AK_REUSED", "the AK is that of \(other.nodeID)")
        }
    }

    /// - Returns: whether the manifest entry's token was named and is unused; false where the entry has none. Who has
    ///   lost the race for it by the activation is refused there (ID-19).
    static func checkToken(_ token: String?, of node: NodeID, _ snapshot: any StoreSnapshot) throws -> Bool {
        guard let entry = try snapshot.manifestEntry(for: node), entry.tokenHash != nil else { return false }
        guard let token, ManifestToken.matches(token, entry) else {
            // A node that has its identity asks again without its token; the activation then finds it enrolled.
            if entry.tokenUsedAtMilliseconds != nil { return false }
            throw ServiceError(.forbidden, "ID_TOKEN_USED", "no token, or not the manifest entry's")
        }
        return entry.tokenUsedAtMilliseconds == nil
    }

    // MARK: The transaction

    func enroll(_ tx: any StoreTransaction) throws -> NodeRecord {
        try Self.checkIdentity(challenge.nodeID, keys, tx)
        try tx.deleteEnrollmentChallenge(challenge.enrollmentID)
        let existing = try tx.node(challenge.nodeID)
        let active = try existing.flatMap { try tx.identity($0.identityID) }.flatMap { $0.status == .active ? $0 : nil }
        if let existing, let active, isSame(active) {
            guard existing.platform != challenge.platform else { return existing }
            var node = existing
            node.platform = challenge.platform
            try tx.save(node)
            try tellDrift(node, from: existing.platform, tx)
            return node
        }
        let vouched = try manifestVouches(tx)
        if active == nil || challenge.tokenPresented { try consumeToken(tx) }
        if let active { try tx.retireIdentity(active.identityID) }
        let identityID = try tx.insert(identity(vouched, now: tx.now))
        var node = existing ?? fresh(now: tx.now)
        node.identityID = identityID
        if let active, active.akName != keys.attestation.name.bytes {
            if node.lifecycle == .enrolled { hold(&node, "ID_AK_CHANGED", tx) }
            try raise("ID_AK_CHANGED", node, "the AK of \(node.nodeID) changed under the same EK", tx)
        } else if active == nil {
            node.lifecycle = .enrolled
            node.pendingReason = nil
            node.pendingUntilMilliseconds = nil
            if !vouched {
                guard try tx.pendingNodeCount(source: challenge.source) < policy.pendingNodesPerSource else {
                    throw ServiceError(
                        .tooMany, "ID_PENDING_LIMIT", "too many pending nodes from \(challenge.source)",
                        retryAfterSeconds: 3600)
                }
                hold(&node, "ID_EK_NOT_IN_INVENTORY", tx)
                try raise("ID_EK_NOT_IN_INVENTORY", node, "\(node.nodeID) waits for an operator's approval", tx)
            }
        }
        if let fail = try tx.stickyFails(node: node.nodeID, ekName: keys.endorsement.name.bytes).last {
            node.standing = .failed
            node.failedVerdictID = fail.verdictID
        } else if active == nil {
            node.standing = .unproven
        }
        try describe(&node, tx)
        try tx.save(node)
        if active != nil, let existing { try tellDrift(node, from: existing.platform, tx) }
        try announce(node, tx)
        return node
    }

    /// SMBIOS strings are the node's own word, and vendors leave them at one default for a whole series: they are shown, a
    /// change is told, and nothing is decided or recognized by them (AG-05).
    private func tellDrift(_ node: NodeRecord, from before: PlatformIdentity, _ tx: any StoreTransaction) throws {
        let fields: [(String, KeyPath<PlatformIdentity, String?>)] = [
            ("manufacturer", \.manufacturer), ("product", \.product), ("serialNumber", \.serialNumber),
            ("uuid", \.uuid),
        ]
        let changed = fields.filter { before[keyPath: $0.1] != node.platform[keyPath: $0.1] }
        guard !changed.isEmpty else { return }
        var values = ["kind": "platform", "source": challenge.source]
        for (name, path) in changed {
            values[name] = "\(before[keyPath: path] ?? "nothing") -> \(node.platform[keyPath: path] ?? "nothing")"
        }
        let event = SecurityEventID.fingerprintChanged
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "unknown",
                node: node.nodeID.rawValue, site: node.site,
                message: "\(node.nodeID) reports another \(changed.map(\.0).joined(separator: ", "))", fields: values))
    }

    private func isSame(_ identity: IdentityRecord) -> Bool {
        identity.akName == keys.attestation.name.bytes && identity.nodeKeySPKI == keys.nodeKeySPKI
    }

    /// True when the factory manifest names this EK for this node id.
    ///
    /// - Throws: `ID_EK_MISMATCH` when it names another.
    private func manifestVouches(_ tx: any StoreTransaction) throws -> Bool {
        guard let entry = try tx.manifestEntry(for: challenge.nodeID) else { return false }
        let matches: Bool
        if let name = entry.ekName {
            matches = name == keys.endorsement.name.bytes
        } else {
            matches =
                entry.ekSPKISHA256 == keys.ekSPKISHA256
                && (entry.ekIssuer == nil || entry.ekIssuer == endorsement.issuer)
                && (entry.ekSerial == nil || entry.ekSerial?.lowercased() == endorsement.serialNumber)
        }
        guard matches else {
            throw ServiceError(
                .conflict, "ID_EK_MISMATCH", "the manifest names another EK than \(keys.endorsement.name)")
        }
        return true
    }

    private func consumeToken(_ tx: any StoreTransaction) throws {
        guard let entry = try tx.manifestEntry(for: challenge.nodeID), entry.tokenHash != nil else { return }
        guard challenge.tokenPresented, try tx.consumeManifestToken(of: challenge.nodeID) else {
            throw ServiceError(.forbidden, "ID_TOKEN_USED", "the manifest entry's token was used before")
        }
    }

    private func hold(_ node: inout NodeRecord, _ reason: String, _ tx: any StoreTransaction) {
        node.lifecycle = .pending
        node.pendingReason = reason
        // Only a node that nobody ever approved is forgotten by itself.
        node.pendingUntilMilliseconds = reason == "ID_AK_CHANGED" ? nil : tx.now + policy.pendingLife
    }

    private func fresh(now: Int64) -> NodeRecord {
        NodeRecord(
            nodeID: challenge.nodeID, lifecycle: .pending, standing: .unproven, failedVerdictID: nil, site: nil,
            group: VerifierPolicy.defaultGroup, assetTag: nil, platform: challenge.platform, identityID: 0,
            enrolledAtMilliseconds: now, pendingUntilMilliseconds: nil, pendingReason: nil,
            source: challenge.source, stateSinceMilliseconds: now, shownState: .pending, attestRequested: false,
            version: 1)
    }

    /// What the manifest says of the place, and what is shown after this.
    private func describe(_ node: inout NodeRecord, _ tx: any StoreTransaction) throws {
        if let entry = try tx.manifestEntry(for: node.nodeID) {
            node.site = entry.site ?? node.site
            node.assetTag = entry.assetTag ?? node.assetTag
            node.group = entry.group ?? node.group
        }
        node.platform = challenge.platform
        let shown = NodeStateRule.state(node, nil, maxAge: 0, now: tx.now)
        if shown != node.shownState { node.stateSinceMilliseconds = tx.now }
        node.shownState = shown
    }

    private func identity(_ vouched: Bool, now: Int64) -> IdentityRecord {
        IdentityRecord(
            identityID: 0, nodeID: challenge.nodeID, status: .active, ekName: keys.endorsement.name.bytes,
            ekPublic: challenge.ekPublic, ekSPKISHA256: keys.ekSPKISHA256,
            ekCertificates: challenge.ekCertificates,
            ekTrust: endorsement.isCertified ? .certified : vouched ? .manifestVouched : .inventoryVouched,
            tpmManufacturer: endorsement.manufacturer, tpmModel: endorsement.model,
            tpmFirmware: endorsement.firmware, akName: keys.attestation.name.bytes, akPublic: challenge.akPublic,
            akQualifiedName: qualifiedSigner, nodeKeySPKI: keys.nodeKeySPKI, createdAtMilliseconds: now,
            retiredAtMilliseconds: nil)
    }

    private func announce(_ node: NodeRecord, _ tx: any StoreTransaction) throws {
        let pending = node.lifecycle == .pending
        try tx.audit(
            AuditEntry(
                actor: "node:\(node.nodeID)", action: pending ? "node.pending" : "node.enroll",
                subject: node.nodeID.rawValue, outcome: "success",
                detail: [
                    "source": challenge.source, "ekName": keys.endorsement.name.hex,
                    "akName": keys.attestation.name.hex, "reason": node.pendingReason ?? "",
                ]))
        let event = pending ? SecurityEventID.nodePending : SecurityEventID.nodeEnrolled
        try raise(event, node, "\(node.nodeID) enrolled as \(node.lifecycle.rawValue)", tx)
    }

    private func raise(_ event: String, _ node: NodeRecord, _ message: String, _ tx: any StoreTransaction) throws {
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "success",
                node: node.nodeID.rawValue, site: node.site, message: message,
                fields: ["source": challenge.source, "ekName": keys.endorsement.name.hex]))
    }
}
