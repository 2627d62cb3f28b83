internal import AttestationMessages
internal import ByteParsing
internal import JSONCoding
internal import SecurityEvents

/// A factory manifest's way into the store: all of it or nothing, every conflict at once, twice the same as once.
struct ManifestImporter: Sendable {
    static let maxEntries = 20_000
    let random: any RandomSource
    let peer: OperatorPeer

    func run(_ manifest: ManifestImport, _ tx: any StoreTransaction) throws -> ManifestImportResult {
        guard manifest.entries.count <= Self.maxEntries else {
            throw ServiceError(
                .invalid, "MANIFEST_SIZE", "\(manifest.entries.count) entries, at most \(Self.maxEntries)")
        }
        var conflicts: [String] = []
        var added: [ManifestEntry] = []
        var unchanged = 0
        var ids: Set<NodeID> = []
        var keys: [String: NodeID] = [:]
        let stored = try storedKeys(tx)
        for entry in manifest.entries {
            let problem =
                Self.problem(of: entry)
                ?? (ids.insert(entry.nodeID).inserted ? nil : "is there twice")
                ?? keys.updateValue(entry.nodeID, forKey: Self.key(entry)).map { "names the EK of \($0)" }
                ?? stored[Self.key(entry)].flatMap { $0 == entry.nodeID ? nil : "names the EK of \($0)" }
            if let problem {
                conflicts.append("\(entry.nodeID): \(problem)")
                continue
            }
            if let existing = try tx.manifestEntry(for: entry.nodeID) {
                if Self.isSame(entry, existing) {
                    unchanged += 1
                } else {
                    conflicts.append("\(entry.nodeID): is in the manifest already, with other content")
                }
                continue
            }
            if let problem = try conflictWithNode(entry, tx) {
                conflicts.append("\(entry.nodeID): \(problem)")
            } else {
                added.append(entry)
            }
        }
        if conflicts.isEmpty, !manifest.dryRun, !added.isEmpty {
            for entry in added { try tx.save(Self.record(entry, peer: peer, random: random, now: tx.now)) }
            try tx.announce(
                "MANIFEST_CHANGED", by: peer, "\(added.count) entries added to the manifest by \(peer.name)",
                ["added": String(added.count)])
        }
        return ManifestImportResult(
            added: conflicts.isEmpty ? added.count : 0, unchanged: unchanged, conflicts: conflicts)
    }

    /// What is wrong with an entry by itself; nil where nothing is.
    static func problem(of entry: ManifestEntry) -> String? {
        switch (entry.ekName, entry.ekSPKISHA256, entry.ekIssuer, entry.ekSerial) {
        case (let name?, nil, nil, nil):
            // nameAlg, then a digest of SHA-1 to SHA-512.
            guard let bytes = Hex.decode(name), (22...66).contains(bytes.count) else { return "ekName is no name" }
        case (nil, let hash?, nil, nil):
            guard Hex.decode(hash)?.count == 32 else { return "ekSPKISHA256 is no SHA-256" }
        case (nil, let hash?, let issuer?, let serial?):
            guard Hex.decode(hash)?.count == 32 else { return "ekSPKISHA256 is no SHA-256" }
            guard !issuer.isEmpty, issuer.utf8.count <= OperatorInput.maxTextBytes else { return "ekIssuer is no name" }
            guard !serial.isEmpty, serial.utf8.count <= 64,
                serial.allSatisfy({ $0.isASCII && $0.isHexDigit })
            else { return "ekSerial is no hexadecimal number" }
        default: return "needs one of: ekName; ekSPKISHA256; ekIssuer with ekSerial and ekSPKISHA256"
        }
        if let group = entry.group, NodeID(group) == nil { return "group is no name" }
        for text in [entry.site, entry.assetTag, entry.token] {
            if let text, text.isEmpty || text.utf8.count > 256 { return "site, assetTag and token have 1 to 256 bytes" }
        }
        return nil
    }

    /// - Parameter random: for the token's salt; nil only for entries without a token.
    static func record(
        _ entry: ManifestEntry, peer: OperatorPeer, random: (any RandomSource)?, now: Int64
    ) -> ManifestRecord {
        let salt = entry.token.flatMap { _ in random?.bytes(ManifestToken.saltSize) }
        return ManifestRecord(
            nodeID: entry.nodeID, ekName: entry.ekName.flatMap { Hex.decode($0) },
            ekSPKISHA256: entry.ekSPKISHA256.flatMap { Hex.decode($0) }, ekIssuer: entry.ekIssuer,
            ekSerial: entry.ekSerial.map { $0.lowercased() }, assetTag: entry.assetTag, site: entry.site,
            group: entry.group, tokenSalt: salt,
            tokenHash: salt.flatMap { salt in entry.token.map { ManifestToken.hash($0, salt: salt) } },
            tokenUsedAtMilliseconds: nil, addedBy: peer.name, addedAtMilliseconds: now)
    }

    private static func key(_ entry: ManifestEntry) -> String {
        (entry.ekName ?? entry.ekSPKISHA256 ?? "").lowercased()
    }

    private static func isSame(_ entry: ManifestEntry, _ record: ManifestRecord) -> Bool {
        let sameToken =
            entry.token.map { ManifestToken.matches($0, record) } ?? (record.tokenHash == nil)
        return sameToken && entry.ekName.flatMap { Hex.decode($0) } == record.ekName
            && entry.ekSPKISHA256.flatMap { Hex.decode($0) } == record.ekSPKISHA256
            && entry.ekIssuer == record.ekIssuer && entry.ekSerial?.lowercased() == record.ekSerial
            && entry.assetTag == record.assetTag && entry.site == record.site && entry.group == record.group
    }

    private func storedKeys(_ tx: any StoreTransaction) throws -> [String: NodeID] {
        var keys: [String: NodeID] = [:]
        var cursor: NodeID?
        while true {
            let page = try tx.manifestEntries(after: cursor, limit: 1_000)
            for record in page { keys[Hex.encode(record.ekName ?? record.ekSPKISHA256 ?? [])] = record.nodeID }
            guard page.count == 1_000, let last = page.last else { return keys }
            cursor = last.nodeID
        }
    }

    /// An enrolled node keeps its EK: only a replacement by two persons changes it.
    private func conflictWithNode(_ entry: ManifestEntry, _ tx: any StoreTransaction) throws -> String? {
        if let node = try tx.node(entry.nodeID) {
            if node.lifecycle == .revoked { return "is revoked" }
            if let identity = try tx.identity(node.identityID), identity.status == .active {
                let same =
                    entry.ekName.flatMap { Hex.decode($0) }.map { $0 == identity.ekName }
                    ?? (entry.ekSPKISHA256.flatMap { Hex.decode($0) } == identity.ekSPKISHA256)
                return same ? nil : "is enrolled with another EK; see replace-tpm"
            }
        }
        if let name = entry.ekName.flatMap({ Hex.decode($0) }), let other = try tx.activeIdentity(ekName: name),
            other.nodeID != entry.nodeID
        {
            return "names the EK of the enrolled node \(other.nodeID)"
        }
        return nil
    }
}

/// How a proposal keeps an entry.
enum ManifestEntryCodec {
    static func encode(_ entry: ManifestEntry) throws -> [UInt8] { try StrictJSON.encode(entry) }

    static func decode(_ bytes: [UInt8]) throws -> ManifestEntry {
        do {
            return try StrictJSON.decode(ManifestEntry.self, from: bytes)
        } catch {
            throw ServiceError(.unavailable, "STORE_POISON", "a stored proposal: \(error)")
        }
    }
}
