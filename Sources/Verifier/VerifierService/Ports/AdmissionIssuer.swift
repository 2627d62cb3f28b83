package import AttestationMessages

/// Signs what consumers of admissions check; implemented by Admission.
package protocol AdmissionIssuer: Sendable {
    /// The admission certificate over the boot key: DER, own first, then its issuers. Its life is
    /// `min(evidenceAgeEndsMilliseconds - nowMilliseconds, 1 h)`.
    /// - Parameter bootKeySPKI: DER SubjectPublicKeyInfo of the boot key; P-256 only.
    /// - Throws: ``ServiceError`` when the evidence's age has ended already.
    func admissionCertificate(
        node: NodeID, bootKeySPKI: [UInt8], evidenceAgeEndsMilliseconds: Int64, nowMilliseconds: Int64
    ) throws -> [[UInt8]]

    /// The attestation result as a JWT (EAR, ES256), valid 60 s from `statement.issuedAtMilliseconds`.
    func attestationResult(_ statement: AdmissionStatement) async throws -> String

    /// The override as a JWT (ES256) for consumers that cannot reach the verifier; ends with the override.
    func overrideToken(_ statement: OverrideStatement) async throws -> String
}

/// What an EAR says of one node for one audience.
package struct AdmissionStatement: Hashable, Sendable {
    package var node: NodeID
    package var audience: String
    package var decision: AdmissionDecision
    /// `ADM_…` or `ID_…` where the decision is deny; `ADM_OVERRIDE` where an override admits.
    package var reason: String?
    package var verdictID: String?
    /// EAR tier (`none`, `affirming`, `warning`, `contraindicated`) by layer id.
    package var tiers: [String: String]
    /// Hex of the AK's name.
    package var akName: String
    package var resetCount: UInt32?
    package var restartCount: UInt32?
    /// DER SubjectPublicKeyInfo of the certified boot key, for `cnf`; nil when the node sent none.
    package var bootKeySPKI: [UInt8]?
    package var referenceSet: String?
    /// True when one operator proposed and approved what decided.
    package var labMode: Bool
    package var issuedAtMilliseconds: Int64
    /// The override that admits the node; the result ends with it at the latest.
    package var override: OverrideStatement?

    package init(
        node: NodeID, audience: String, decision: AdmissionDecision, reason: String?, verdictID: String?,
        tiers: [String: String], akName: String, resetCount: UInt32?, restartCount: UInt32?,
        bootKeySPKI: [UInt8]?, referenceSet: String?, labMode: Bool, issuedAtMilliseconds: Int64,
        override: OverrideStatement? = nil
    ) {
        self.node = node
        self.audience = audience
        self.decision = decision
        self.reason = reason
        self.verdictID = verdictID
        self.tiers = tiers
        self.akName = akName
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.bootKeySPKI = bootKeySPKI
        self.referenceSet = referenceSet
        self.labMode = labMode
        self.issuedAtMilliseconds = issuedAtMilliseconds
        self.override = override
    }
}

/// What is signed of an active override.
package struct OverrideStatement: Hashable, Sendable {
    package var overrideID: String
    package var node: NodeID
    /// Hex of the AK's name.
    package var akName: String
    package var site: String?
    package var proposedBy: String
    package var approvedBy: String
    package var labMode: Bool
    package var endsAtMilliseconds: Int64
    package var issuedAtMilliseconds: Int64

    package init(
        overrideID: String, node: NodeID, akName: String, site: String?, proposedBy: String, approvedBy: String,
        labMode: Bool, endsAtMilliseconds: Int64, issuedAtMilliseconds: Int64
    ) {
        self.overrideID = overrideID
        self.node = node
        self.akName = akName
        self.site = site
        self.proposedBy = proposedBy
        self.approvedBy = approvedBy
        self.labMode = labMode
        self.endsAtMilliseconds = endsAtMilliseconds
        self.issuedAtMilliseconds = issuedAtMilliseconds
    }
}
