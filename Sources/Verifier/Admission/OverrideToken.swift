internal import AttestationMessages
package import JWTKit
package import VerifierService

/// The claims of an admission override as a JWT. Times are NumericDate, seconds since 1970.
package struct OverrideToken: Hashable, Sendable, Codable, JWTPayload {
    /// The header's `typ` (RFC 8725, 3.11).
    package static let type = "bootgate-override+jwt"
    /// Seconds from issue to expiry, at most.
    package static let longestLife = OverrideRecord.longestLife / 1000

    package struct Override: Hashable, Sendable, Codable {
        /// Hex of the AK's name.
        package var akName: String
        package var site: String?
        package var proposedBy: String
        package var approvedBy: String
        package var labMode: Bool
    }

    package var issuer: String
    /// The node id.
    package var subject: String
    package var issuedAt: Int64
    package var expiresAt: Int64
    /// The override's id: consumers keep it for their records; the same override is signed more than once.
    package var tokenID: String
    package var override: Override

    enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case subject = "sub"
        case issuedAt = "iat"
        case expiresAt = "exp"
        case tokenID = "jti"
        case override = "bootgate-override"
    }

    package init(_ statement: OverrideStatement, issuer: String) {
        self.issuer = issuer
        subject = statement.node.rawValue
        issuedAt = statement.issuedAtMilliseconds / 1000
        // Rounded down: never beyond the override's end.
        expiresAt = statement.endsAtMilliseconds / 1000
        tokenID = statement.overrideID
        override = Override(
            akName: statement.akName, site: statement.site, proposedBy: statement.proposedBy,
            approvedBy: statement.approvedBy, labMode: statement.labMode)
    }

    /// JWTKit's hook; the checks that count are ``OverrideTokenVerifier``'s.
    package func verify(using algorithm: some JWTAlgorithm) async throws {
        guard expiresAt > issuedAt else { throw AttestationResultError.expired }
    }
}
