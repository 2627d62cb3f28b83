package import AttestationMessages
internal import ByteParsing
internal import Crypto
package import JWTKit
package import VerifierService

/// The claims of an EAR (draft-ietf-rats-ear) as a JWT: one submodule for each layer, and Bootgate's own claims in one
/// object. Times are NumericDate, seconds since 1970.
package struct AttestationResultToken: Hashable, Sendable, Codable, JWTPayload {
    /// The header's `typ`.
    package static let type = "JWT"
    package static let profile = "tag:github.com,2023:veraison/ear"
    /// Seconds from issue to expiry.
    package static let life: Int64 = 60

    package struct Submodule: Hashable, Sendable, Codable {
        package var status: String
        enum CodingKeys: String, CodingKey { case status = "ear.status" }
    }
    package struct VerifierIdentity: Hashable, Sendable, Codable {
        package var developer: String
        package var build: String
    }
    package struct Confirmation: Hashable, Sendable, Codable { package var jwk: JSONWebKey }
    package struct Admission: Hashable, Sendable, Codable {
        package var decision: AdmissionDecision
        package var reason: String?
        package var verdictID: String?
        package var akName: String
        package var resetCount: UInt32?
        package var restartCount: UInt32?
        package var referenceSet: String?
        package var labMode: Bool
        /// Present where an override admits: who vouches for the node, and to when.
        package var override: Override?
    }
    package struct Override: Hashable, Sendable, Codable {
        package var id: String
        package var proposedBy: String
        package var approvedBy: String
        /// Seconds since 1970.
        package var until: Int64
    }

    package var profile: String
    package var issuer: String
    package var audience: String
    package var subject: String
    package var issuedAt: Int64
    package var expiresAt: Int64
    package var tokenID: String
    package var verifier: VerifierIdentity
    package var submodules: [String: Submodule]
    package var admission: Admission
    package var confirmation: Confirmation?

    enum CodingKeys: String, CodingKey {
        case profile = "eat_profile"
        case issuer = "iss"
        case audience = "aud"
        case subject = "sub"
        case issuedAt = "iat"
        case expiresAt = "exp"
        case tokenID = "jti"
        case verifier = "ear.verifier-id"
        case submodules = "submods"
        case admission = "bootgate"
        case confirmation = "cnf"
    }

    package init(_ statement: AdmissionStatement, issuer: String, build: String, tokenID: String) throws {
        profile = Self.profile
        self.issuer = issuer
        audience = statement.audience
        subject = statement.node.rawValue
        issuedAt = statement.issuedAtMilliseconds / 1000
        let life = issuedAt + Self.life
        expiresAt = statement.override.map { min(life, $0.endsAtMilliseconds / 1000) } ?? life
        self.tokenID = tokenID
        verifier = VerifierIdentity(developer: "bootgate", build: build)
        submodules = statement.tiers.mapValues(Submodule.init(status:))
        admission = Admission(
            decision: statement.decision, reason: statement.reason, verdictID: statement.verdictID,
            akName: statement.akName, resetCount: statement.resetCount, restartCount: statement.restartCount,
            referenceSet: statement.referenceSet, labMode: statement.labMode,
            override: statement.override.map {
                Override(
                    id: $0.overrideID, proposedBy: $0.proposedBy, approvedBy: $0.approvedBy,
                    until: $0.endsAtMilliseconds / 1000)
            })
        confirmation = try statement.bootKeySPKI.map {
            Confirmation(jwk: JSONWebKey(try CertificateEncoding.p256(spki: $0), forVerification: false))
        }
    }

    /// JWTKit's hook; the checks that count are ``AttestationResultVerifier``'s.
    package func verify(using algorithm: some JWTAlgorithm) async throws {
        guard profile == Self.profile else { throw AttestationResultError.claims("eat_profile") }
    }
}
