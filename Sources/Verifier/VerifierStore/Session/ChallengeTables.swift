internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    // MARK: Enrollment challenges

    private static let enrollmentColumns = [
        "enrollment_id", "node_id", "peer_spki", "source", "transcript", "expected_proof", "ek_public",
        "ek_certificates", "ak_public", "node_key_public", "platform", "token_presented", "tries_left", "expires_at",
    ]
    private static let saveEnrollment =
        Upsert("enrollment_challenges", key: ["enrollment_id"], columns: enrollmentColumns).sql

    func enrollmentChallenge(_ id: String) throws -> EnrollmentChallengeRecord? {
        try row(
            """
            SELECT \(Self.enrollmentColumns.joined(separator: ", ")) FROM enrollment_challenges
            WHERE enrollment_id = ?
            """, [id]
        ).map { row in
            var columns = ColumnReader(row, "enrollment_challenges")
            return try EnrollmentChallengeRecord(
                enrollmentID: columns.text(), nodeID: columns.nodeID(), peerSPKI: columns.bytes(),
                source: columns.text(), transcript: columns.bytes(), expectedProof: columns.bytes(),
                ekPublic: columns.bytes(), ekCertificates: columns.byteStrings(), akPublic: columns.bytes(),
                nodeKeyPublic: columns.bytes(), platform: columns.json(), tokenPresented: columns.flag(),
                triesLeft: columns.count(), expiresAtMilliseconds: columns.integer())
        }
    }

    func save(_ challenge: EnrollmentChallengeRecord) throws {
        try execute(
            Self.saveEnrollment,
            [
                challenge.enrollmentID, challenge.nodeID.rawValue, challenge.peerSPKI.data, challenge.source,
                challenge.transcript.data, challenge.expectedProof.data, challenge.ekPublic.data,
                ByteStrings.encode(challenge.ekCertificates).data, challenge.akPublic.data,
                challenge.nodeKeyPublic.data, JSONText.encode(challenge.platform), challenge.tokenPresented,
                challenge.triesLeft, challenge.expiresAtMilliseconds,
            ])
    }

    func spendTry(ofEnrollment id: String) throws -> Bool {
        try execute(
            "UPDATE enrollment_challenges SET tries_left = tries_left - 1 WHERE enrollment_id = ? AND tries_left > 0",
            [id]) == 1
    }

    func deleteEnrollmentChallenge(_ id: String) throws {
        try execute("DELETE FROM enrollment_challenges WHERE enrollment_id = ?", [id])
    }

    // MARK: Attestation challenges: one row for each node

    private static let challengeColumns = [
        "node_id", "challenge_id", "ak_name", "nonce", "selection", "issued_at", "expires_at", "epoch", "consumed_by",
    ]
    private static let selectChallenge =
        "SELECT \(challengeColumns.joined(separator: ", ")) FROM challenges WHERE node_id = ?"
    private static let saveChallenge = Upsert("challenges", key: ["node_id"], columns: challengeColumns).sql

    func challenge(of node: NodeID) throws -> ChallengeRecord? {
        try row(Self.selectChallenge, [node.rawValue]).map { row in
            var columns = ColumnReader(row, "challenges")
            let nodeID = try columns.nodeID()
            return try ChallengeRecord(
                challengeID: columns.text(), nodeID: nodeID, akName: columns.bytes(), nonce: columns.bytes(),
                selection: columns.selection(), issuedAtMilliseconds: columns.integer(),
                expiresAtMilliseconds: columns.integer(), epoch: columns.integer(),
                consumedBySHA256: columns.optionalBytes())
        }
    }

    func save(_ challenge: ChallengeRecord) throws {
        try execute(
            Self.saveChallenge,
            [
                challenge.nodeID.rawValue, challenge.challengeID, challenge.akName.data, challenge.nonce.data,
                SelectionText.encode(challenge.selection), challenge.issuedAtMilliseconds,
                challenge.expiresAtMilliseconds, challenge.epoch, challenge.consumedBySHA256?.data,
            ])
    }

    func consume(_ challenge: ChallengeRecord, submissionSHA256: [UInt8]) throws -> Bool {
        try execute(
            """
            UPDATE challenges SET consumed_by = ?
            WHERE node_id = ? AND challenge_id = ? AND ak_name = ? AND consumed_by IS NULL AND epoch = ?
                AND expires_at > ?
            """,
            [
                submissionSHA256.data, challenge.nodeID.rawValue, challenge.challengeID, challenge.akName.data,
                clock.epoch, now,
            ]) == 1
    }

    func voidChallenge(of node: NodeID) throws {
        try execute("DELETE FROM challenges WHERE node_id = ?", [node.rawValue])
    }
}
