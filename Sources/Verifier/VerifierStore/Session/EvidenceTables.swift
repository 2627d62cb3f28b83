internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    // MARK: The hot row

    private static let stateColumns = [
        "ak_name", "node_id", "clock", "reset_count", "restart_count", "clock_safe", "firmware_version", "boot_id",
        "first_boot_id", "agent_run_id", "agent_version", "event_log_sha256", "pcr_digest", "allocated_banks",
        "last_verdict_id", "last_verdict", "last_verdict_at", "last_pass_issued_at", "last_pass_verdict_id",
        "result_verdict_id", "result_digest", "boot_key_spki", "tiers", "reference_set", "lab_mode",
    ]
    private static let selectState =
        "SELECT \(stateColumns.joined(separator: ", ")) FROM attestation_states WHERE ak_name = ?"
    private static let saveState = Upsert("attestation_states", key: ["ak_name"], columns: stateColumns).sql

    func attestationState(akName: [UInt8]) throws -> AttestationStateRecord? {
        try row(Self.selectState, [akName.data]).map { row in
            var columns = ColumnReader(row, "attestation_states")
            return try AttestationStateRecord(
                akName: columns.bytes(), nodeID: columns.nodeID(), counters: Self.counters(&columns),
                bootID: columns.optionalText(), firstBootID: columns.optionalText(),
                agentRunID: columns.optionalText(), agentVersion: columns.optionalText(),
                eventLogSHA256: columns.optionalBytes(),
                pcrDigest: columns.optionalBytes(), allocatedBanks: columns.optionalList(),
                lastVerdictID: columns.optionalText(),
                lastVerdict: columns.optionalValue(), lastVerdictAtMilliseconds: columns.optionalInteger(),
                lastPassIssuedAtMilliseconds: columns.optionalInteger(),
                lastPassVerdictID: columns.optionalText(), resultVerdictID: columns.optionalText(),
                resultDigest: columns.optionalBytes(), bootKeySPKI: columns.optionalBytes(),
                tiers: LayerTiers(text: columns.text()), referenceSet: columns.optionalText(), labMode: columns.flag())
        }
    }

    private static func counters(_ columns: inout ColumnReader) throws -> TPMCounters? {
        let clock = try columns.optionalInteger()
        let reset = try columns.optionalUInt32()
        let restart = try columns.optionalUInt32()
        let safe = try columns.optionalInteger()
        let firmware = try columns.optionalInteger()
        guard let clock, let reset, let restart, let safe, let firmware else { return nil }
        return TPMCounters(
            clock: UInt64(bitPattern: clock), resetCount: reset, restartCount: restart, safe: safe != 0,
            firmwareVersion: UInt64(bitPattern: firmware))
    }

    func save(_ state: AttestationStateRecord) throws {
        let counters = state.counters
        try execute(
            Self.saveState,
            [
                state.akName.data, state.nodeID.rawValue, counters.map { Int64(bitPattern: $0.clock) },
                counters?.resetCount, counters?.restartCount, counters?.safe,
                counters.map { Int64(bitPattern: $0.firmwareVersion) }, state.bootID, state.firstBootID,
                state.agentRunID, state.agentVersion, state.eventLogSHA256?.data, state.pcrDigest?.data,
                state.allocatedBanks.map(CompactList.encode), state.lastVerdictID, state.lastVerdict?.rawValue,
                state.lastVerdictAtMilliseconds, state.lastPassIssuedAtMilliseconds, state.lastPassVerdictID,
                state.resultVerdictID, state.resultDigest?.data, state.bootKeySPKI?.data, state.tiers.text,
                state.referenceSet, state.labMode,
            ])
    }

    // MARK: Kept registers

    func keptRegisters(akName: [UInt8], pcrDigest: [UInt8]) throws -> [UInt8]? {
        try row(
            "SELECT pcr_values FROM kept_registers WHERE ak_name = ? AND pcr_digest = ?", [akName.data, pcrDigest.data]
        ).map { row in
            var columns = ColumnReader(row, "kept_registers")
            return try columns.bytes()
        }
    }

    private static let saveRegisters =
        Upsert("kept_registers", key: ["ak_name"], columns: ["ak_name", "pcr_digest", "pcr_values"]).sql

    func keep(registers: [UInt8], akName: [UInt8], pcrDigest: [UInt8]) throws {
        try execute(Self.saveRegisters, [akName.data, pcrDigest.data, registers.data])
    }

    // MARK: Evidence that waits for its logs

    private static let pendingColumns = [
        "evidence_id", "node_id", "ak_name", "submission", "submission_sha256", "identity_findings",
        "event_log_sha256", "challenge_id", "nonce", "selection",
        "issued_at", "expires_at", "epoch", "received_at", "complete_by",
    ]
    private static let selectPending = "SELECT \(pendingColumns.joined(separator: ", ")) FROM pending_evidence"

    private func decodePending(_ row: StoredRow) throws -> PendingEvidenceRecord {
        var columns = ColumnReader(row, "pending_evidence")
        let id = try columns.text()
        let nodeID = try columns.nodeID()
        let akName = try columns.bytes()
        let submission = try columns.bytes()
        let digest = try columns.bytes()
        let findings = try columns.bytes()
        let eventLog = try columns.optionalBytes()
        let challenge = try ChallengeRecord(
            challengeID: columns.text(), nodeID: nodeID, akName: akName, nonce: columns.bytes(),
            selection: columns.selection(), issuedAtMilliseconds: columns.integer(),
            expiresAtMilliseconds: columns.integer(), epoch: columns.integer(), consumedBySHA256: digest)
        return try PendingEvidenceRecord(
            evidenceID: id, nodeID: nodeID, akName: akName, submission: submission, submissionSHA256: digest,
            challenge: challenge, identityFindings: findings, eventLogSHA256: eventLog,
            receivedAtMilliseconds: columns.integer(), completeByMilliseconds: columns.integer())
    }

    func pendingEvidence(_ id: String) throws -> PendingEvidenceRecord? {
        try row(Self.selectPending + " WHERE evidence_id = ?", [id]).map(decodePending)
    }

    func pendingEvidence(of node: NodeID) throws -> PendingEvidenceRecord? {
        try row(Self.selectPending + " WHERE node_id = ?", [node.rawValue]).map(decodePending)
    }

    func overduePendingEvidence(limit: Int) throws -> [PendingEvidenceRecord] {
        try rows(Self.selectPending + " WHERE complete_by <= ? ORDER BY complete_by LIMIT ?", [now, limit])
            .map(decodePending)
    }

    func insert(_ evidence: PendingEvidenceRecord, uploads: [UploadRecord]) throws {
        let marks = [String](repeating: "?", count: Self.pendingColumns.count).joined(separator: ", ")
        try execute(
            "INSERT INTO pending_evidence (\(Self.pendingColumns.joined(separator: ", "))) VALUES (\(marks))",
            [
                evidence.evidenceID, evidence.nodeID.rawValue, evidence.akName.data, evidence.submission.data,
                evidence.submissionSHA256.data, evidence.identityFindings.data, evidence.eventLogSHA256?.data,
                evidence.challenge.challengeID,
                evidence.challenge.nonce.data,
                SelectionText.encode(evidence.challenge.selection), evidence.challenge.issuedAtMilliseconds,
                evidence.challenge.expiresAtMilliseconds, evidence.challenge.epoch, evidence.receivedAtMilliseconds,
                evidence.completeByMilliseconds,
            ])
        for upload in uploads {
            try execute(
                "INSERT INTO uploads (evidence_id, log, sha256, byte_count, received_count) VALUES (?, ?, ?, ?, ?)",
                [evidence.evidenceID, upload.log, upload.sha256.data, upload.byteCount, upload.receivedCount])
        }
    }

    func deletePendingEvidence(_ id: String) throws -> Bool {
        try execute("DELETE FROM pending_evidence WHERE evidence_id = ?", [id]) == 1
    }

    func uploads(of evidenceID: String) throws -> [UploadRecord] {
        try rows(
            "SELECT evidence_id, log, sha256, byte_count, received_count FROM uploads WHERE evidence_id = ? ORDER BY log",
            [evidenceID]
        ).map { row in
            var columns = ColumnReader(row, "uploads")
            return try UploadRecord(
                evidenceID: columns.text(), log: columns.text(), sha256: columns.bytes(), byteCount: columns.count(),
                receivedCount: columns.count())
        }
    }

    func append(_ bytes: [UInt8], at offset: Int, to evidenceID: String, log: String) throws -> UploadRecord? {
        let changed = try execute(
            """
            UPDATE uploads SET received_count = received_count + ?1
            WHERE evidence_id = ?2 AND log = ?3 AND received_count = ?4 AND ?1 <= byte_count - received_count
            """, [bytes.count, evidenceID, log, offset])
        guard changed == 1 else { return nil }
        if !bytes.isEmpty {
            try execute(
                "INSERT INTO upload_chunks (evidence_id, log, start, bytes) VALUES (?, ?, ?, ?)",
                [evidenceID, log, offset, bytes.data])
        }
        return try uploads(of: evidenceID).first { $0.log == log }
    }

    func uploadedBytes(of evidenceID: String, log: String) throws -> [UInt8] {
        try rows(
            "SELECT bytes FROM upload_chunks WHERE evidence_id = ? AND log = ? ORDER BY start", [evidenceID, log]
        ).reduce(into: []) { all, row in
            var columns = ColumnReader(row, "upload_chunks")
            all += try columns.bytes()
        }
    }

    // MARK: Blobs

    func blob(sha256: [UInt8]) throws -> [UInt8]? {
        try row("SELECT bytes FROM blobs WHERE sha256 = ?", [sha256.data]).map { row in
            var columns = ColumnReader(row, "blobs")
            return try columns.bytes()
        }
    }

    func hasBlob(sha256: [UInt8]) throws -> Bool {
        try integer("SELECT 1 FROM blobs WHERE sha256 = ?", [sha256.data]) != nil
    }

    func saveBlob(_ bytes: [UInt8], sha256: [UInt8]) throws {
        try execute(
            "INSERT INTO blobs (sha256, bytes, stored_at) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
            [sha256.data, bytes.data, now])
    }
}
