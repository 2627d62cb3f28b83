package import AttestationMessages

/// What the enrollment listener serves.
package protocol EnrollmentUseCases: Sendable {
    /// - Parameter body: the request's exact bytes (they enter the transcript).
    /// - Returns: the exact bytes of the ``EnrollmentChallenge`` to send (they enter the transcript).
    func enroll(_ body: [UInt8], peer: EnrollmentPeer) async throws -> [UInt8]
    func activate(enrollmentID: String, _ request: ActivationRequest, peer: EnrollmentPeer) async throws
        -> EnrollmentResult
    func renew(_ request: RenewalRequest, peer: EnrollmentPeer) async throws -> EnrollmentResult
}

/// What an enrolled node calls on the main listener.
package protocol AttestationUseCases: Sendable {
    func challenge(_ request: ChallengeRequest, node: NodePeer) async throws -> AttestationChallenge
    func submit(_ submission: EvidenceSubmission, node: NodePeer) async throws -> EvidenceReply
    /// - Parameter offset: where `bytes` start in the log; must be the offset of an open need.
    func upload(evidenceID: String, log: EvidenceLog, offset: Int, bytes: [UInt8], node: NodePeer) async throws
        -> EvidenceReply
}

package protocol AdmissionUseCases: Sendable {
    func admission(of node: NodeID, audience: String, asker: AdmissionAsker) async throws -> AdmissionReply
    func admissions(cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<AdmissionReply>
}
