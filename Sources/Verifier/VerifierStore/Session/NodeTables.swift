internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let nodeColumns = [
        "node_id", "lifecycle", "standing", "failed_verdict_id", "site", "group_name", "asset_tag", "platform",
        "identity_id", "enrolled_at", "pending_until", "pending_reason", "source", "state_since", "shown_state",
        "attest_requested", "version",
    ]
    private static let selectNode = "SELECT \(nodeColumns.joined(separator: ", ")) FROM nodes"
    private static let saveNode =
        Upsert("nodes", key: ["node_id"], columns: nodeColumns).sql
        .replacing("version = excluded.version", with: "version = nodes.version + 1")

    private func decodeNode(_ row: StoredRow) throws -> NodeRecord {
        var columns = ColumnReader(row, "nodes")
        return try NodeRecord(
            nodeID: columns.nodeID(), lifecycle: columns.value(), standing: columns.value(),
            failedVerdictID: columns.optionalText(), site: columns.optionalText(), group: columns.text(),
            assetTag: columns.optionalText(), platform: columns.platform(platforms), identityID: columns.integer(),
            enrolledAtMilliseconds: columns.integer(), pendingUntilMilliseconds: columns.optionalInteger(),
            pendingReason: columns.optionalText(), source: columns.text(),
            stateSinceMilliseconds: columns.integer(), shownState: columns.value(), attestRequested: columns.flag(),
            version: columns.integer())
    }

    func node(_ id: NodeID) throws -> NodeRecord? {
        try row(Self.selectNode + " WHERE node_id = ?", [id.rawValue]).map(decodeNode)
    }

    func nodes(site: String?, group: String?, after cursor: NodeID?, limit: Int) throws -> [NodeRecord] {
        try rows(
            Self.selectNode + """
                 WHERE node_id > ?1 AND (?2 IS NULL OR site = ?2) AND (?3 IS NULL OR group_name = ?3)
                ORDER BY node_id LIMIT ?4
                """, [cursor?.rawValue ?? "", site, group, limit]
        ).map(decodeNode)
    }

    func nodeCount() throws -> Int { Int(try integer("SELECT count(*) FROM nodes") ?? 0) }

    func nodeCountByShownState() throws -> [NodeState: Int] {
        var counts: [NodeState: Int] = [:]
        for row in try rows("SELECT shown_state, count(*) FROM nodes GROUP BY shown_state") {
            var columns = ColumnReader(row, "nodes")
            let state = try columns.value(NodeState.self)
            counts[state] = try columns.count()
        }
        return counts
    }

    func pendingNodeCount(source: String) throws -> Int {
        Int(try integer("SELECT count(*) FROM nodes WHERE source = ? AND lifecycle = 'pending'", [source]) ?? 0)
    }

    func save(_ node: NodeRecord) throws {
        try execute(
            Self.saveNode,
            [
                node.nodeID.rawValue, node.lifecycle.rawValue, node.standing.rawValue, node.failedVerdictID, node.site,
                node.group, node.assetTag, JSONText.encode(node.platform), node.identityID,
                node.enrolledAtMilliseconds, node.pendingUntilMilliseconds, node.pendingReason, node.source,
                node.stateSinceMilliseconds, node.shownState.rawValue, node.attestRequested, 1,
            ])
    }

    func deleteNode(_ id: NodeID) throws {
        try execute(
            "UPDATE identities SET status = 'retired', retired_at = ? WHERE node_id = ? AND status = 'active'",
            [now, id.rawValue])
        // Counters stay with the AK; what admitted the node goes.
        try execute(
            """
            UPDATE attestation_states SET last_pass_issued_at = NULL, last_pass_verdict_id = NULL, boot_key_spki = NULL
            WHERE node_id = ?
            """, [id.rawValue])
        try execute("DELETE FROM challenges WHERE node_id = ?", [id.rawValue])
        try execute("DELETE FROM pending_evidence WHERE node_id = ?", [id.rawValue])
        try execute("DELETE FROM expected_reboots WHERE node_id = ?", [id.rawValue])
        // An open plan does not wait for a node that is gone; closed ones keep it as history.
        try execute("DELETE FROM plan_nodes WHERE node_id = ? AND is_open = 1", [id.rawValue])
        try execute(
            """
            DELETE FROM rollout_nodes
            WHERE node_id = ? AND rollout IN (SELECT number FROM rollouts WHERE status = 'open')
            """, [id.rawValue])
        try execute("DELETE FROM nodes WHERE node_id = ?", [id.rawValue])
    }

    // MARK: Manifest, sticky fails, proposals

    private static let manifestColumns = [
        "node_id", "ek_name", "ek_spki_sha256", "ek_issuer", "ek_serial", "asset_tag", "site", "group_name",
        "token_salt", "token_hash", "token_used_at", "added_by", "added_at",
    ]
    private static let selectManifest = "SELECT \(manifestColumns.joined(separator: ", ")) FROM manifest"
    private static let saveManifest = Upsert("manifest", key: ["node_id"], columns: manifestColumns).sql

    private func decodeManifest(_ row: StoredRow) throws -> ManifestRecord {
        var columns = ColumnReader(row, "manifest")
        return try ManifestRecord(
            nodeID: columns.nodeID(), ekName: columns.optionalBytes(), ekSPKISHA256: columns.optionalBytes(),
            ekIssuer: columns.optionalText(), ekSerial: columns.optionalText(), assetTag: columns.optionalText(),
            site: columns.optionalText(), group: columns.optionalText(), tokenSalt: columns.optionalBytes(),
            tokenHash: columns.optionalBytes(), tokenUsedAtMilliseconds: columns.optionalInteger(),
            addedBy: columns.text(), addedAtMilliseconds: columns.integer())
    }

    func manifestEntry(for node: NodeID) throws -> ManifestRecord? {
        try row(Self.selectManifest + " WHERE node_id = ?", [node.rawValue]).map(decodeManifest)
    }

    func manifestEntries(after cursor: NodeID?, limit: Int) throws -> [ManifestRecord] {
        try rows(Self.selectManifest + " WHERE node_id > ? ORDER BY node_id LIMIT ?", [cursor?.rawValue ?? "", limit])
            .map(decodeManifest)
    }

    func save(_ entry: ManifestRecord) throws {
        do {
            try execute(
                Self.saveManifest,
                [
                    entry.nodeID.rawValue, entry.ekName?.data, entry.ekSPKISHA256?.data, entry.ekIssuer,
                    entry.ekSerial, entry.assetTag, entry.site, entry.group, entry.tokenSalt?.data,
                    entry.tokenHash?.data, entry.tokenUsedAtMilliseconds, entry.addedBy, entry.addedAtMilliseconds,
                ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw ServiceError(.conflict, "ID_EK_REUSED", "another manifest entry names this EK")
        }
    }

    func deleteManifestEntry(_ node: NodeID) throws {
        try execute("DELETE FROM manifest WHERE node_id = ?", [node.rawValue])
    }

    func consumeManifestToken(of node: NodeID) throws -> Bool {
        try execute(
            """
            UPDATE manifest SET token_used_at = ?
            WHERE node_id = ? AND token_hash IS NOT NULL AND token_used_at IS NULL
            """, [now, node.rawValue]) == 1
    }

    func stickyFails(node: NodeID, ekName: [UInt8]) throws -> [StickyFail] {
        try rows(
            "SELECT node_id, ek_name, verdict_id, at FROM sticky_fails WHERE node_id = ? OR ek_name = ? ORDER BY at",
            [node.rawValue, ekName.data]
        ).map { row in
            var columns = ColumnReader(row, "sticky_fails")
            return try StickyFail(
                nodeID: columns.nodeID(), ekName: columns.bytes(), verdictID: columns.text(),
                atMilliseconds: columns.integer())
        }
    }

    func insert(_ fail: StickyFail) throws {
        try execute(
            "INSERT INTO sticky_fails (verdict_id, node_id, ek_name, at) VALUES (?, ?, ?, ?)",
            [fail.verdictID, fail.nodeID.rawValue, fail.ekName.data, fail.atMilliseconds])
    }

    func clearStickyFails(node: NodeID, ekName: [UInt8]) throws {
        try execute("DELETE FROM sticky_fails WHERE node_id = ? OR ek_name = ?", [node.rawValue, ekName.data])
    }

    private static let proposalColumns = [
        "kind", "subject", "document", "reason", "proposed_by", "proposed_by_key", "at",
    ]
    private static let saveProposal = Upsert("proposals", key: ["kind", "subject"], columns: proposalColumns).sql

    func proposal(kind: String, subject: String) throws -> ProposalRecord? {
        try row(
            "SELECT \(Self.proposalColumns.joined(separator: ", ")) FROM proposals WHERE kind = ? AND subject = ?",
            [kind, subject]
        ).map { row in
            var columns = ColumnReader(row, "proposals")
            return try ProposalRecord(
                kind: columns.text(), subject: columns.text(), document: columns.bytes(), reason: columns.text(),
                proposedBy: columns.text(), proposedByKeySHA256: columns.text(), atMilliseconds: columns.integer())
        }
    }

    func save(_ proposal: ProposalRecord) throws {
        try execute(
            Self.saveProposal,
            [
                proposal.kind, proposal.subject, proposal.document.data, proposal.reason, proposal.proposedBy,
                proposal.proposedByKeySHA256, proposal.atMilliseconds,
            ])
    }

    func deleteProposal(kind: String, subject: String) throws {
        try execute("DELETE FROM proposals WHERE kind = ? AND subject = ?", [kind, subject])
    }
}
