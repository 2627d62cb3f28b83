package import AttestationMessages

/// What a consumer without a line to the verifier must check of an override: it knows the key set, the node, the AK name
/// that it has on record for the node, and its own site.
///
/// A token cannot be called back: where an override is ended early, it holds offline until its end, at most 24 h.
package struct OverrideTokenVerifier: Sendable {
    package let keySet: JSONWebKeySet
    package let issuer: String
    /// Nil only where the deployment has no sites.
    package let site: String?

    package init(keySet: JSONWebKeySet, issuer: String, site: String?) {
        self.keySet = keySet
        self.issuer = issuer
        self.site = site
    }

    /// - Parameters:
    ///   - akName: hex, lower case.
    ///   - nowSeconds: seconds since 1970 by the consumer's clock.
    /// - Returns: the claims of an override that admits `node` with this AK at this site now.
    package func verify(
        _ token: String, node: NodeID, akName: String, nowSeconds: Int64
    ) throws(AttestationResultError) -> OverrideToken {
        let claims = try SignedToken(token, type: OverrideToken.type, keySet: keySet).claims(OverrideToken.self)
        guard claims.issuer == issuer else { throw .claims("iss") }
        guard claims.subject == node.rawValue else { throw .claims("sub") }
        guard !akName.isEmpty, claims.override.akName == akName else { throw .claims("akName") }
        guard claims.override.site == site else { throw .claims("site") }
        let (life, overflow) = claims.expiresAt.subtractingReportingOverflow(claims.issuedAt)
        guard !overflow, life > 0, life <= OverrideToken.longestLife, nowSeconds < claims.expiresAt else {
            throw .expired
        }
        guard claims.issuedAt <= nowSeconds + AttestationResultVerifier.clockSkew else { throw .claims("iat") }
        guard claims.override.labMode || claims.override.approvedBy != claims.override.proposedBy else {
            throw .claims("approvedBy")
        }
        return claims
    }
}
