package import AttestationMessages
internal import JSONCoding

/// Operators' view of nodes, and their acts on them.
package struct NodeService: NodeUseCases {
    let store: any TransactionalStore
    let random: any RandomSource
    let views: NodeViews
    let ledger: OperatorLedger

    package init(store: any TransactionalStore, random: any RandomSource, policy: VerifierPolicy) {
        self.store = store
        self.random = random
        views = NodeViews(policy: policy)
        ledger = OperatorLedger(store: store)
    }

    package func nodes(
        _ filter: NodeFilter, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<NodeView> {
        let limit = try OperatorInput.limit(limit)
        let start = try OperatorInput.nodeCursor(cursor)
        let views = views
        return try await ledger.perform(peer, "node.list", subject: nil) { tx in
            var page: [NodeView] = []
            var cursor = start
            while true {
                let records = try tx.nodes(site: filter.site, group: filter.group, after: cursor, limit: 256)
                for record in records {
                    cursor = record.nodeID
                    let state = try views.state(record, tx)
                    guard filter.state == nil || filter.state == state else { continue }
                    if page.count == limit { return Page(items: page, nextCursor: page.last?.nodeID.rawValue) }
                    page.append(try views.view(record, tx))
                }
                if records.count < 256 { return Page(items: page) }
            }
        }
    }

    package func node(_ id: NodeID, peer: OperatorPeer) async throws -> NodeView {
        let views = views
        return try await ledger.perform(peer, "node.show", subject: id.rawValue) { tx in
            try views.view(Self.existing(id, tx), tx)
        }
    }

    package func importManifest(
        _ manifest: ManifestImport, peer: OperatorPeer
    ) async throws -> ManifestImportResult {
        let importer = ManifestImporter(random: random, peer: peer)
        return try await ledger.perform(
            peer, manifest.dryRun ? "manifest.check" : "manifest.import", subject: nil,
            detail: ["entries": String(manifest.entries.count)]
        ) { tx in try importer.run(manifest, tx) }
    }

    package func act(
        _ act: NodeAct, on node: NodeID, _ request: NodeActRequest, peer: OperatorPeer
    ) async throws -> NodeView {
        let acts = NodeActs(views: views, peer: peer, request: request)
        var detail = ["reason": request.reason]
        detail["verdict"] = request.verdictID
        detail["untilMilliseconds"] = request.untilMilliseconds.map(String.init)
        return try await ledger.perform(peer, "node.\(act.rawValue)", subject: node.rawValue, detail: detail) { tx in
            try acts.perform(act, on: Self.existing(node, tx), tx)
        }
    }

    package func history(
        of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<VerdictSummary> {
        let limit = try OperatorInput.limit(limit)
        let cursor = try OperatorInput.identifierCursor(cursor)
        return try await ledger.perform(peer, "node.history", subject: node.rawValue) { tx in
            let verdicts = try tx.verdicts(of: node, before: cursor, limit: limit + 1)
            // A removed node's verdicts stay readable.
            if verdicts.isEmpty, cursor == nil { _ = try Self.existing(node, tx) }
            let page = verdicts.prefix(limit).map(\.summary)
            return Page(items: page, nextCursor: verdicts.count > limit ? page.last?.verdictID : nil)
        }
    }

    package func verdict(_ id: String, of node: NodeID, peer: OperatorPeer) async throws -> VerdictDetail {
        let id = try OperatorInput.identifier(id, "a verdict")
        return try await ledger.perform(peer, "node.verdict", subject: node.rawValue, detail: ["verdict": id]) { tx in
            guard let record = try tx.verdict(id), record.nodeID == node else {
                throw ServiceError(.unknown, "API_UNKNOWN", "\(node) has no verdict \(id)")
            }
            let whole = try record.result ?? record.sameAs.flatMap { try tx.verdict($0)?.result }
            guard let whole else {
                throw ServiceError(.gone, "API_RESULT_EXPIRED", "only the summary of \(id) is kept")
            }
            let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
            do {
                return VerdictDetail(
                    summary: record.summary, result: try StrictJSON.decode(JSONValue.self, from: whole, limits: limits))
            } catch {
                throw ServiceError(.unavailable, "STORE_POISON", "the result of \(id): \(error)")
            }
        }
    }

    package func reboots(
        of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<RebootView> {
        let limit = try OperatorInput.limit(limit)
        let cursor = try OperatorInput.numberCursor(cursor)
        return try await ledger.perform(peer, "node.boots", subject: node.rawValue) { tx in
            let rows = try tx.reboots(of: node, before: cursor, limit: limit + 1)
            // A removed node's ledger stays readable.
            if rows.isEmpty, cursor == nil { _ = try Self.existing(node, tx) }
            let page = Array(rows.prefix(limit))
            return Page(items: page, nextCursor: rows.count > limit ? page.last.map { String($0.number) } : nil)
        }
    }

    package func explanation(
        of node: NodeID, comparingWith other: String?, peer: OperatorPeer
    ) async throws -> NodeExplanationView {
        let other = try other.map { try OperatorInput.identifier($0, "a verdict") }
        let record = try await ledger.perform(peer, "node.explain", subject: node.rawValue) { tx in
            if let other, try tx.verdict(other)?.nodeID != node {
                throw ServiceError(.unknown, "API_UNKNOWN", "\(node) has no verdict \(other)")
            }
            return try Self.existing(node, tx)
        }
        // Logs are read and compared outside of the writer's transaction: no verdict waits for it.
        return try await store.read { try ExplanationMaterial(record, comparingWith: other, $0) }.view()
    }

    private static func existing(_ id: NodeID, _ snapshot: any StoreSnapshot) throws -> NodeRecord {
        guard let node = try snapshot.node(id) else { throw ServiceError(.unknown, "API_UNKNOWN", "no node \(id)") }
        return node
    }
}
