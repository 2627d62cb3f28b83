package import AttestationMessages

/// Issues identity certificates over node keys; implemented by Admission with the identity CA.
package protocol IdentityCertificateIssuer: Sendable {
    /// - Parameters:
    ///   - spki: DER SubjectPublicKeyInfo of the node key.
    ///   - now: milliseconds since 1970, the verifier's clock.
    /// - Returns: DER, the node's certificate first, then its issuers.
    func issue(nodeID: NodeID, spki: [UInt8], now: Int64) async throws -> [[UInt8]]
}

/// Issues what consumers check: the EAR, and with admit the certificate over the boot key. Implemented by Admission with
/// a CA and a key of their own.
package protocol AdmissionIssuer: Sendable {
    func issue(_ statement: AdmissionStatement) async throws -> IssuedAdmission
}

/// What an admission says. Made from one snapshot; the issuer adds nothing to it and decides nothing.
package struct AdmissionStatement: Hashable, Sendable {
    package var nodeID: NodeID
    package var audience: String
    package var decision: AdmissionDecision
    /// Set with deny.
    package var reason: String?
    package var verdictID: String?
    package var verdict: Verdict?
    package var akName: [UInt8]
    package var resetCount: UInt32?
    package var restartCount: UInt32?
    /// DER SubjectPublicKeyInfo; nil where the last pass certified none: then no certificate, and an EAR without `cnf`.
    package var bootKeySPKI: [UInt8]?
    /// `name@version` of the reference set that judged.
    package var referenceSet: String?
    /// Milliseconds since 1970, the verifier's clock.
    package var now: Int64
    /// End of the evidence's age: no credential outlives it.
    package var evidenceValidUntil: Int64?

    package init(
        nodeID: NodeID, audience: String, decision: AdmissionDecision, reason: String?, verdictID: String?,
        verdict: Verdict?, akName: [UInt8], resetCount: UInt32?, restartCount: UInt32?, bootKeySPKI: [UInt8]?,
        referenceSet: String?, now: Int64, evidenceValidUntil: Int64?
    ) {
        self.nodeID = nodeID
        self.audience = audience
        self.decision = decision
        self.reason = reason
        self.verdictID = verdictID
        self.verdict = verdict
        self.akName = akName
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.bootKeySPKI = bootKeySPKI
        self.referenceSet = referenceSet
        self.now = now
        self.evidenceValidUntil = evidenceValidUntil
    }
}

package struct IssuedAdmission: Hashable, Sendable {
    /// JWT.
    package var ear: String
    /// DER, the admission certificate first, then its issuers; empty with deny.
    package var certificates: [[UInt8]]
    /// Milliseconds since 1970: the EAR's end.
    package var validUntil: Int64

    package init(ear: String, certificates: [[UInt8]], validUntil: Int64) {
        self.ear = ear
        self.certificates = certificates
        self.validUntil = validUntil
    }
}
