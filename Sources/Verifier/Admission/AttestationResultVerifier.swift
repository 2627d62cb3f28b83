package import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import FoundationEssentials

/// What a consumer must check of an EAR (RFC 8725): nothing of the token is believed before its signature, the algorithm
/// is fixed, and audience, node, times and single use are all required.
package struct AttestationResultVerifier: Sendable {
    /// Seconds by which the clocks of verifier and consumer may differ.
    package static let clockSkew: Int64 = 5
    package static let longestToken = 16 * 1024

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
        guard token.utf8.count <= Self.longestToken else { throw .malformed("longer than \(Self.longestToken) bytes") }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("not three parts") }
        guard let headerBytes = Base64URL.decode(String(parts[0])),
            let header = try? JSONDecoder().decode(Header.self, from: Data(headerBytes))
        else { throw .malformed("header") }
        guard header.alg == "ES256", header.crit == nil else { throw .algorithm(header.alg) }
        guard let jwk = keySet.keys.first(where: { $0.kid == header.kid }), jwk.alg == "ES256",
            let key = jwk.publicKey
        else { throw .unknownKey }
        guard let signatureBytes = Base64URL.decode(String(parts[2])),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signatureBytes),
            key.isValidSignature(signature, for: Array("\(parts[0]).\(parts[1])".utf8))
        else { throw .signature }
        guard let payload = Base64URL.decode(String(parts[1])),
            let claims = try? JSONDecoder().decode(AttestationResultToken.self, from: Data(payload))
        else { throw .malformed("payload") }
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

    private struct Header: Decodable {
        var alg: String
        var kid: String
        var crit: [String]?
    }
}

/// Why a token is refused.
package enum AttestationResultError: Error, Hashable, Sendable {
    case malformed(String), algorithm(String), unknownKey, signature, claims(String), expired, reused
}
