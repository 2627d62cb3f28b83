package import AttestationMessages
internal import ByteParsing
package import Crypto
internal import JWTKit
internal import Synchronization
package import VerifierService
internal import X509

/// Signs admission certificates and EARs. Keys can be replaced while it runs (``rotate(to:previous:)``).
package final class AttestationResultSigner: AdmissionIssuer {
    private struct Keys: Sendable {
        var collection: JWTKeyCollection
        var currentKeyID: String
        var keySet: JSONWebKeySet
    }

    private let authority: CertificateAuthority
    private let issuer: String
    private let build: String
    private let keys: Mutex<Keys>

    /// - Parameters:
    ///   - issuer: the `iss` claim: the verifier's instance.
    ///   - previous: the public key before the last rotation; served until consumers have forgotten its tokens.
    package init(
        authority: CertificateAuthority, issuer: String, build: String, key: P256.Signing.PrivateKey,
        previous: P256.Signing.PublicKey?
    ) async throws {
        self.authority = authority
        self.issuer = issuer
        self.build = build
        keys = Mutex(try await Self.keys(key, previous))
    }

    /// Signs with `key` from now on.
    package func rotate(to key: P256.Signing.PrivateKey, previous: P256.Signing.PublicKey?) async throws {
        let fresh = try await Self.keys(key, previous)
        keys.withLock { $0 = fresh }
    }

    /// The signing key first, then the one before it.
    package var keySet: JSONWebKeySet { keys.withLock { $0.keySet } }

    package func admissionCertificate(
        node: NodeID, bootKeySPKI: [UInt8], evidenceAgeEndsMilliseconds: Int64, nowMilliseconds: Int64
    ) throws -> [[UInt8]] {
        guard evidenceAgeEndsMilliseconds > nowMilliseconds else {
            throw ServiceError(.conflict, "ADM_STALE", "the evidence's age has ended")
        }
        let key = Certificate.PublicKey(try CertificateEncoding.p256(spki: bootKeySPKI))
        return try authority.path(
            to: authority.issue(
                .admission(
                    node, key, evidenceAgeEndsMilliseconds: evidenceAgeEndsMilliseconds,
                    nowMilliseconds: nowMilliseconds)))
    }

    package func attestationResult(_ statement: AdmissionStatement) async throws -> String {
        let (collection, keyID) = keys.withLock { ($0.collection, $0.currentKeyID) }
        var generator = SystemRandomNumberGenerator()
        let tokenID = Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let token = try AttestationResultToken(statement, issuer: issuer, build: build, tokenID: tokenID)
        return try await collection.sign(token, kid: JWKIdentifier(string: keyID))
    }

    package func overrideToken(_ statement: OverrideStatement) async throws -> String {
        let (collection, keyID) = keys.withLock { ($0.collection, $0.currentKeyID) }
        var header = JWTHeader()
        header.typ = OverrideToken.type
        return try await collection.sign(
            OverrideToken(statement, issuer: issuer), kid: JWKIdentifier(string: keyID), header: header)
    }

    private static func keys(_ key: P256.Signing.PrivateKey, _ previous: P256.Signing.PublicKey?) async throws
        -> Keys
    {
        let current = JSONWebKey(key.publicKey, forVerification: true)
        let older = previous.map { JSONWebKey($0, forVerification: true) }
        let keyID = current.kid ?? ""
        let collection = JWTKeyCollection()
        await collection.add(ecdsa: try ES256PrivateKey(backing: key), kid: JWKIdentifier(string: keyID))
        let served = [current] + (older.map { $0.kid == keyID ? [] : [$0] } ?? [])
        return Keys(collection: collection, currentKeyID: keyID, keySet: JSONWebKeySet(keys: served))
    }
}
