package import AttestationMessages

/// What a consumer must check of an EAR (RFC 8725): nothing of the token is believed before its signature, the algorithm
/// is fixed, and audience, node, times and single use are all required.
package struct AttestationResultVerifier: Sendable {
    /// Seconds by which the clocks of verifier and consumer may differ.
    package static let clockSkew: Int64 = 5
    package static let longestToken = SignedToken.longest

    package let keySet: JSONWebKeySet
    package let issuer: String
    package let audience: String

    package init(keySet: JSONWebKeySet, issuer: String, audience: String) {
        self.keySet = keySet
        self.issuer = issuer
        self.audience = audience
    }

    /// - Parameters:
    ///   - nowSeconds: seconds since 1970 by the consumer's clock.
    ///   - usedTokenIDs: ids that the consumer has accepted and that have not expired.
    /// - Returns: the claims of a token that holds for `node` now. Its decision may be deny.
    package func verify(
        _ token: String, node: NodeID, nowSeconds: Int64, usedTokenIDs: Set<String>
    ) throws(AttestationResultError) -> AttestationResultToken {
        let signed = try SignedToken(token, type: AttestationResultToken.type, keySet: keySet)
        let claims = try signed.claims(AttestationResultToken.self)
        guard claims.profile == AttestationResultToken.profile else { throw .claims("eat_profile") }
        guard claims.issuer == issuer else { throw .claims("iss") }
        guard claims.audience == audience else { throw .claims("aud") }
        guard claims.subject == node.rawValue else { throw .claims("sub") }
        guard claims.expiresAt > claims.issuedAt, claims.expiresAt - claims.issuedAt <= AttestationResultToken.life,
            nowSeconds < claims.expiresAt
        else { throw .expired }
        guard claims.issuedAt <= nowSeconds + Self.clockSkew else { throw .claims("iat") }
        guard !usedTokenIDs.contains(claims.tokenID) else { throw .reused }
        return claims
    }
}

/// Why a token is refused.
package enum AttestationResultError: Error, Hashable, Sendable {
    case malformed(String), algorithm(String), unknownKey, signature, claims(String), expired, reused
}
