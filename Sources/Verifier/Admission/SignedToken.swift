internal import ByteParsing
internal import Crypto
internal import FoundationEssentials

/// A compact JWS whose signature was checked (RFC 8725): the algorithm is fixed, the key comes from the key set, the kind
/// of token is the header's, and nothing of the payload is read before.
struct SignedToken {
    static let longest = 16 * 1024
    let payload: [UInt8]

    /// - Parameter type: the media type that the header must name, so that no token passes for one of another kind.
    init(_ token: String, type: String, keySet: JSONWebKeySet) throws(AttestationResultError) {
        guard token.utf8.count <= Self.longest else { throw .malformed("longer than \(Self.longest) bytes") }
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
        guard header.typ == type else { throw .claims("typ") }
        guard let payload = Base64URL.decode(String(parts[1])) else { throw .malformed("payload") }
        self.payload = payload
    }

    func claims<Claims: Decodable>(_ type: Claims.Type) throws(AttestationResultError) -> Claims {
        guard let claims = try? JSONDecoder().decode(type, from: Data(payload)) else { throw .malformed("payload") }
        return claims
    }

    private struct Header: Decodable {
        var alg: String
        var kid: String
        var typ: String?
        var crit: [String]?
    }
}
