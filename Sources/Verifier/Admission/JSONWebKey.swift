internal import ByteParsing
package import Crypto
internal import FoundationEssentials

/// A P-256 public key as RFC 7517 JSON.
package struct JSONWebKey: Hashable, Sendable, Codable {
    package var kty: String
    package var crv: String
    package var x: String
    package var y: String
    package var kid: String?
    package var use: String?
    package var alg: String?

    /// - Parameter forVerification: adds key id, use and algorithm, as a key set wants them.
    package init(_ key: P256.Signing.PublicKey, forVerification: Bool) {
        let point = [UInt8](key.rawRepresentation)
        kty = "EC"
        crv = "P-256"
        x = Base64URL.encode(Array(point.prefix(32)))
        y = Base64URL.encode(Array(point.suffix(32)))
        if forVerification {
            // RFC 7638: the required members in lexicographic order, no white space.
            let canonical = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\(x)\",\"y\":\"\(y)\"}"
            kid = Base64URL.encode(Array(SHA256.hash(data: Array(canonical.utf8))))
            use = "sig"
            alg = "ES256"
        }
    }

    /// - Returns: nil for another kind of key or a point that is not on the curve.
    package var publicKey: P256.Signing.PublicKey? {
        guard kty == "EC", crv == "P-256", let x = Base64URL.decode(x), let y = Base64URL.decode(y), x.count == 32,
            y.count == 32
        else { return nil }
        return try? P256.Signing.PublicKey(rawRepresentation: x + y)
    }
}

/// The keys by which consumers check attestation results (`/.well-known/jwks.json`).
package struct JSONWebKeySet: Hashable, Sendable, Codable {
    package var keys: [JSONWebKey]

    package init(keys: [JSONWebKey]) { self.keys = keys }

    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
